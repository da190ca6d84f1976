"""The mails of decided warnings: each in a transaction that locks its warning alone, so that no call waits for a mail.

What a mail says is read there afresh, all at one moment. A warning that has lost its point meanwhile is closed without a
mail, and one that cannot be mailed now stays Pending, with the error, until a later check can.
"""

from dataclasses import dataclass

import frappe
from frappe.translate import print_language

from prepaid_billing.alerts import balances, in_app, mail, marks
from prepaid_billing.alerts.decide import NOT_LOW, is_told, told_of, unwanted
from prepaid_billing.batch import attempt, in_words
from prepaid_billing.ledger import rows, transaction
from prepaid_billing.log import log

_PENDING = """
	SELECT name, company FROM `tabLow Balance Warning` WHERE status = 'Pending' {} ORDER BY decided_us DESC
"""
_LOCK = """
	SELECT w.name, w.company, w.in_app, w.mark_before, w.mark_before_us, (
		SELECT COUNT(*) FROM `tabLow Balance Warning` n WHERE n.company = w.company AND n.decided_us > w.decided_us
	) AS later FROM `tabLow Balance Warning` w WHERE w.name = %s AND w.status = 'Pending' FOR UPDATE SKIP LOCKED
"""


TOLD_BEFORE = "The balance is back at a level that was told within the interval."


@dataclass(frozen=True, slots=True)
class Outcome:
	"""What became of a decided warning: "Queued", "Recovered", "Not Sent" or "Pending", and why it is not mailed."""

	status: str
	reason: str = ""


def deliver(company: str | None) -> dict[str, Outcome]:
	"""Make the mails of the Pending warnings of a company, or of all; return what became of each company's last."""
	pending = frappe.db.sql(
		_PENDING.format("AND company = %s" if company else ""), (company,) if company else ()
	)
	outcomes: dict[str, Outcome] = {}
	for name, of in pending:
		outcome, error = attempt(name, lambda name: transaction.run(lambda: _queue(name)))
		if error:
			outcome = Outcome("Pending", in_words(error))
		if not outcome:
			continue
		_keep(name, of, outcome)
		outcomes.setdefault(of, outcome)
	return outcomes


def _queue(name: str) -> Outcome | None:
	"""Put the mail of a warning into Frappe's queue; None where another check does so."""
	warning = frappe.db.sql(_LOCK, (name,), as_dict=True)
	if not warning:
		return None
	row = balances.one(warning[0].company)
	if warning[0].later:
		return Outcome("Not Sent", "A later warning took its place.")
	state = balances.state_of(row)
	if reason := balances.blocked(row) or unwanted(state):
		return Outcome("Recovered" if reason == NOT_LOW else "Not Sent", reason)
	level, (before, told_us) = told_of(state), (warning[0].mark_before or "", warning[0].mark_before_us or 0)
	if is_told(level, before, told_us, row.now_us, balances.interval_us()):
		return Outcome("Recovered", TOLD_BEFORE)
	if reason := mail.unreachable(row.recipients):
		return Outcome("Not Sent", reason)
	row.recipients = mail.reachable(row.recipients)
	with print_language(mail.language_of(row.name)):
		letter = mail.warning_letter(row, level)
		mail.queue(row.name, row.recipients, letter, ("Low Balance Warning", name))
		is_shown = warning[0].in_app or in_app.show(row.name, letter)
	told = {"level": level, "recipients": "\n".join(row.recipients), "status": "Queued", "reason": ""}
	told["in_app"] = int(is_shown)
	rows.update("Low Balance Warning", name, {**told, "available": row.available, "threshold": row.threshold})
	return Outcome("Queued")


def _keep(name: str, company: str, outcome: Outcome) -> None:
	"""Write why a warning is not mailed, or not yet."""
	log("low balance warning", company=company, warning=name, status=outcome.status, reason=outcome.reason)
	if outcome.status == "Pending":
		attempt(name, lambda name: transaction.run(lambda: _note_error(name, outcome.reason)))
		attempt(name, lambda name: transaction.run(lambda: in_app.show_pending(name)))
	elif outcome.status != "Queued":
		attempt(
			name,
			lambda name: transaction.run(
				lambda: marks.take_back(name, company, outcome.status, outcome.reason)
			),
		)


def _note_error(name: str, reason: str) -> None:
	frappe.db.sql(
		"UPDATE `tabLow Balance Warning` SET reason = %s WHERE name = %s AND status = 'Pending'",
		(reason, name),
	)
