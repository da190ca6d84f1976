"""What `check-low-balances` prints: what was done for each company and why, and what else keeps a mail from arriving."""

from collections import Counter
from collections.abc import Sequence

import frappe
from frappe.email.doctype.email_account.email_account import EmailAccount
from frappe.utils import cint
from frappe.utils.scheduler import is_scheduler_inactive

from prepaid_billing.alerts.check import FAILED, NOT_MAILED, NOTHING, WARNED, WOULD_BE_WARNED, Checked
from prepaid_billing.display import moment
from prepaid_billing.rating.money import as_text

_HEAD = ("company", "available", "threshold", "", "level", "to", "done", "why")
_LAST = """
	SELECT w.level, w.decided_at, w.status, w.reason, w.recipients, (
		SELECT GROUP_CONCAT(DISTINCT q.status) FROM `tabEmail Queue` q
		WHERE q.reference_doctype = 'Low Balance Warning' AND q.reference_name = w.name
	) FROM `tabLow Balance Warning` w WHERE w.company = %s ORDER BY w.decided_us DESC LIMIT 1
"""


def lines(checked: Sequence[Checked]) -> list[str]:
	"""Return the table, one line a company below its head."""
	return [_line(_HEAD), *(_line(_cells(result)) for result in checked)]


def last_warning(company: str) -> str:
	"""Return what became of the last warning of a company and of its mail."""
	found = frappe.db.sql(_LAST, (company,))
	if not found:
		return "last warning: none"
	level, decided_at, status, reason, recipients, mail = found[0]
	what = f"last warning: {level}, {moment(decided_at, 'en')}"
	if status != "Queued":
		became = {"Pending": "decided, not yet mailed", "Recovered": "recovered, no mail"}.get(
			status, "no mail"
		)
		return f"{what}, {became}: {reason or 'the next check makes the mail'}"
	return f"{what}, Queued, mail {mail or 'no longer in the queue'}, to {', '.join(recipients.split())}"


def hindrances() -> list[str]:
	"""Return what keeps every warning from being sent, whatever the company."""
	found = []
	if is_scheduler_inactive():
		found.append("The scheduler is off: the check of every 30 minutes does not run by itself.")
	if frappe.are_emails_muted():
		found.append("Mails are muted on this site (mute_emails).")
	elif not EmailAccount.find_outgoing(match_by_doctype="Low Balance Warning"):
		found.append(
			"There is no outgoing mail account (Email Account with Default Outgoing): no mail can be made."
		)
	if cint(frappe.db.get_default("suspend_email_queue")):
		found.append("The Email Queue is suspended: mails wait in it until an administrator resumes sending.")
	if pending := frappe.db.count("Low Balance Warning", {"status": "Pending"}):
		found.append(
			f"Warnings that are decided and not yet mailed: {pending} (Low Balance Warning, status Pending)."
		)
	if failed := frappe.db.count("Email Queue", {"status": "Error"}):
		found.append(f"Mails that could not be sent: {failed} (Email Queue, status Error).")
	return found


def ending(checked: Sequence[Checked], dry_run: bool) -> str:
	"""Return the line below it all: how many were checked, and what was done."""
	counts = Counter(result.done for result in checked if result.done != NOTHING)
	done = [f"{counts[what]} {what}" for what in (WOULD_BE_WARNED if dry_run else WARNED,)]
	done += [f"{counts[what]} {what}" for what in (NOT_MAILED, FAILED) if counts[what]]
	sent = " (their mails leave with Frappe's Email Queue, within minutes)" if counts[WARNED] else ""
	return f"{len(checked)} checked, {', '.join(done)}{' (dry run: nothing was sent)' if dry_run else sent}"


def _cells(result: Checked) -> tuple[str, ...]:
	return (
		result.company,
		as_text(result.available),
		as_text(result.threshold),
		result.currency,
		result.level or "Good",
		str(result.recipients),
		result.done,
		result.reason,
	)


def _line(cells: Sequence[str]) -> str:
	company, available, threshold, currency, level, to, done, why = cells
	return f"{company:<28} {available:>16} {threshold:>16} {currency:<3}  {level:<9} {to:>3} {done:<15} {why}".rstrip()
