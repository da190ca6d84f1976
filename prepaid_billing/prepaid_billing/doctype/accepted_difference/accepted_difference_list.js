// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Accepted Difference"] = {
	hide_name_column: true,

	// Frappe shows one field on a laptop; staff look for the amounts and the reason.
	onload(listview) {
		const settings = listview.list_view_settings;
		if (!settings.total_fields) {
			listview.refresh_columns(listview.meta, { ...settings, total_fields: 6 });
		}
	},
};
