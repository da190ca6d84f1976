# Copyright (c) 2026, Prepaid Billing contributors
# MIT License, see license.txt

import re
from decimal import Decimal

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import flt

from prepaid_billing.display import money
from prepaid_billing.payments import keys, limits
from prepaid_billing.payments.issuing import TEST_PREFIX
from prepaid_billing.rating.money import from_database


class PrepaidBillingSettings(Document):
	def validate(self) -> None:
		# Only the command renames a copy: by mistake done here, payments that are lost would be another site's.
		self.installation_id = frappe.db.get_single_value(self.doctype, "installation_id")
		self._validate_topups()
		self._validate_receipts()
		if min(self.hold_slice, self.longest_call, self.warning_interval) < 1:
			frappe.throw(_("Hold slice, longest call and warning interval are at least 1."))
		if self.stripe_api_base:
			keys.check_api_base(self.stripe_api_base, keys.that_counts(self))

	def _validate_topups(self) -> None:
		if not 0 < self.topup_minimum <= self.topup_maximum:
			frappe.throw(_("The smallest top-up is greater than 0 and at most the largest."))
		self._validate_suggested(self.suggested_amounts)
		currencies = [row.currency for row in self.topup_limits]
		if len(currencies) != len(set(currencies)):
			frappe.throw(_("A currency has its own limits once."))
		for row in self.topup_limits:
			self._validate_suggested(row.suggested_amounts)
			self._validate_limits(row.currency, from_database(row.smallest), from_database(row.largest))

	def _validate_limits(self, currency: str, smallest: Decimal, largest: Decimal) -> None:
		least, most = limits.least_at_stripe(currency), limits.most_at_stripe(currency)
		if not 0 < smallest <= largest or not least <= smallest or not largest <= most:
			frappe.throw(
				_(
					"Top-ups in {0} are between {1} and {2} at Stripe, the smallest at most the largest."
				).format(currency, money(least, currency), money(most, currency))
			)
		if not limits.are_payable((smallest, largest), currency):
			frappe.throw(limits.steps_in_words(currency))

	def _validate_suggested(self, amounts: str) -> None:
		if not limits.whole(amounts):
			frappe.throw(_("Give one to four whole suggested amounts, separated by blanks."))

	def _validate_receipts(self) -> None:
		if not 0 <= self.vat_rate < 100 or self.vat_rate != flt(self.vat_rate, 2):
			frappe.throw(_("The VAT rate is at least 0 and below 100, with at most two decimals."))
		if not re.fullmatch(r"[A-Za-z0-9._/-]{0,20}", self.receipt_prefix or ""):
			frappe.throw(_("The receipt number prefix takes letters, digits and . _ / -"))
		if (self.receipt_prefix or "").upper().startswith(TEST_PREFIX):
			frappe.throw(_("Numbers that begin with {0} are those of test mode.").format(TEST_PREFIX))
