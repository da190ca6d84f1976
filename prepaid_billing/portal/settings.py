"""The settings page: what a company's owner may change, and what the others see of it.

Everything is written by the documents of the desk, so that their controllers check it there and here alike. What is not
named here cannot be changed from the portal: name, currency, status and price among it.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import frappe
from frappe import _

from prepaid_billing.calls.pricing import rate_of
from prepaid_billing.display import money
from prepaid_billing.exceptions import InvalidAmount, InvalidInput
from prepaid_billing.ledger import balance_of
from prepaid_billing.permissions import is_owner
from prepaid_billing.portal import address, argument, invitations, names_with, remembered
from prepaid_billing.portal.figures import number, price_in_words
from prepaid_billing.portal.typed import example, typed_amount
from prepaid_billing.rating.money import exponent

KINDS = (
	"mail_low",
	"mail_critical",
	"mail_empty",
	"mail_topup",
	"mail_failed",
	"mail_refund",
	"mail_dispute",
)
RIGHTS = ("is_owner", "may_top_up", "gets_warnings")
DATA = ("address", "vat_id", "language", "time_zone")

_IS_PLACE = re.compile("(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific)/")
_USERS = """
	SELECT c.user, u.full_name, c.is_owner, c.may_top_up, c.gets_warnings, u.enabled
	FROM `tabBilling Company User` c JOIN `tabUser` u ON u.name = c.user
	WHERE c.parent = %s AND c.parenttype = 'Billing Company' ORDER BY c.idx
"""


def settings_page(company: str) -> dict[str, object]:
	"""Return what the page shows of a company."""
	view = balance_of(company)
	doc = frappe.get_doc("Billing Company", company)
	return {
		"may_change": is_owner(company),
		"currency": view.currency,
		"price": price_in_words(rate_of(view), view.currency),
		"threshold": money(view.threshold, view.currency),
		"values": {
			"threshold": _plain(view.threshold, view.currency),
			"recipients": doc.billing_emails or "",
			**{name: doc.get(name) or "" for name in DATA},
			**{name: doc.get(name) for name in KINDS},
			"email": "",
			"invite_may_top_up": 0,
			"invite_is_owner": 0,
		},
		"kinds": _kinds(),
		"languages": _languages(),
		"time_zones": _time_zones(),
		"owners": names_with(company, "is_owner"),
		"users": frappe.db.sql(_USERS, (company,), as_dict=True),
		"invited": invitations.of_company(company),
		"me": frappe.session.user,
		"action": address("/settings", company),
		"saved": remembered("saved"),
	}


def save_threshold(company: str) -> None:
	"""Set the amount of money below which the company is warned. Raises InvalidAmount."""
	doc = frappe.get_doc("Prepaid Balance", company)
	doc.low_balance_threshold = _typed(argument("threshold"), balance_of(company).currency)
	doc.save(ignore_permissions=True)


def save_mails(company: str) -> None:
	"""Set who gets the company's mails, and of which kinds."""
	doc = frappe.get_doc("Billing Company", company)
	doc.billing_emails = argument("recipients") or ""
	doc.update({name: int(argument(name) == "1") for name in KINDS})
	doc.save(ignore_permissions=True)


def save_company(company: str) -> None:
	"""Set the address, VAT id, language and time zone of the company. Raises InvalidInput."""
	sent = {name: (argument(name) or "").strip() for name in DATA}
	doc = frappe.get_doc("Billing Company", company)
	if sent["language"] not in {*dict(_languages()), doc.language or "", ""}:
		raise InvalidInput(_("Choose a language from the list."))
	if len(sent["vat_id"]) > 30 or len(sent["address"]) > 500:
		raise InvalidInput(_("An address has at most 500 characters, a VAT ID at most 30."))
	doc.update({name: value or None for name, value in sent.items()})
	doc.save(ignore_permissions=True)


