// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Call Charge"] = {
	hide_name_column: true,
	add_fields: ["status", "overrun"],

	get_indicator(doc) {
		if (doc.overrun) {
			return [__("Overrun"), "red", "overrun,=,1"];
		}
		const colors = {
			Authorized: "blue",
			Active: "blue",
			Charged: "green",
			Released: "gray",
			Expired: "orange",
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
