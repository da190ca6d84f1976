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
from prepaid_billing.alerts.addresses import NOBODY_LISTED, NOBODY_REACHED, once
from prepaid_billing.alerts.letters import Letter, Payment
from prepaid_billing.batch import attempt, each
from prepaid_billing.ledger import balance_of, clock, rows, transaction
from prepaid_billing.log import log
from prepaid_billing.payments import issuing, receipts
from prepaid_billing.rating.money import from_database

DAY_US = 86_400 * clock.SECOND
LONG_US = 400 * DAY_US
"""How long a bank may look at a payment before it takes it back."""
RECEIPT_WAITS_US = 600 * clock.SECOND
"""How long a mail waits for the receipt of its payment, and for its file."""

_TOPUP = "r.status, CAST(r.amount AS CHAR), CAST(r.credited AS CHAR), CAST(r.tax AS CHAR), r.failure_reason"
_CLAIM = "r.status, CAST(r.amount AS CHAR), CAST(r.booked_amount AS CHAR), '0', r.reason"
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
# By the day of its first booking: an inquiry may become a dispute after months, and a debit is lost when first heard of.
_TAKEN = """
	r.creation > %(long_since)s AND r.status IN ('Open', 'Lost') AND (
		r.status = 'Open' AND r.creation > %(since)s OR EXISTS (
			SELECT 1 FROM `tabBalance Transaction` e WHERE e.booked_us > %(since_us)s AND e.idempotency_key
				= CONCAT('dispute:', r.company, ':', r.name, ':0') COLLATE utf8mb4_nopad_bin
		)
	)
"""
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
	Source("Dispute", "mail_dispute", "Billing Dispute", _TAKEN, 30, letters.dispute),
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


def _due(source: Source) -> list[tuple]:
	now_us = clock.now_us()
	since_us = now_us - source.days * DAY_US
	moments = {"since": clock.site_time(since_us), "long_since": clock.site_time(now_us - LONG_US)}
	return frappe.db.sql(source.query, {"kind": source.kind, "since_us": since_us, **moments})


def _tell(source: Source, row: tuple) -> None:
	"""Prepare everything, then write notice and mail in one transaction: whoever comes second writes neither."""
	name, company, currency, status, amount, moved, tax, reason = row
	to = _recipients(source, company, name)
	hindrance = _hindrance(source, company, to)
	receipt = None
	if source.kind == "Top-up received" and not hindrance:
		receipt = _receipt_of(name)
		if not receipt and _receipt_is_coming(name):
			return
	attachments = _attachments(name, receipt) if receipt else []
	payment = Payment(
		company=company,
		currency=currency,
		amount=from_database(amount),
		moved=from_database(moved),
		available=balance_of(company).available,
		tax=from_database(tax),
		reason=reason or "",
		has_receipt=bool(receipt),
		is_attached=bool(attachments),
		is_final=status == "Lost",
		stops_calls=bool(settings.get("dispute_stops_calls")),
	)
	notice = {
		"kind": source.kind,
		"company": company,
		"status": "Not Sent" if hindrance else "Queued",
		"reason": hindrance,
		"reference_doctype": source.doctype,
		"reference_name": name,
		"recipients": "\n".join(to),
	}

	def send() -> str | None:
		"""Return why no mail was made, or None where another sweep has told it."""
		written = first(f"{source.kind}:{name}", notice)
		if not written:
			return None
		if hindrance:
			return hindrance
		with print_language(mail.language_of(company)):
			if mail.queue(company, to, source.letter(payment), (source.doctype, name), attachments):
				return ""
		rows.update("Billing Notice", written, {"status": "Not Sent", "reason": NOBODY_REACHED})
		return NOBODY_REACHED

	not_sent = transaction.run(send)
	if not_sent is not None:
		log(
			"notice",
			kind=source.kind,
			company=company,
			reference=name,
			sent=not not_sent,
			reason=not_sent,
		)


def first(key: str, notice: dict[str, object]) -> str:
	"""Write a notice and return its name, or nothing where one with this key is there.

	Waits for another sweep that is just writing it.
	"""
	empty = {"reason": "", "reference_doctype": None, "reference_name": None, "recipients": ""}
	name = rows.new_name()
	try:
		rows.insert("Billing Notice", clock.now_us(), {"name": name, "notice_key": key, **empty, **notice})
	except Exception as error:
		if not frappe.db.is_unique_key_violation(error):
			raise
		return ""
	return name


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
	return once(to)


def _hindrance(source: Source, company: str, to: list[str]) -> str:
	if not frappe.db.get_value("Billing Company", company, source.switch):
		return "The company has switched off mails of this kind."
	return "" if to else NOBODY_LISTED


def _receipt_of(topup: str) -> frappe._dict | None:
	"""Return the receipt of a top-up, or None where there is none (yet)."""
	name = frappe.db.get_value("Balance Topup", topup, "receipt")
	return receipts.find(name) if name else None


def _attachments(topup: str, receipt: frappe._dict) -> list[dict[str, object]]:
	"""Return the receipt as a file; none where that has failed for some minutes, because the mail matters more."""
	content, error = attempt(receipt.name, receipts.pdf)
	if error and _is_fresh(topup):
		raise error
	return [] if error else [{"fname": receipts.file_name(receipt), "fcontent": content}]


def _receipt_is_coming(topup: str) -> bool:
	"""Whether the sweep that issues receipts will have one soon: it needs a seller in the settings."""
	return issuing.seller_is_known() and _is_fresh(topup)


def _is_fresh(topup: str) -> bool:
	paid_us = frappe.db.get_value("Balance Topup", topup, "paid_us")
	return clock.now_us() - paid_us < RECEIPT_WAITS_US
