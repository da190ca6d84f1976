# Copyright (c) 2026, Prepaid Billing contributors
# MIT License, see license.txt

from decimal import Decimal

import frappe
from frappe import _
from frappe.model.document import Document

from prepaid_billing import ledger
from prepaid_billing.closed import KeptForEver
from prepaid_billing.exceptions import OpenTransaction
from prepaid_billing.ledger import transaction
from prepaid_billing.ledger.balance import is_low
from prepaid_billing.rating.money import AmountError, from_database

LEDGER_COLUMNS = (
	"currency",
	"balance",
	"reserved_balance",
	"available",
	"last_sequence",
	"last_booked_us",
	"last_hash",
	"warning_level",
	"warnings_today",
	"last_warning_us",
	"last_warning_sent_at",
)


class PrepaidBalance(KeptForEver):
	"""The balance of a company. People change its threshold and status; only the ledger changes money."""

	def credit(self, amount: Decimal, **booking: str) -> ledger.Entry:
		"""Add an amount (greater than 0) and write its entry, under the row lock. See ledger.credit."""
		return ledger.credit(self.name, amount, **booking)

	def debit(self, amount: Decimal, **booking: str) -> ledger.Entry:
		"""Take an amount (greater than 0) and write its entry, under the row lock. See ledger.debit."""
		return ledger.debit(self.name, amount, **booking)

	def reserve(self, call: str, amount: Decimal) -> None:
		"""Let an open call hold an amount in all, under the row lock; no entry. See ledger.reserve."""
		ledger.reserve(self.name, call, amount)

	def release(self, call: str) -> None:
		"""Free what is held for an open call, under the row lock; no entry. See ledger.release."""
		ledger.release(self.name, call)

	def load_from_db(self) -> Document:
		"""Load the balance; with ``for_update``, as REST does before it saves, as the first read of all."""
		if self.flags.for_update:
			self._lock_first()
		return super().load_from_db()

	def save(self, *args: object, **kwargs: object) -> Document:
		"""Lock the row as the first read of a fresh transaction, so that no booking comes in between."""
		if not self.is_new():
			self._lock_first()
		return super().save(*args, **kwargs)

	def _lock_first(self) -> None:
		if transaction.is_booking() or (frappe.db.transaction_writes and transaction.snapshot_isolation()):
			raise OpenTransaction(
				_("Something else was changed in the same step. Save that first, then the balance.")
			)
		if transaction.is_free():
			frappe.db.rollback()
		frappe.db.sql("SELECT name FROM `tabPrepaid Balance` WHERE name = %s FOR UPDATE", (self.name,))

	def before_insert(self) -> None:
		self.currency = frappe.db.get_value("Billing Company", self.company, "currency")
		for fieldname in LEDGER_COLUMNS[1:]:
			self.set(fieldname, None if self.meta.get_field(fieldname).fieldtype == "Datetime" else 0)
		self.last_hash = self.warning_level = ""

	def validate(self) -> None:
		try:
			threshold = from_database(self.low_balance_threshold or 0)
		except AmountError:
			frappe.throw(_("The threshold has at most six decimals and stays below 1000000000."))
		if threshold < 0:
			frappe.throw(_("The threshold is an amount of money and cannot be negative."))

	def before_save(self) -> None:
		"""Take what the ledger owns from the locked row: a form opened earlier never writes old money."""
		if not self.is_new():
			current = frappe.db.get_value(
				self.doctype, self.name, LEDGER_COLUMNS, as_dict=True, for_update=True, order_by=None
			)
			self.update(current)
		self.is_low = int(is_low(from_database(self.available), from_database(self.low_balance_threshold)))
		if not self.is_low:
			self.update({"warning_level": "", "last_warning_us": 0, "last_warning_sent_at": None})
