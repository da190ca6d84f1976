// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Billing Notice"] = prepaid_billing.mail_list();
