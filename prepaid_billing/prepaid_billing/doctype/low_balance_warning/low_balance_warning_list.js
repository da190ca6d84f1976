// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Low Balance Warning"] = {
	hide_name_column: true,
	add_fields: ["level"],

	get_indicator(doc) {
		const colors = { Low: "orange", Critical: "red", Empty: "red" };
		return [__(doc.level), colors[doc.level], `level,=,${doc.level}`];
	},
};
