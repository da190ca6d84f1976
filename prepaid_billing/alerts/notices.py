"""Mails about money that has moved: found every minute in what the payments room wrote, each told once.

Nothing in the road of the money knows of them. What was told is a Billing Notice under a unique key, written in the same
transaction as the mail, so that neither is lost nor doubled whoever sweeps at once. What happened longer ago than a mail
makes sense is not told at all: a site that gets this version tells nobody of its history.
"""

import frappe
from frappe.translate import print_language

from prepaid_billing import settings
from prepaid_billing.alerts import mail
from prepaid_billing.alerts.addresses import NOBODY_LISTED, NOBODY_REACHED, once
from prepaid_billing.alerts.decide import DAY_US
from prepaid_billing.alerts.letters import Payment
from prepaid_billing.alerts.sources import SOURCES, Source
from prepaid_billing.batch import attempt, each
from prepaid_billing.ledger import balance_of, clock, rows, transaction
from prepaid_billing.log import log
from prepaid_billing.payments import issuing, receipts
from prepaid_billing.rating.money import from_database

LONG_US = 400 * DAY_US
"""How long a bank may look at a payment before it takes it back."""
RECEIPT_WAITS_US = 600 * clock.SECOND
"""How long a mail waits for the receipt of its payment, and for its file."""


def tell() -> int:
	"""Queue the mails about payments, refunds and disputes that were not told yet. Returns how many were looked at."""
	return sum(each(SOURCES, lambda source: len(each(_due(source), lambda row: _tell(source, row)))))


def _due(source: Source) -> list[frappe._dict]:
	now_us = clock.now_us()
	since_us = now_us - source.days * DAY_US
	moments = {"since": clock.site_time(since_us), "long_since": clock.site_time(now_us - LONG_US)}
	return frappe.db.sql(source.query, {"kind": source.kind, "since_us": since_us, **moments}, as_dict=True)


def _tell(source: Source, row: frappe._dict) -> None:
	"""Prepare everything, then write notice and mail in one transaction: whoever comes second writes neither."""
	to = _recipients(source, row.company, row.name)
	hindrance = _hindrance(source, row.company, to)
	receipt = None
	if source.kind == "Top-up received" and not hindrance:
		receipt = _receipt_of(row.name)
		if not receipt and _receipt_is_coming(row.name):
			return
	attachments = _attachments(row.name, receipt) if receipt else []
	payment = _payment(row, receipt, attachments)
	notice = {
		"kind": source.kind,
		"company": row.company,
		"status": "Not Sent" if hindrance else "Queued",
		"reason": hindrance,
		"reference_doctype": source.doctype,
		"reference_name": row.name,
		"recipients": "\n".join(to),
	}

	def write() -> str | None:
		"""Return why no mail was made, or None where another sweep has told it."""
		written = first(f"{source.kind}:{row.name}", notice)
		if not written or hindrance:
			return hindrance if written else None
		with print_language(mail.language_of(row.company)):
			letter = source.letter(payment)
			if mail.queue(row.company, to, letter, ("Billing Notice", written), attachments):
				return ""
		rows.update("Billing Notice", written, {"status": "Not Sent", "reason": NOBODY_REACHED})
		return NOBODY_REACHED

	why = transaction.run(write)
	if why is not None:
		log("notice", kind=source.kind, company=row.company, reference=row.name, sent=not why, reason=why)


def _payment(row: frappe._dict, receipt: frappe._dict | None, attachments: list) -> Payment:
	return Payment(
		company=row.company,
		currency=row.currency,
		amount=from_database(row.amount),
		moved=from_database(row.moved),
		available=balance_of(row.company).available,
		tax=from_database(row.tax),
		reason=row.reason or "",
		has_receipt=bool(receipt),
		is_attached=bool(attachments),
		is_final=row.status == "Lost",
		is_test=bool(receipt and not receipt.livemode),
		stops_calls=bool(settings.get("dispute_stops_calls")),
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
