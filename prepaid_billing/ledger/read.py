"""Reading balances and entries, for answers and pages. Never for a decision: those read under the lock."""

from dataclasses import dataclass
from decimal import Decimal

import frappe
from frappe import _

from prepaid_billing.exceptions import UnknownCompany
from prepaid_billing.rating.money import ZERO, from_database


@dataclass(frozen=True, slots=True)
class BalanceView:
	"""A balance as it stood when it was read. Amounts are in major units of ``currency``."""

	company: str
	currency: str
	status: str
	balance: Decimal
	reserved: Decimal
	threshold: Decimal

	@property
	def available(self) -> Decimal:
		"""The balance less what calls in progress hold."""
		return self.balance - self.reserved


def balance_of(company: str) -> BalanceView:
	"""Return the balance of a company. Raises UnknownCompany."""
	rows = frappe.db.sql(
		"""
		SELECT name, currency, status, CAST(balance AS CHAR), CAST(reserved_balance AS CHAR),
			CAST(low_balance_threshold AS CHAR)
		FROM `tabPrepaid Balance` WHERE name = %s
		""",
		(company,),
	)
	if not rows:
		raise UnknownCompany(_("There is no such company."))
	name, currency, status, *amounts = rows[0]
	return BalanceView(name, currency, status, *(from_database(amount) for amount in amounts))


def balance_at(company: str, instant_us: int) -> Decimal:
	"""Return the balance of a company at a past moment (microseconds since 1970, UTC), in major units.

	The moment itself counts: an entry booked at exactly ``instant_us`` is in.
	"""
	rows = frappe.db.sql(
		"""
		SELECT CAST(balance_after AS CHAR) FROM `tabBalance Transaction`
		WHERE balance = %s AND booked_us <= %s ORDER BY sequence DESC LIMIT 1
		""",
		(company, instant_us),
	)
	return from_database(rows[0][0]) if rows else ZERO


def last_entries(company: str, limit: int) -> list[frappe._dict]:
	"""Return the latest entries of a company, newest first, amounts as Decimal."""
	entries = frappe.db.sql(
		"""
		SELECT name, transaction_type, description, CAST(amount AS CHAR) AS amount,
			CAST(balance_after AS CHAR) AS balance_after, booked_us, sequence,
			reference_doctype, reference_name
		FROM `tabBalance Transaction` WHERE balance = %s ORDER BY sequence DESC LIMIT %s
		""",
		(company, limit),
		as_dict=True,
	)
	for entry in entries:
		entry.amount = from_database(entry.amount)
		entry.balance_after = from_database(entry.balance_after)
	return entries
