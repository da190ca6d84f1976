"""What `check-low-balances` prints: what was done for each company and why, and what else keeps a mail from arriving."""

from collections.abc import Sequence

import frappe
from frappe.utils.scheduler import is_scheduler_inactive

from prepaid_billing.alerts.check import Checked
from prepaid_billing.display import moment
from prepaid_billing.rating.money import as_text

_HEAD = ("company", "available", "threshold", "", "level", "to", "done", "why")
_LAST = """
	SELECT w.level, w.decided_at, w.status, w.recipients, (
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
	level, decided_at, status, recipients, mail = found[0]
	return (
		f"last warning: {level}, {moment(decided_at, 'en')}, {status}, mail {mail or 'no longer in the queue'}, "
		f"to {', '.join(recipients.split())}"
	)


def hindrances() -> list[str]:
	"""Return what keeps every warning from being sent, whatever the company."""
	found = []
	if is_scheduler_inactive():
		found.append("The scheduler is off: the check of every 30 minutes does not run by itself.")
	if frappe.are_emails_muted():
		found.append("Mails are muted on this site (mute_emails).")
	if failed := frappe.db.count("Email Queue", {"status": "Error"}):
		found.append(f"{failed} mails could not be sent (Email Queue, status Error).")
	return found


def _cells(result: Checked) -> tuple[str, ...]:
	return (
		result.company,
		as_text(result.available),
		as_text(result.threshold),
		result.currency,
		result.level or "Good",
		str(result.recipients),
		"warned" if result.sent else "-",
		result.reason,
	)


def _line(cells: Sequence[str]) -> str:
	company, available, threshold, currency, level, to, done, why = cells
	return f"{company:<28} {available:>16} {threshold:>16} {currency:<3}  {level:<9} {to:>3} {done:<7} {why}".rstrip()
