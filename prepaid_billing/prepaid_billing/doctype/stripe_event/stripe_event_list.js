// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Stripe Event"] = {
	hide_name_column: true,
	add_fields: ["status", "next_try_at"],

	get_indicator(doc) {
		const mark = doc.next_try_at ? ` (${__("tried again by itself")})` : "";
		return [__(doc.status) + mark, prepaid_billing.event_color(doc), `status,=,${doc.status}`];
	},

	// Frappe shows one field beside the status on a laptop; staff look for the reason.
	onload(listview) {
		const settings = listview.list_view_settings;
		if (!settings.total_fields) {
			listview.refresh_columns(listview.meta, { ...settings, total_fields: 6 });
		}
	},
};
