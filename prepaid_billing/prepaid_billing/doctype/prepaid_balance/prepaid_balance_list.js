// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Prepaid Balance"] = prepaid_billing.list({
	columns: 5,
	amounts: ["available", "balance", "reserved_balance"],
	add_fields: ["status", "available", "balance", "low_balance_threshold", "warning_level"],

	get_indicator(doc) {
		if (doc.status === "Frozen") {
			return [__("Frozen"), "gray", "status,=,Frozen"];
		}
		// What calls hold is not used up yet; the customer's page says it by the balance, too.
		if (doc.balance <= 0) {
			return [__("Empty"), "red", "balance,<=,0"];
		}
		// As the last warning put it: one that pays for no call is empty, too.
		if (["Empty", "Critical"].includes(doc.warning_level)) {
			return [__(doc.warning_level), "red", `warning_level,=,${doc.warning_level}`];
		}
		if (doc.available < doc.low_balance_threshold) {
			return [__("Low"), "orange", "is_low,=,1"];
		}
		return [__("Active"), "green", "status,=,Active"];
	},
});
