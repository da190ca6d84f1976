// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Billing Dispute"] = prepaid_billing.claims_list(prepaid_billing.DISPUTE_COLORS);
