"""The addresses that a company's mails go to, and what each can do about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import frappe
from frappe import _

from prepaid_billing.alerts.letters import address

NOBODY_LISTED = "Nobody to tell: no billing e-mail, and no user who gets mails."
NOBODY_REACHED = "Nobody to tell: every address is unsubscribed from this site's mails, or is no address."
NOBODY = (NOBODY_LISTED, NOBODY_REACHED)


def once(addresses: Iterable[str]) -> list[str]:
	"""Return addresses in their order, each once: mailboxes hardly ever tell A@x from a@x."""
	found: dict[str, str] = {}
	for one in addresses:
		found.setdefault(one.lower(), one)
	return list(found.values())


@dataclass(frozen=True, slots=True)
class Footer:
	"""Why somebody gets a mail, and what can be done about it: a link as (label, address), or ("", "")."""

	why: str
	link: tuple[str, str] = ("", "")


_USERS = """
	SELECT LOWER(u.email), c.is_owner, c.gets_warnings FROM `tabBilling Company User` c
	JOIN `tabUser` u ON u.name = c.user
	WHERE c.parent = %s AND c.parenttype = 'Billing Company' AND u.enabled = 1
"""


def by_footer(company: str, to: Sequence[str]) -> dict[Footer, list[str]]:
	"""Return the addresses by what the end of their mail says, in the language that is set.

	An owner chooses for all, another user for herself. A plain address has no login, so a link would lead it nowhere.
	"""
	users = {email: (is_owner, listed) for email, is_owner, listed in frappe.db.sql(_USERS, (company,))}
	shared = (frappe.db.get_value("Billing Company", company, "billing_emails") or "").lower().split()
	found: dict[Footer, list[str]] = {}
	for one in to:
		is_owner, listed = users.get(one.lower(), (False, False))
		is_plain = one.lower() not in users or (one.lower() in shared and not is_owner)
		footer = _plain() if is_plain else _owner(company) if is_owner else _user(company, listed)
		found.setdefault(footer, []).append(one)
	return found


def _owner(company: str) -> Footer:
	return Footer(
		_("You get this mail because you are listed for the mails of this company."),
		(_("Choose which mails you get"), address("/settings", company)),
	)


def _user(company: str, listed: bool) -> Footer:
	if not listed:
		return Footer(_("You get this mail because you began this top-up."))
	return Footer(
		_("You get this mail because you are listed for the mails of this company."),
		(_("Switch your mails off"), address("/settings", company) + "#own-mails"),
	)


def _plain() -> Footer:
	return Footer(
		_(
			"This address is listed for the mails of this company. An owner of the company chooses who gets them, in the portal under Settings."
		)
	)
