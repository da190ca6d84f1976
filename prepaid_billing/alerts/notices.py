"""Mails about money that has moved: found every minute in what the payments room wrote, each told once.

Nothing in the road of the money knows of them. What was told is a Billing Notice under a unique key, written in the same
transaction as the mail, so that neither is lost nor doubled whoever sweeps at once. What happened longer ago than a mail
makes sense is not told at all: a site that gets this version tells nobody of its history.
"""

from collections.abc import Callable
from dataclasses import dataclass

import frappe
from frappe.translate import print_language

from prepaid_billing import settings
from prepaid_billing.alerts import letters, mail
from prepaid_billing.alerts.letters import Letter, Payment
from prepaid_billing.batch import each
from prepaid_billing.ledger import balance_of, clock, rows, transaction
from prepaid_billing.log import log
from prepaid_billing.payments import issuing, receipts
from prepaid_billing.rating.money import from_database

DAY_US = 86_400 * clock.SECOND
RECEIPT_WAITS_US = 600 * clock.SECOND
"""How long a mail waits for the receipt of its payment."""

_TOPUP = "CAST(r.amount AS CHAR), CAST(r.credited AS CHAR), CAST(r.tax AS CHAR), r.failure_reason"
_CLAIM = "CAST(r.amount AS CHAR), CAST(r.booked_amount AS CHAR), '0', r.reason"
_DUE = """
	SELECT r.name, r.company, r.currency, {columns} FROM `tab{doctype}` r LEFT JOIN `tabBilling Notice` n
		ON n.notice_key = CONCAT(%(kind)s, ':', r.name) COLLATE utf8mb4_nopad_bin
	WHERE {happened} AND n.name IS NULL ORDER BY r.creation LIMIT 1000
"""


@dataclass(frozen=True, slots=True)
class Source:
	"""A kind of mail: the company's switch for it, the rows that it tells of, for how many days, and its letter."""

	kind: str
	switch: str
	doctype: str
	happened: str
	days: int
	letter: Callable[[Payment], Letter]

	@property
	def query(self) -> str:
		"""SQL for what was not told yet."""
		columns = _TOPUP if self.doctype == "Balance Topup" else _CLAIM
		return _DUE.format(columns=columns, doctype=self.doctype, happened=self.happened)


_MADE = "r.creation > %(since)s AND r.status {}"
SOURCES = (
	Source(
		"Top-up received",
		"mail_topup",
		"Balance Topup",
		"r.paid_us > %(since_us)s",
		7,
		letters.topup_received,
	),
	Source(
		"Payment failed",
		"mail_failed",
		"Balance Topup",
		"r.status = 'Failed' AND r.created_us > %(since_us)s",
		21,
		letters.payment_failed,
	),
	Source("Refund", "mail_refund", "Billing Refund", _MADE.format("= 'Succeeded'"), 30, letters.refund),
	Source(
		"Refund failed",
		"mail_refund",
		"Billing Refund",
		_MADE.format("IN ('Failed', 'Cancelled') AND r.bookings > 0"),
		60,
		letters.refund_failed,
	),
	Source("Dispute", "mail_dispute", "Billing Dispute", _MADE.format("= 'Open'"), 30, letters.dispute),
	Source(
		"Dispute won",
		"mail_dispute",
		"Billing Dispute",
		_MADE.format("= 'Won' AND r.bookings > 0"),
		180,
		letters.dispute_won,
	),
)


def tell() -> int:
	"""Queue the mails about payments, refunds and disputes that were not told yet. Returns how many were looked at."""
	return sum(each(SOURCES, lambda source: len(each(_due(source), lambda row: _tell(source, row)))))


def nobody_to_tell(company: str, level: str) -> None:
	"""Tell staff, once a day, that the warning of a company has nobody to go to."""
	day = clock.site_time(clock.now_us()).date()
	key = f"Nobody to tell:{company}:{day}"

	def send() -> None:
		if _first(key, {"kind": "Nobody to tell", "company": company, "status": "Queued"}):
			mail.queue_nobody_to_tell(company, level)

	transaction.run(send)


