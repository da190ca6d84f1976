# Copyright (c) 2026, Prepaid Billing contributors
# MIT License, see license.txt

import re
import zoneinfo

import frappe
from frappe import _
from frappe.utils import validate_email_address

from prepaid_billing import settings
from prepaid_billing.closed import KeptForEver

MOST_BILLING_EMAILS = 20


class BillingCompany(KeptForEver):
	"""A customer company. Its Prepaid Balance is made with it and shares its name."""

	@property
	def rate_per_minute(self) -> float | None:
		"""Price for a first Billing Rate; only known while a new company is saved."""
		return self.__dict__.get("rate_per_minute")

	@property
	def billing_increment(self) -> int | None:
		"""Seconds, for a first Billing Rate; only known while a new company is saved."""
		return self.__dict__.get("billing_increment")

	@property
	def low_balance_threshold(self) -> float | None:
		"""Threshold for the new Prepaid Balance; only known while a new company is saved."""
		return self.__dict__.get("low_balance_threshold")

	def validate(self) -> None:
		if ":" in self.company_name:
			frappe.throw(_("A company name has no colon, because keys are made of it."))
		self._validate_currency()
		self._validate_people()
		if self.time_zone and self.time_zone not in zoneinfo.available_timezones():
			frappe.throw(_("{0} is no time zone. Choose one from the list.").format(self.time_zone))

	def before_save(self) -> None:
		self._keep_stripe_customer()

	def after_insert(self) -> None:
		self._make_balance()
		if self.rate_per_minute:
			self._make_rate()

	def on_trash(self) -> None:
		self._refuse(_("A company with its ledger is kept for ever. Set its status to Suspended instead."))

	def _validate_currency(self) -> None:
		if self.is_new() or not self.has_value_changed("currency"):
			return
		frappe.throw(_("The currency of a company is fixed, because its balance is kept in it."))

	def _keep_stripe_customer(self) -> None:
		"""The first top-up writes it, maybe while this form was open."""
		columns = ["stripe_customer_id", "stripe_customer_livemode", "stripe_customer_told"]
		kept = None if self.is_new() else frappe.db.get_value(self.doctype, self.name, columns, as_dict=True)
		self.update(kept or dict.fromkeys(columns))

	def _validate_people(self) -> None:
		addresses = [address for address in re.split(r"[\s,;]+", self.billing_emails or "") if address]
		if len(addresses) > MOST_BILLING_EMAILS:
			frappe.throw(
				_(
					"A company has at most {0} billing e-mails; these are {1}. Use a mailing list instead."
				).format(MOST_BILLING_EMAILS, len(addresses))
			)
		for address in addresses:
			validate_email_address(address, throw=True)
		self.billing_emails = "\n".join(addresses)
		users = [row.user for row in self.users]
		if len(users) != len(set(users)):
			frappe.throw(_("A user is listed twice."))

	def _make_balance(self) -> None:
		threshold = self.low_balance_threshold
		frappe.get_doc(
			{
				"doctype": "Prepaid Balance",
				"company": self.name,
				"currency": self.currency,
				"low_balance_threshold": settings.get("default_threshold")
				if threshold is None
				else threshold,
			}
		).insert(ignore_permissions=True)  # the ledger's row; nobody has the right to create one by hand

	def _make_rate(self) -> None:
		frappe.get_doc(
			{
				"doctype": "Billing Rate",
				"company": self.name,
				"currency": self.currency,
				"rate_per_minute": self.rate_per_minute,
				"billing_increment": self.billing_increment or 1,
			}
		).insert()
