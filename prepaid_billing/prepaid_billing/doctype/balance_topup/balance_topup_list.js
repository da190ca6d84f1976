// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Balance Topup"] = prepaid_billing.list({
	amounts: ["amount", "credited"],
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
});