def _due(source: Source) -> list[tuple]:
	since_us = clock.now_us() - source.days * DAY_US
	values = {"kind": source.kind, "since_us": since_us, "since": clock.site_time(since_us)}
	return frappe.db.sql(source.query, values)


def _tell(source: Source, row: tuple) -> None:
	"""Prepare everything, then write notice and mail in one transaction: whoever comes second writes neither."""
	name, company, currency, amount, moved, tax, reason = row
	receipt = _receipt_of(name) if source.kind == "Top-up received" else None
	if source.kind == "Top-up received" and not receipt and _receipt_is_coming(name):
		return
	to = _recipients(source, company, name)
	hindrance = _hindrance(source, company, to)
	payment = Payment(
		company=company,
		currency=currency,
		amount=from_database(amount),
		moved=from_database(moved),
		available=balance_of(company).available,
		tax=from_database(tax),
		reason=reason or "",
		has_receipt=bool(receipt),
		is_test=bool(receipt and not receipt.livemode),
		stops_calls=bool(settings.get("dispute_stops_calls")),
	)
	attachments = [_attachment(receipt)] if receipt else []
	notice = {
		"kind": source.kind,
		"company": company,
		"status": "Not Sent" if hindrance else "Queued",
		"reason": hindrance,
		"reference_doctype": source.doctype,
		"reference_name": name,
		"recipients": "\n".join(to),
	}

	def send() -> bool:
		is_first = _first(f"{source.kind}:{name}", notice)
		if is_first and not hindrance:
			with print_language(mail.language_of(company)):
				mail.queue(company, to, source.letter(payment), (source.doctype, name), attachments)
		return is_first

	if transaction.run(send):
		log("notice", kind=source.kind, company=company, reference=name, sent=not hindrance, reason=hindrance)


def _first(key: str, notice: dict[str, object]) -> bool:
	"""Write a notice; False where one with this key is there. Waits for another sweep that is just writing it."""
	empty = {"reason": "", "reference_doctype": None, "reference_name": None, "recipients": ""}
	try:
		rows.insert(
			"Billing Notice", clock.now_us(), {"name": rows.new_name(), "notice_key": key, **empty, **notice}
		)
	except Exception as error:
		if not frappe.db.is_unique_key_violation(error):
			raise
		return False
	return True


def _recipients(source: Source, company: str, name: str) -> list[str]:
	"""Return who is told: the company's addresses, and of a top-up also who began it where that is one of its users."""
	to = mail.recipients(company)
	if source.doctype == "Balance Topup":
		to += frappe.db.sql_list(
			"""
			SELECT u.email FROM `tabBalance Topup` t JOIN `tabUser` u ON u.name = t.initiated_by
			JOIN `tabBilling Company User` c ON c.user = u.name AND c.parent = t.company
			WHERE t.name = %s AND u.enabled = 1
			""",
			(name,),
		)
	return list(dict.fromkeys(to))


def _hindrance(source: Source, company: str, to: list[str]) -> str:
	if not frappe.db.get_value("Billing Company", company, source.switch):
		return "The company has switched off mails of this kind."
	return "" if to else "Nobody to tell: no billing e-mail, and no user who gets mails."


def _receipt_of(topup: str) -> frappe._dict | None:
	"""Return the receipt of a top-up, or None where there is none (yet)."""
	name = frappe.db.get_value("Balance Topup", topup, "receipt")
	return receipts.find(name) if name else None


def _attachment(receipt: frappe._dict) -> dict[str, object]:
	return {"fname": receipts.file_name(receipt), "fcontent": receipts.pdf(receipt.name)}


def _receipt_is_coming(topup: str) -> bool:
	"""Whether the sweep that issues receipts will have one soon: it needs a seller in the settings."""
	paid_us = frappe.db.get_value("Balance Topup", topup, "paid_us")
	return issuing.seller_is_known() and clock.now_us() - paid_us < RECEIPT_WAITS_US
