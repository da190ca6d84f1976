// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Billing Reconciliation"] = prepaid_billing.list({
	add_fields: ["status", "is_open", "livemode", "accepted"],

	get_indicator(doc) {
		const colors = { Equal: "green", Different: "red", Failed: "red" };
		const color = doc.status !== "Equal" && !doc.is_open ? "gray" : colors[doc.status];
		const but = doc.accepted ? ` (${__("{0} accepted", [doc.accepted])})` : "";
		return prepaid_billing.status_of_mode(doc, __(doc.status) + but, color);
	},
});
