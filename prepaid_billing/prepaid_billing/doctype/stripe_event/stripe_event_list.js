// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Stripe Event"] = {
	hide_name_column: true,
	add_fields: ["status"],

	get_indicator(doc) {
		const colors = { Received: "blue", Processed: "green", Ignored: "gray", Parked: "red" };
		return [__(doc.status), colors[doc.status], `status,=,${doc.status}`];
	},
};
