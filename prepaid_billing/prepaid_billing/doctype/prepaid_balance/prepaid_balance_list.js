// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Prepaid Balance"] = {
	hide_name_column: true,
	add_fields: ["status", "available", "balance", "low_balance_threshold", "warning_level"],

	get_indicator(doc) {
		if (doc.status === "Frozen") {
			return [__("Frozen"), "gray", "status,=,Frozen"];
		}
		// What calls hold is not used up yet; the customer's page says it by the balance, too.
		if (doc.balance <= 0) {
			return [__("Empty"), "red", "balance,<=,0"];
		}
		if (doc.warning_level === "Critical") {
			return [__("Critical"), "red", "warning_level,=,Critical"];
		}
		if (doc.available < doc.low_balance_threshold) {
			return [__("Low"), "orange", "is_low,=,1"];
		}
		return [__("Active"), "green", "status,=,Active"];
	},

	// Frappe shows one field beside the status on a laptop; staff look for the amounts.
	onload(listview) {
		const settings = listview.list_view_settings;
		if (!settings.total_fields) {
			listview.refresh_columns(listview.meta, { ...settings, total_fields: 5 });
		}
	},
};
