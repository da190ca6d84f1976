// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Stripe Event"] = prepaid_billing.list({
	add_fields: ["status", "next_try_at"],

	get_indicator(doc) {
		const mark = doc.next_try_at ? ` (${__("tried again by itself")})` : "";
		return [__(doc.status) + mark, prepaid_billing.event_color(doc), `status,=,${doc.status}`];
	},
});
