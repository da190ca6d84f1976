"""Staff are told which companies nobody can warn: one mail a day to the managers, however many companies there are."""

from collections.abc import Sequence

import frappe
from frappe import _
from frappe.core.doctype.user_permission.user_permission import get_user_permissions
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
	readers = _readers(unwarned)
	if not readers:
		return "There is no Prepaid Billing Manager either who could be told."
	key = f"Nobody to tell:{company or ''}:{clock.site_time(clock.now_us()).date()}"
	if dry_run:
		is_told = frappe.db.exists("Billing Notice", {"notice_key": key})
		return "Staff were told today." if is_told else "Staff would be told."
	return transaction.run(lambda: _tell(readers, company, key))


def _tell(readers: dict[tuple[Unwarned, ...], list[str]], company: str | None, key: str) -> str:
	to = "\n".join(address for group in readers.values() for address in group)
	notice = {"kind": "Nobody to tell", "company": company, "status": "Queued", "recipients": to}
	written = notices.first(key, notice)
	if not written:
		return "Staff were told today; they get one mail a day about such companies."
	queued = [
		mail.send(
			group, _subject(unwarned), "nobody_to_tell", _content(unwarned), ("Billing Notice", written)
		)
		for unwarned, group in readers.items()
	]
	if not any(queued):
		frappe.db.rollback()
		return "Staff could not be told: every manager is unsubscribed from this site's mails."
	return "Staff were told."


def _readers(unwarned: Sequence[Unwarned]) -> dict[tuple[Unwarned, ...], list[str]]:
	"""Return who hears of which companies: User Permissions may keep a manager to some of them."""
	readers: dict[tuple[Unwarned, ...], list[str]] = {}
	for address in mail.managers():
		kept_to = _companies_of(frappe.db.get_value("User", {"email": address}))
		if heard := tuple(one for one in unwarned if not kept_to or one[0] in kept_to):
			readers.setdefault(heard, []).append(address)
	return readers


def _companies_of(user: str) -> set[str]:
	"""Return the companies that a user is kept to; nothing where all are open."""
	permissions = get_user_permissions(user).get("Billing Company", [])
	return {
		permission["doc"]
		for permission in permissions
		if permission.get("applicable_for") in (None, "", "Billing Company")
	}


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
