// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Balance Topup"] = {
	hide_name_column: true,
	add_fields: ["status"],

	get_indicator(doc) {
		const colors = {
			Created: "blue",
			Processing: "blue",
			Paid: "green",
			Failed: "red",
			Cancelled: "gray",
			Expired: "gray",
			"Partly Refunded": "orange",
			Refunded: "orange",
			Disputed: "red",
		};
		return [__(doc.status), colors[doc.status], `status,=,${doc.status}`];
	},

	// Frappe shows one field beside the status on a laptop; staff look for the amounts.
	onload(listview) {
		const settings = listview.list_view_settings;
		if (!settings.total_fields) {
			listview.refresh_columns(listview.meta, { ...settings, total_fields: 6 });
		}
	},
};
