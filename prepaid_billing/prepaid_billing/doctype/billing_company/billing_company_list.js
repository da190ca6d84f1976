// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Billing Company"] = {
	hide_name_column: true,
	add_fields: ["status", "prepaid_billing_enabled"],

	get_indicator(doc) {
		if (doc.status === "Suspended") {
			return [__("Suspended"), "red", "status,=,Suspended"];
		}
		if (!doc.prepaid_billing_enabled) {
			return [__("Switched off"), "gray", "prepaid_billing_enabled,=,0"];
		}
		return [__("Active"), "green", "status,=,Active"];
	},
};
