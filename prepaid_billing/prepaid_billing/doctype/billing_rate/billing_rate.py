# Copyright (c) 2026, Prepaid Billing contributors
# MIT License, see license.txt

import frappe
from frappe import _
from frappe.utils import get_datetime

from prepaid_billing.closed import NeverRenamed
from prepaid_billing.ledger import clock
from prepaid_billing.rating.money import AmountError, from_database

PRICE = ("rate_per_minute", "billing_increment", "minimum_duration", "connection_fee", "minimum_charge")
_FOREVER = 2**63 - 1
# Locked, so that two rates saved at once cannot overlap.
_OTHERS = """
	SELECT valid_from_us, valid_until_us FROM `tabBilling Rate`
	WHERE COALESCE(company, '') = %s AND currency = %s AND disabled = 0 AND name != %s FOR UPDATE
"""


class BillingRate(NeverRenamed):
	"""What a minute costs from a moment on. A used rate never changes; its successor does."""

	def validate(self) -> None:
		self._validate_price()
		self._set_instants()
		self._validate_currency()
		if not self.is_new() and self._is_used():
			self._pin_validity()
			if self._price_changed():
				self._close_for_successor()
		self._refuse_overlap()

	def on_update(self) -> None:
		if successor := self.flags.pop("successor", None):
			doc = frappe.get_doc(successor)
			# In the hour that the clocks repeat, valid_from alone would mean the wrong one of two instants.
			doc.flags.valid_from_us = self.valid_until_us
			doc.insert()
			frappe.msgprint(
				_("Calls were charged at the old price, so it was closed. The new price is valid from now.")
			)

	def on_trash(self) -> None:
		if self._is_used():
			frappe.throw(_("Calls were charged at this rate. Disable it instead of deleting it."))

	def _validate_price(self) -> None:
		try:
			for fieldname in ("rate_per_minute", "connection_fee", "minimum_charge"):
				self.set(fieldname, float(from_database(self.get(fieldname) or 0)))
		except AmountError:
			frappe.throw(_("A price has at most six decimals and stays below 1000000000."))
		if (self.billing_increment or 0) < 1:
			frappe.throw(_("The billing increment is at least one second."))

	def _set_instants(self) -> None:
		if self.is_new() or self.has_value_changed("valid_from"):
			self.valid_from_us = self.flags.valid_from_us or clock.from_site_time(
				get_datetime(self.valid_from)
			)
		self.valid_until_us = clock.from_site_time(get_datetime(self.valid_until)) if self.valid_until else 0
		if self.valid_until_us and self.valid_until_us < self.valid_from_us:
			frappe.throw(_("Valid Until lies before Valid From."))

	def _validate_currency(self) -> None:
		if self.company and self.currency != frappe.db.get_value("Billing Company", self.company, "currency"):
			frappe.throw(_("A rate of a company is in the company's currency."))

	def _pin_validity(self) -> None:
		"""Keep whose rate it is and since when: calls were charged by it."""
		for fieldname in ("company", "currency", "valid_from"):
			if self.has_value_changed(fieldname):
				frappe.throw(
					_("Calls were charged at this rate. Only its price, its end and Disabled can be changed.")
				)

	def _price_changed(self) -> bool:
		return any(self.has_value_changed(fieldname) for fieldname in PRICE)

	def _is_used(self) -> bool:
		return bool(frappe.db.exists("Call Charge", {"rate": self.name}))

	def _close_for_successor(self) -> None:
		"""Keep the old price on this rate, end it now, and let a successor with the new price start."""
		now = clock.now_us()
		self.flags.successor = {
			"doctype": "Billing Rate",
			"company": self.company,
			"currency": self.currency,
			"valid_from": clock.site_time(now),
			"valid_until": self.valid_until,
			**{fieldname: self.get(fieldname) for fieldname in PRICE},
		}
		before = self.get_doc_before_save()
		self.update({fieldname: before.get(fieldname) for fieldname in PRICE})
		self.valid_until = clock.site_time(now)
		self.valid_until_us = now

	def _refuse_overlap(self) -> None:
		if self.disabled:
			return
		others = frappe.db.sql(_OTHERS, (self.company or "", self.currency, self.name or ""), as_dict=True)
		until = self.valid_until_us or _FOREVER
		for other in others:
			if self.valid_from_us < (other.valid_until_us or _FOREVER) and other.valid_from_us < until:
				frappe.throw(_("Another rate is valid in the same time. End or disable that one first."))
