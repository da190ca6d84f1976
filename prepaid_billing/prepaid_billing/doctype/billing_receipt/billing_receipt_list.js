// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Billing Receipt"] = {
	hide_name_column: true,
	add_fields: ["kind", "livemode"],

	get_indicator(doc) {
		if (!doc.livemode) {
			return [__("Test: {0}", [__(doc.kind)]), "gray", `livemode,=,0|kind,=,${doc.kind}`];
		}
		const colors = { Receipt: "green", "Credit Note": "orange", Reversal: "gray" };
		return [__(doc.kind), colors[doc.kind], `kind,=,${doc.kind}`];
	},

	// As for top-ups: staff look for number, company, day and amount.
	onload(listview) {
		const settings = listview.list_view_settings;
		if (!settings.total_fields) {
			listview.refresh_columns(listview.meta, { ...settings, total_fields: 6 });
		}
	},
};
