# Copyright (c) 2026, Prepaid Billing contributors
# MIT License, see license.txt

import re

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import flt

from prepaid_billing.payments import keys
from prepaid_billing.payments.issuing import TEST_PREFIX


class PrepaidBillingSettings(Document):
	def validate(self) -> None:
		self._validate_topups()
		self._validate_receipts()
		if min(self.hold_slice, self.longest_call, self.warning_interval) < 1:
			frappe.throw(_("Hold slice, longest call and warning interval are at least 1."))
		if self.stripe_api_base:
			keys.check_api_base(
				self.stripe_api_base, self.get_password("stripe_secret", raise_exception=False) or ""
			)

	def _validate_topups(self) -> None:
		if not 0 < self.topup_minimum <= self.topup_maximum:
			frappe.throw(_("The smallest top-up is greater than 0 and at most the largest."))
		amounts = (self.suggested_amounts or "").split()
		if not 1 <= len(amounts) <= 4 or not all(amount.isascii() and amount.isdigit() for amount in amounts):
			frappe.throw(_("Give one to four whole suggested amounts, separated by blanks."))

	def _validate_receipts(self) -> None:
		if not 0 <= self.vat_rate < 100 or self.vat_rate != flt(self.vat_rate, 2):
			frappe.throw(_("The VAT rate is at least 0 and below 100, with at most two decimals."))
		if not re.fullmatch(r"[A-Za-z0-9._/-]{0,20}", self.receipt_prefix or ""):
			frappe.throw(_("The receipt number prefix takes letters, digits and . _ / -"))
		if (self.receipt_prefix or "").upper().startswith(TEST_PREFIX):
			frappe.throw(_("Numbers that begin with {0} are those of test mode.").format(TEST_PREFIX))
