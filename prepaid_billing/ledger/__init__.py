"""The only code that changes a balance: lock, check, write the entry, write the balance. DESIGN.md section 6.

The four functions here are whole bookings, each a transaction of its own. Code that must change a call or a
top-up in the same commit works on :func:`prepaid_billing.ledger.balance.locked` inside of
:func:`prepaid_billing.ledger.transaction.run`.
"""

from decimal import Decimal

import frappe
from frappe import _

from prepaid_billing.exceptions import CallClosed, UnknownCall
from prepaid_billing.ledger import transaction
from prepaid_billing.ledger.balance import Entry, LockedBalance, locked
from prepaid_billing.ledger.read import BalanceView, balance_at, balance_of, last_entries
from prepaid_billing.rating.money import ZERO, AmountError, from_database

__all__ = [
	"BalanceView",
	"Entry",
	"LockedBalance",
	"balance_at",
	"balance_of",
	"credit",
	"debit",
	"last_entries",
	"locked",
	"release",
	"reserve",
	"transaction",
]


_LOCK_CALL = """
	SELECT status, CAST(reserved_amount AS CHAR) FROM `tabCall Charge` WHERE name = %s AND company = %s FOR UPDATE
"""


def credit(
	company: str,
	amount: Decimal,
	*,
	transaction_type: str,
	key: str,
	description: str = "",
	join: bool = False,
) -> Entry:
	"""Add ``amount`` (greater than 0) to a balance; the same ``key`` again books nothing more.

	``key`` has the form ``<operation>:<company>:<key>``. With ``join`` the booking becomes part of the
	caller's open transaction (see ledger.transaction.run). Raises InvalidAmount, Duplicate, UnknownCompany,
	OpenTransaction, TryAgain.
	"""
	return _book(company, _positive(amount), transaction_type, key, description, join)


def debit(
	company: str,
	amount: Decimal,
	*,
	transaction_type: str,
	key: str,
	description: str = "",
	join: bool = False,
) -> Entry:
	"""Take ``amount`` (greater than 0) from a balance. As credit, and raises InsufficientBalance."""
	return _book(company, -_positive(amount), transaction_type, key, description, join)


def reserve(company: str, call: str, amount: Decimal) -> None:
	"""Let an open call hold ``amount`` (greater than 0) of a balance in all, more or less than before.

	Writes no entry, and said again changes nothing. ``call`` is the name of a Call Charge of the company.
	Raises InsufficientBalance, UnknownCall, CallClosed.
	"""
	_hold(company, call, _positive(amount))


def release(company: str, call: str) -> None:
	"""Free all that is held for an open call. Writes no entry. Raises UnknownCall, CallClosed."""
	_hold(company, call, ZERO)


def _book(
	company: str, amount: Decimal, transaction_type: str, key: str, description: str, join: bool
) -> Entry:
	def work() -> Entry:
		with locked(company) as account:
			return account.post(transaction_type, amount, key=key, description=description)

	return transaction.run(work, join=join)


def _hold(company: str, call: str, amount: Decimal) -> None:
	"""Let an open call hold ``amount``, and the balance's sum of holds follow, in one commit."""

	def work() -> None:
		with locked(company) as account:
			rows = frappe.db.sql(_LOCK_CALL, (call, company))
			if not rows:
				raise UnknownCall(_("There is no such call."))
			status, held = rows[0][0], from_database(rows[0][1])
			if status not in ("Authorized", "Active"):
				raise CallClosed(_("This call has ended. Nothing was changed."))
			account.hold(amount - held)
			frappe.db.sql("UPDATE `tabCall Charge` SET reserved_amount = %s WHERE name = %s", (amount, call))

	transaction.run(work)


def _positive(amount: Decimal) -> Decimal:
	if not isinstance(amount, Decimal) or from_database(amount) != amount or amount <= 0:
		raise AmountError("A booking takes a Decimal greater than zero with at most six decimals.")
	return amount
