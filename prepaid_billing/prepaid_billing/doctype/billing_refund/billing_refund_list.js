// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Billing Refund"] = prepaid_billing.claims_list(prepaid_billing.REFUND_COLORS);
