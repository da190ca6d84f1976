"""A balance under its row lock: the one place where money moves.

    def work():
        with balance.locked("Acme") as account:
            account.post("Top-up", Decimal("50"), key="topup:Acme:pi_1", ...)
    transaction.run(work)

Everything that a decision needs is read in the locking read itself; the entries are inserted at once and the
balance row is written when the block ends.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

import frappe
from frappe import _

from prepaid_billing.exceptions import (
	BillingError,
	Duplicate,
	InsufficientBalance,
	InvalidAmount,
	UnknownCompany,
)
from prepaid_billing.ledger import chain, clock
from prepaid_billing.ledger.rows import new_name
from prepaid_billing.rating.money import LIMIT, ZERO, from_database

# Every column that a decision needs, in one locking read by primary key. As text: a float would be exact
# too within the limits, but text needs no argument.
_LOCK = f"""
	SELECT name, currency, status, CAST(balance AS CHAR), CAST(reserved_balance AS CHAR),
		CAST(low_balance_threshold AS CHAR), last_sequence, last_hash, last_booked_us, {clock.NOW}
	FROM `tabPrepaid Balance` WHERE name = %s FOR UPDATE WAIT 1
"""
# A credit that brings the balance to the threshold clears the warning, so that the next fall is told at once; whatever
# calls in progress hold then, because no credit follows when it is freed. A hold that is freed clears it at twice the
# threshold alone: a balance that hovers at its threshold would be warned of at every call.
_WRITE = """
	UPDATE `tabPrepaid Balance` SET balance = %(balance)s, reserved_balance = %(reserved)s,
		available = %(available)s, is_low = %(is_low)s, last_sequence = %(last_sequence)s,
		last_hash = %(last_hash)s, last_booked_us = %(last_booked_us)s,
		warning_level = IF(%(recovered)s, '', warning_level),
		last_warning_us = IF(%(recovered)s, 0, last_warning_us),
		last_warning_sent_at = IF(%(recovered)s, NULL, last_warning_sent_at)
	WHERE name = %(company)s
"""
_INSERT = """
	INSERT INTO `tabBalance Transaction` (name, creation, modified, owner, modified_by, docstatus, idx,
		balance, currency, sequence, transaction_type, amount, balance_after, reference_doctype,
		reference_name, idempotency_key, description, actor, booked_us, booked_at, entry_hash)
	VALUES (%(name)s, %(booked_at)s, %(booked_at)s, %(actor)s, %(actor)s, 0, 0,
		%(balance)s, %(currency)s, %(sequence)s, %(transaction_type)s, %(amount)s, %(balance_after)s,
		%(reference_doctype)s, %(reference_name)s, %(idempotency_key)s, %(description)s, %(actor)s,
		%(booked_us)s, %(booked_at)s, %(entry_hash)s)
"""
_TWIN = """
	SELECT name, balance, transaction_type, CAST(amount AS CHAR), reference_doctype, reference_name,
		CAST(balance_after AS CHAR), sequence
	FROM `tabBalance Transaction` WHERE idempotency_key = %s FOR UPDATE
