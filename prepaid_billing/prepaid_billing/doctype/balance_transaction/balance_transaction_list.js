// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Balance Transaction"] = {
	hide_name_column: true,

	formatters: {
		transaction_type(value) {
			const colors = {
				"Top-up": "green",
				Bonus: "green",
				"Call Charge": "gray",
				"Call Correction": "blue",
				Refund: "orange",
				Dispute: "red",
				"Dispute Reversal": "green",
				Adjustment: "blue",
			};
			const style = `indicator-pill no-indicator-dot ellipsis ${colors[value]}`;
			return `<span class="${style}">${__(value)}</span>`;
		},
	},

	// Frappe shows one field beside the status on a laptop; staff look for the amounts.
	onload(listview) {
		const settings = listview.list_view_settings;
		if (!settings.total_fields) {
			listview.refresh_columns(listview.meta, { ...settings, total_fields: 6 });
		}
	},
};
