"""Staff are told which companies nobody can warn: each company once a day, however many there are, in one mail."""

from collections.abc import Sequence

import frappe
from frappe import _
from frappe.utils import get_url_to_form

from prepaid_billing.alerts import mail, notices
from prepaid_billing.alerts.addresses import NOBODY_LISTED, NOBODY_REACHED
from prepaid_billing.ledger import clock, rows, transaction

MOST_LISTED = 100
"""Companies that one mail names; how many more there are, it says."""
TOLD_TODAY = "Staff were told today; they are told of a company once a day."

# Company, level, and which of the two reasons.
Unwarned = tuple[str, str, str]


def tell(unwarned: Sequence[Unwarned], dry_run: bool) -> dict[str, str]:
	"""Mail the managers about the companies that nobody can warn and that they were not told of today.

	Returns of each company, in a sentence, what came of it.
	"""
	day = clock.site_time(clock.now_us()).date()
	keys = {one[0]: f"Nobody to tell:{one[0]}:{day}" for one in unwarned}
	told = frappe.get_all("Billing Notice", {"notice_key": ["in", list(keys.values())]}, pluck="company")
	managers = mail.managers()
	readers = _readers(unwarned, mail.reachable(managers))
	new = [one for one in unwarned if one[0] not in told and readers[one]]
	mailed = set() if dry_run or not new else transaction.run(lambda: _tell(new, readers, keys))
	unread = (
		"Staff could not be told: every manager is unsubscribed from this site's mails."
		if managers
		else "There is no Prepaid Billing Manager either who could be told."
	)

	def said(one: Unwarned) -> str:
		if one[0] in told:
			return TOLD_TODAY
		if not readers[one]:
			return unread
		if dry_run:
			return "Staff would be told."
		return "Staff were told." if one[0] in mailed else TOLD_TODAY

	return {one[0]: said(one) for one in unwarned}


def _tell(new: Sequence[Unwarned], readers: dict[Unwarned, list[str]], keys: dict[str, str]) -> set[str]:
	"""Write a notice for each company and mail what no other check has told; return these companies."""
	notice = {"kind": "Nobody to tell", "status": "Queued"}
	written: dict[Unwarned, str] = {}
	for one in new:
		about = {"company": one[0], "recipients": "\n".join(readers[one])}
		if name := notices.first(keys[one[0]], {**notice, **about}):
			written[one] = name
	for heard, group in _by_what_they_hear(written, readers).items():
		lead = written[heard[0]]
		mail.send(group, _subject(heard), "nobody_to_tell", _content(heard), ("Billing Notice", lead))
		for one in heard[1:]:
			rows.update(
				"Billing Notice",
				written[one],
				{"reference_doctype": "Billing Notice", "reference_name": lead},
			)
	return {one[0] for one in written}


def _readers(unwarned: Sequence[Unwarned], managers: Sequence[str]) -> dict[Unwarned, list[str]]:
	"""Return who hears of each company: User Permissions may keep a manager to some of them."""
	kept = {address: mail.companies_of(address) for address in managers}
	return {
		one: [address for address, companies in kept.items() if not companies or one[0] in companies]
		for one in unwarned
	}


def _by_what_they_hear(
	written: dict[Unwarned, str], readers: dict[Unwarned, list[str]]
) -> dict[tuple[Unwarned, ...], list[str]]:
	"""Return the managers by the companies that their mail is about."""
	groups: dict[tuple[Unwarned, ...], list[str]] = {}
	for address in dict.fromkeys(address for one in written for address in readers[one]):
		groups.setdefault(tuple(one for one in written if address in readers[one]), []).append(address)
	return groups


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
