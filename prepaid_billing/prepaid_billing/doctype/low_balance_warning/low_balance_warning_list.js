// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Low Balance Warning"] = prepaid_billing.mail_list({
	amounts: ["available"],

	formatters: {
		level: (value) => prepaid_billing.pill(value, value === "Low" ? "orange" : "red"),
	},
});
