"""Adjustments by staff: booked with a reason, above a limit only when a second person confirms."""

from dataclasses import dataclass
from decimal import Decimal

import frappe
from frappe import _

from prepaid_billing import settings
from prepaid_billing.display import money
from prepaid_billing.exceptions import (
	Duplicate,
	InsufficientBalance,
	InvalidAmount,
	InvalidInput,
	NotPermitted,
)
from prepaid_billing.ledger import clock, rows, transaction
from prepaid_billing.ledger.balance import LockedBalance, locked
from prepaid_billing.rating.money import from_database

_COLUMNS = "name, company, status, CAST(amount AS CHAR) AS amount, reason, asked_by"
_BY_KEY = f"SELECT {_COLUMNS} FROM `tabBalance Adjustment` WHERE idempotency_key = %s FOR UPDATE"
_BY_NAME = f"SELECT {_COLUMNS} FROM `tabBalance Adjustment` WHERE name = %s FOR UPDATE"
# What one person may book alone counts over all companies, so it is looked at under that person's lock.
_LOCK_PERSON = "SELECT name FROM `tabUser` WHERE name = %s FOR UPDATE"
_BOOKED_ALONE = """
	SELECT CAST(SUM(ABS(amount)) AS CHAR) FROM `tabBalance Adjustment`
	WHERE asked_by = %s AND asked_us > %s AND status = 'Booked' AND confirmed_by IS NULL
"""
_DECIDE = """
	UPDATE `tabBalance Adjustment` SET status = %s, confirmed_by = %s, modified = %s, modified_by = %s
	WHERE name = %s
"""


@dataclass(frozen=True, slots=True)
class Adjustment:
	"""An adjustment as it stands. ``balance`` and ``transaction`` are None while it waits or was refused."""

	name: str
	status: str
	transaction: str | None
	balance: Decimal | None


def adjust(company: str, amount: Decimal, reason: str, key: str) -> Adjustment:
	"""Book a signed amount (never 0) with its reason, or let it wait for a second person.

	It waits where all that this person has booked alone within a day would be above the limit.

	The same ``key`` again books nothing more and tells how the adjustment stands. Raises InvalidInput,
	InvalidAmount, InsufficientBalance, Duplicate, UnknownCompany.
	"""
	if amount == 0:
		raise InvalidAmount(_("This amount cannot be booked. Nothing was changed."))
	if not reason.strip():
		raise InvalidInput(_("An adjustment needs a reason. Nothing was booked."))
	scoped_key = f"adjustment:{company}:{key}"
	limit = settings.amount("adjustment_limit")

	def work() -> Adjustment:
		with locked(company) as account:
			known = frappe.db.sql(_BY_KEY, (scoped_key,), as_dict=True)
			if known:
				return _known(account, known[0], amount, reason)
			waits = _exceeds_limit(account, amount, limit)
			name = _insert(account, amount, reason, scoped_key, "Waiting" if waits else "Booked")
			return Adjustment(name, "Waiting", None, None) if waits else _book(account, name, amount, reason)

	return transaction.run(work)


def company_of(name: str) -> str | None:
	"""Return the company of an adjustment, or None where there is none of exactly this name."""
	found = frappe.db.sql("SELECT name, company FROM `tabBalance Adjustment` WHERE name = %s", (name,))
	# MariaDB's default collation finds "a1b2" for "A1B2"; the entry's key knows the difference.
	return found[0][1] if found and found[0][0] == name else None


def confirm(name: str) -> Adjustment:
	"""Book an adjustment that waits. Raises NotPermitted for the person who asked for it, and InsufficientBalance:
	then it waits on."""
	return _decide(name, "Booked")


def refuse(name: str) -> Adjustment:
	"""Close an adjustment that waits without booking it."""
	return _decide(name, "Refused")


def _decide(name: str, status: str) -> Adjustment:
	company = company_of(name)
	if not company:
		raise unknown()

	def work() -> Adjustment:
		with locked(company) as account:
			row = frappe.db.sql(_BY_NAME, (name,), as_dict=True)[0]
			if row.status == status:
				return _as_it_stands(account, row)
			if row.status != "Waiting":
				raise InvalidInput(_("This adjustment was decided before. Nothing was booked now."))
			user = frappe.session.user
			if status == "Booked" and user == row.asked_by:
				raise NotPermitted(_("A second person confirms an adjustment, not the one who asked for it."))
			frappe.db.sql(_DECIDE, (status, user, clock.site_time(account.now_us), user, name))
			if status == "Refused":
				return Adjustment(name, status, None, None)
			return _book(account, name, from_database(row.amount), row.reason)

	return transaction.run(work)


def unknown() -> InvalidInput:
	"""Return the refusal for an adjustment that is not there, or not for the user to see: the answers are alike."""
	return InvalidInput(_("There is no such adjustment."))


def _known(account: LockedBalance, row: frappe._dict, amount: Decimal, reason: str) -> Adjustment:
	if (from_database(row.amount), row.reason) != (amount, reason):
		raise Duplicate(_("This key was used before for another adjustment. Nothing was booked now."))
	return _as_it_stands(account, row)


def _as_it_stands(account: LockedBalance, row: frappe._dict) -> Adjustment:
	if row.status != "Booked":
		return Adjustment(row.name, row.status, None, None)
	return _book(account, row.name, from_database(row.amount), row.reason)


def _book(account: LockedBalance, name: str, amount: Decimal, reason: str) -> Adjustment:
	"""Post the entry; where it was posted before, its key gives back the same one."""
	try:
		entry = account.post(
			"Adjustment",
			amount,
			key=f"adjustment:{account.company}:{name}",
			reference=("Balance Adjustment", name),
			description=reason,
		)
	except InsufficientBalance as error:
		available = money(account.available, account.currency, exact=True)
		message = _("Only {0} of the balance of {1} is available. Nothing was booked.")
		raise InsufficientBalance(message.format(available, account.company)) from error
	return Adjustment(name, "Booked", entry.name, entry.balance_after)


def _insert(account: LockedBalance, amount: Decimal, reason: str, key: str, status: str) -> str:
	name = rows.new_name()
	rows.insert(
		"Balance Adjustment",
		account.now_us,
		{
			"name": name,
			"company": account.company,
			"currency": account.currency,
			"status": status,
			"amount": amount,
			"reason": reason,
			"asked_by": frappe.session.user,
			"idempotency_key": key,
			"asked_us": account.now_us,
		},
	)
	return name


def _exceeds_limit(account: LockedBalance, amount: Decimal, limit: Decimal) -> bool:
	"""Whether what this person has booked alone within a day, this amount added, is above the limit."""
	frappe.db.sql(_LOCK_PERSON, (frappe.session.user,))
	day_ago = account.now_us - 86_400 * clock.SECOND
	booked = frappe.db.sql(_BOOKED_ALONE, (frappe.session.user, day_ago))[0][0]
	return from_database(booked) + abs(amount) > limit
