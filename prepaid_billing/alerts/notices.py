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
DOCUMENT_WAITS_US = 600 * clock.SECOND
"""How long a mail waits for the receipt or credit note of its money, and for its file. What comes later is mailed alone."""


def tell() -> int:
	"""Queue the mails about payments, refunds and disputes that were not told yet. Returns how many were looked at."""
	return sum(each(SOURCES, lambda source: len(each(_due(source), lambda row: _tell(source, row)))))


def _due(source: Source) -> list[frappe._dict]:
	now_us = clock.now_us()
	since_us = now_us - source.days * DAY_US
	fresh_us = now_us - DOCUMENT_WAITS_US
	moments = {"since": since_us, "long_since": now_us - LONG_US, "fresh": fresh_us}
	values = {name: clock.site_time(moment) for name, moment in moments.items()}
	values |= {"kind": source.kind, "since_us": since_us, "fresh_us": fresh_us}
	return frappe.db.sql(source.query, values, as_dict=True)


def _tell(source: Source, row: frappe._dict) -> None:
	"""Prepare everything, then write notice and mail in one transaction: whoever comes second writes neither."""
	to = _recipients(source, row.company, row.name)
	hindrance = _hindrance(source, row.company, to)
	if row.is_fresh and not row.document and not hindrance and issuing.seller_is_known():
		return
	document = receipts.find(row.document) if row.document else None
	files = (
		_files(document, may_fail=not (row.is_fresh or _is_alone(source)))
		if document and not hindrance
		else []
	)
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
		is_mailed = document and not _lock_to_mail(document.name)
		if _is_alone(source) and is_mailed:
			return None
		written = first(f"{source.kind}:{row.name}", notice)
		if not written:
			return None
		attachments = [] if is_mailed else files
		if attachments or (hindrance and document):
			rows.update("Billing Receipt", document.name, {"is_to_mail": 0})
		if hindrance:
			return hindrance
		with print_language(mail.language_of(row.company)):
			letter = source.letter(_payment(row, document, attachments))
			if mail.queue(row.company, to, letter, ("Billing Notice", written), attachments):
				return ""
		rows.update("Billing Notice", written, {"status": "Not Sent", "reason": NOBODY_REACHED})
		return NOBODY_REACHED

	why = transaction.run(write)
	if why is not None:
		log("notice", kind=source.kind, company=row.company, reference=row.name, sent=not why, reason=why)


def _is_alone(source: Source) -> bool:
	"""Whether a mail is about a document, and not about the money that moved."""
	return source.doctype == "Billing Receipt"


def _lock_to_mail(document: str) -> bool:
	"""Lock a document and return whether it still is to be mailed: of two mails one takes it along."""
	return bool(
		frappe.db.sql("SELECT is_to_mail FROM `tabBilling Receipt` WHERE name = %s FOR UPDATE", (document,))[
			0
		][0]
	)


def _payment(row: frappe._dict, document: frappe._dict | None, attachments: list) -> Payment:
	return Payment(
		company=row.company,
		currency=row.currency,
		amount=from_database(row.amount),
		moved=from_database(row.moved),
		available=balance_of(row.company).available,
		tax=from_database(row.tax),
		reason=row.reason or "",
		document=document,
		is_attached=bool(attachments),
		is_final=row.status == "Lost",
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
	"""Return who is told: the company's addresses, and of a top-up or its receipt also who began it, a user of its."""
	to = mail.recipients(company)
	if source.is_of_topup:
		column = "name" if source.doctype == "Balance Topup" else "receipt"
		to += frappe.db.sql_list(
			f"""
			SELECT u.email FROM `tabBalance Topup` t JOIN `tabUser` u ON u.name = t.initiated_by
			JOIN `tabBilling Company User` c ON c.user = u.name AND c.parent = t.company
			WHERE t.`{column}` = %s AND u.enabled = 1
			""",
			(name,),
		)
	return once(to)


def _hindrance(source: Source, company: str, to: list[str]) -> str:
	if not frappe.db.get_value("Billing Company", company, source.switch):
		return "The company has switched off mails of this kind."
	return "" if to else NOBODY_LISTED


def _files(document: frappe._dict, may_fail: bool) -> list[dict[str, object]]:
	"""Return a document as a file; none where that fails and the mail does not wait any longer, as it matters more."""
	content, error = attempt(document.name, receipts.pdf)
	if error and not may_fail:
		raise error
	return [] if error else [{"fname": receipts.file_name(document), "fcontent": content}]
