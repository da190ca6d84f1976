"""Staff are told which companies nobody can warn: one mail a day to the managers, however many companies there are."""

from collections.abc import Sequence

import frappe
from frappe import _
from frappe.utils import get_url_to_form

from prepaid_billing.alerts import mail, notices
from prepaid_billing.alerts.addresses import NOBODY_LISTED, NOBODY_REACHED
from prepaid_billing.ledger import clock, transaction

MOST_LISTED = 100
"""Companies that one mail names; how many more there are, it says."""

# Company, level, and which of the two reasons.
Unwarned = tuple[str, str, str]


def tell(unwarned: Sequence[Unwarned], company: str | None, dry_run: bool) -> str:
	"""Mail the managers about companies that nobody can warn, and return in a sentence what came of it.

	Once a day for the check of all companies, and once for that of one, so that looking at one holds back no other.
	"""
	if not mail.managers():
		return "There is no Prepaid Billing Manager either who could be told."
	key = f"Nobody to tell:{company or ''}:{clock.site_time(clock.now_us()).date()}"
	if dry_run:
		is_told = frappe.db.exists("Billing Notice", {"notice_key": key})
		return "Staff were told today." if is_told else "Staff would be told."
	return transaction.run(lambda: _tell(unwarned, company, key))


def _tell(unwarned: Sequence[Unwarned], company: str | None, key: str) -> str:
	names = ", ".join(name for name, _level, _reason in unwarned[:MOST_LISTED])
	notice = {"kind": "Nobody to tell", "company": company, "status": "Queued", "reason": names}
	to = mail.managers()
	written = notices.first(key, {**notice, "recipients": "\n".join(to)})
	if not written:
		return "Staff were told today; they get one mail a day about such companies."
	reference = ("Billing Notice", written)
	if not mail.send(to, _subject(unwarned), "nobody_to_tell", _content(unwarned), reference):
		frappe.db.rollback()
		return "Staff could not be told: every manager is unsubscribed from this site's mails."
	return "Staff were told."


def _subject(unwarned: Sequence[Unwarned]) -> str:
	if len(unwarned) == 1:
		return _("Nobody can be warned of a low balance: {0}").format(unwarned[0][0])
	return _("Nobody can be warned of a low balance: {0} companies").format(len(unwarned))


def _content(unwarned: Sequence[Unwarned]) -> dict[str, object]:
	why = {
		NOBODY_LISTED: _("no billing e-mail, and no user who gets mails"),
		NOBODY_REACHED: _("every address is unsubscribed from this site's mails, or is no address"),
	}
	return {
		"companies": [
			(name, get_url_to_form("Billing Company", name), _(level), why[reason])
			for name, level, reason in unwarned[:MOST_LISTED]
		],
		"others": len(unwarned) - MOST_LISTED,
	}
