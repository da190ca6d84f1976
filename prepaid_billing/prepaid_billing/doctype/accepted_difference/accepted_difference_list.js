// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Accepted Difference"] = prepaid_billing.list({ amounts: ["at_stripe", "here"] });
