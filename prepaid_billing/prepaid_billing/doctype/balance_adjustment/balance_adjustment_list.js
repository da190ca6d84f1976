// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Balance Adjustment"] = prepaid_billing.list({
	amounts: ["amount"],
	add_fields: ["status"],

	get_indicator(doc) {
		const colors = { Draft: "gray", Waiting: "orange", Booked: "green", Refused: "red" };
		return [__(doc.status), colors[doc.status], `status,=,${doc.status}`];
	},
});
