// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Stripe Event"] = prepaid_billing.list({
	add_fields: ["status"],

	get_indicator(doc) {
		return [__(doc.status), prepaid_billing.EVENT_COLORS[doc.status], `status,=,${doc.status}`];
	},
});
