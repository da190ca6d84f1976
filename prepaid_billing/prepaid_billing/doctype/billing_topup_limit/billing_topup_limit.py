# Copyright (c) 2026, Prepaid Billing contributors
# MIT License, see license.txt

from frappe.model.document import Document


class BillingTopupLimit(Document):
	pass