def change_user(company: str) -> None:
	"""Set the rights of a user of the company. Raises InvalidInput."""
	doc, row = _row_of(company)
	row.update({right: int(argument(right) == "1") for right in RIGHTS})
	_keep_an_owner(doc)
	doc.save(ignore_permissions=True)


def remove_user(company: str) -> None:
	"""Take a user out of the company; the login itself stays. Raises InvalidInput."""
	doc, row = _row_of(company)
	doc.remove(row)
	_keep_an_owner(doc)
	doc.save(ignore_permissions=True)


def save_own_mails(company: str) -> None:
	"""Set whether the session user gets the company's mails: theirs to say, owner or not. Raises InvalidInput."""
	doc = frappe.get_doc("Billing Company", company)
	row = next((row for row in doc.users if row.user == frappe.session.user), None)
	if not row:
		raise InvalidInput(_("This user no longer belongs to the company."))
	row.gets_warnings = int(argument("gets_warnings") == "1")
	doc.save(ignore_permissions=True)


ACTIONS: dict[str, Callable[[str], None]] = {
	"threshold": save_threshold,
	"mails": save_mails,
	"company": save_company,
	"invite": invitations.invite,
	"withdraw": invitations.withdraw,
	"user": change_user,
	"remove": remove_user,
	"own_mails": save_own_mails,
}
"""What the forms of the page do, by the name that they send."""

OF_EVERYBODY = ("own_mails",)
"""Those that need no owner."""


def _row_of(company: str) -> tuple[frappe._dict, frappe._dict]:
	doc = frappe.get_doc("Billing Company", company)
	row = next((row for row in doc.users if row.user == argument("user")), None)
	if not row:
		raise InvalidInput(_("This user no longer belongs to the company."))
	return doc, row


def _keep_an_owner(doc: frappe._dict) -> None:
	"""Refuse a company without an owner who can log in."""
	owners = [row.user for row in doc.users if row.is_owner]
	if not owners or not frappe.db.exists("User", {"name": ("in", owners), "enabled": 1}):
		raise InvalidInput(_("A company needs an owner. Make somebody else an owner first."))


def _kinds() -> list[tuple[str, str, str]]:
	"""Return the kinds of mail as (field, name, when it is sent)."""
	return [
		("mail_low", _("Balance low"), _("below your threshold")),
		("mail_critical", _("Balance nearly used up"), _("below a quarter of your threshold")),
		("mail_empty", _("Balance used up"), _("no new calls can be started")),
		("mail_topup", _("Top-up received"), _("with its receipt, once there is one")),
		("mail_failed", _("Payment failed"), _("a payment that was on its way did not arrive")),
		("mail_refund", _("Refund"), _("money goes back to you")),
		("mail_dispute", _("Dispute"), _("your bank took a payment back")),
	]


def _languages() -> list[tuple[str, str]]:
	"""Return the languages that mails and receipts are written in, as (code, name): English and those of our files."""
	codes = [
		"en",
		*(path.stem for path in Path(frappe.get_app_path("prepaid_billing", "locale")).glob("*.po")),
	]
	return frappe.get_all(
		"Language",
		{"enabled": 1, "name": ("in", codes)},
		["name", "language_name"],
		order_by="language_name",
		as_list=True,
	)


def _time_zones() -> list[str]:
	"""Return the zones of places, and UTC: what else the list of the machine holds is no place to live in."""
	return sorted(zone for zone in zoneinfo.available_timezones() if _IS_PLACE.match(zone) or zone == "UTC")


def _typed(text: str | None, currency: str) -> Decimal:
	"""Return an amount from 0 as people write it. Raises InvalidAmount."""
	amount = typed_amount(text, currency)
	if amount is None:
		raise InvalidAmount(_("This is not an amount of money. Write it like {0}.").format(example(currency)))
	return amount


def _plain(amount: Decimal, currency: str) -> str:
	places = exponent(currency)
	return number(amount, "0." + "0" * places + "#" * (6 - places) if places else "0")