"""


_LEAST_THRESHOLD = 1
"""Unit of the currency below which a warning may be due whatever the threshold: too little for a call is used up."""
IS_LOW = f"available < GREATEST(low_balance_threshold, {_LEAST_THRESHOLD})"
"""SQL of is_low."""


def is_low(available: Decimal, threshold: Decimal) -> bool:
	"""Whether a warning may be due: below the threshold, or below one unit of the currency."""
	return available < max(threshold, _LEAST_THRESHOLD)


def refresh_is_low() -> None:
	"""Write ``is_low`` where its rule has changed. Money is left alone."""
	frappe.db.sql(f"UPDATE `tabPrepaid Balance` SET is_low = NOT is_low WHERE is_low != ({IS_LOW})")


@dataclass(frozen=True, slots=True)
class Entry:
	"""An entry of the ledger as booked: signed amount and the balance after it, in major units."""

	name: str
	amount: Decimal
	balance_after: Decimal
	sequence: int


@dataclass(slots=True)
class LockedBalance:
	"""The balance of a company while its row is locked. Amounts are in major units of ``currency``."""

	company: str
	currency: str
	status: str
	balance: Decimal
	reserved: Decimal
	threshold: Decimal
	last_sequence: int
	last_hash: str
	last_booked_us: int
	now_us: int
	_changed: bool = field(default=False, repr=False)
	_credited: bool = field(default=False, repr=False)

	@property
	def available(self) -> Decimal:
		"""What a debit or a hold may still take: the balance less what calls in progress hold."""
		return self.balance - self.reserved

	def post(
		self,
		transaction_type: str,
		amount: Decimal,
		*,
		key: str,
		reference: tuple[str, str] | tuple[None, None] = (None, None),
		description: str = "",
		forced: bool = False,
	) -> Entry:
		"""Book a signed amount, never 0, and return its entry; with a known key, the entry booked before.

		``key`` is unique for ever. ``forced`` entries (a refund made at Stripe, a dispute, a call that
		outran its hold) may take more than is available.

		Raises InsufficientBalance, Duplicate (same key, other content) and InvalidAmount.
		"""
		if amount == 0 or from_database(amount) != amount:
			raise InvalidAmount(_("This amount cannot be booked. Nothing was changed."))
		if refusal := self._refusal(amount, forced):
			if twin := self._twin(key, transaction_type, amount, reference):
				return twin
			raise refusal
		booked_us = max(self.now_us, self.last_booked_us)
		values: dict[str, object] = {
			"name": new_name(),
			"balance": self.company,
			"currency": self.currency,
			"sequence": self.last_sequence + 1,
			"transaction_type": transaction_type,
			"amount": amount,
			"balance_after": self.balance + amount,
			"reference_doctype": reference[0],
			"reference_name": reference[1],
			"idempotency_key": key,
			"description": description[:255],
			"actor": frappe.session.user,
			"booked_us": booked_us,
			"booked_at": clock.site_time(booked_us),
		}
		values["entry_hash"] = chain.entry_hash(self.last_hash, values)
		try:
			frappe.db.sql(_INSERT, values)
		except Exception as error:
			if not frappe.db.is_unique_key_violation(error):
				raise
			twin = self._twin(key, transaction_type, amount, reference)
			if not twin:
				raise
			return twin
		self.balance += amount
		self.last_sequence += 1
		self.last_hash = str(values["entry_hash"])
		self.last_booked_us = booked_us
		self._changed = True
		self._credited = self._credited or amount > 0
		return Entry(str(values["name"]), amount, self.balance, self.last_sequence)

	def hold(self, change: Decimal) -> None:
		"""Reserve ``change`` more for a call, or less where it is negative. Writes no entry.

		Raises InsufficientBalance when more is asked than is available.
		"""
		if change > 0 and change > self.available:
			raise InsufficientBalance(
				_("The available balance does not cover the call. Nothing was held; top up first.")
			)
		if self.reserved + change < 0:
			raise InvalidAmount(_("More cannot be released than is held. Nothing was changed."))
		self.reserved += change
		self._changed = self._changed or change != 0

	def _refusal(self, amount: Decimal, forced: bool) -> BillingError | None:
		"""Return why a new entry of this amount may not be booked, or None."""
		# Holds may take what is available further down than the balance itself.
		if max(abs(self.balance + amount), abs(self.available + amount)) >= LIMIT:
			return InvalidAmount(_("This amount cannot be booked. Nothing was changed."))
		if amount < 0 and not forced and self.available + amount < 0:
			return InsufficientBalance(
				_("The available balance does not cover this. Nothing was booked; top up first.")
			)
		return None

	def _twin(
		self, key: str, transaction_type: str, amount: Decimal, reference: tuple[str | None, str | None]
	) -> Entry | None:
		"""Return the entry booked with this key before, or None; raise Duplicate where it is another one."""
		rows = frappe.db.sql(_TWIN, (key,))
		if not rows:
			return None
		name, *content, booked, sequence = rows[0]
		content[2] = from_database(content[2])
		if content != [self.company, transaction_type, amount, *reference]:
			raise Duplicate(_("This key was used before for another booking. Nothing was booked now."))
		return Entry(name, amount, from_database(booked), sequence)

	def _recovered(self) -> bool:
		"""Whether the levels of the warning are left, by a credit or because calls have freed much of what they held."""
		if self._credited and not is_low(self.balance, self.threshold):
			return True
		return 0 < self.threshold * 2 <= self.available

	def write(self) -> None:
		"""Write the balance row: the ledger's own columns only, and not ``modified``."""
		if not self._changed:
			return
		frappe.db.sql(
			_WRITE,
			{
				"company": self.company,
				"balance": self.balance,
				"reserved": self.reserved,
				"available": self.available,
				"is_low": int(is_low(self.available, self.threshold)),
				"recovered": int(self._recovered()),
				"last_sequence": self.last_sequence,
				"last_hash": self.last_hash,
				"last_booked_us": self.last_booked_us,
			},
		)


@contextmanager
def locked(company: str) -> Iterator[LockedBalance]:
	"""Lock the balance of a company for the rest of the transaction and write it when the block ends.

	Must be the first read of its transaction (see ledger/transaction.py). When the block raises, nothing
	is written. Raises UnknownCompany.
	"""
	account = _lock(company)
	yield account
	account.write()


def _lock(company: str) -> LockedBalance:
	rows = frappe.db.sql(_LOCK, (company,))
	# MariaDB's default collation finds "Acme" for "acme "; a company has exactly one name.
	if not rows or rows[0][0] != company:
		raise UnknownCompany(_("There is no such company."))
	name, currency, status, balance, reserved, threshold, sequence, last_hash, booked_us, now_us = rows[0]
	return LockedBalance(
		company=name,
		currency=currency,
		status=status,
		balance=from_database(balance),
		reserved=from_database(reserved),
		threshold=from_database(threshold) if threshold else ZERO,
		last_sequence=sequence or 0,
		last_hash=last_hash or chain.START,
		last_booked_us=booked_us or 0,
		now_us=now_us,
	)
