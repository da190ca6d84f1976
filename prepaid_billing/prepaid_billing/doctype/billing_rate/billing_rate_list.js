// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Billing Rate"] = prepaid_billing.list({
	columns: 5,
	amounts: ["rate_per_minute"],
	add_fields: ["disabled", "valid_from", "valid_until"],

	formatters: {
		company: (value) => frappe.utils.escape_html(value) || __("Default price list"),
	},

	get_indicator(doc) {
		const now = frappe.datetime.now_datetime();
		if (doc.disabled) {
			return [__("Disabled"), "gray", "disabled,=,1"];
		}
		if (doc.valid_until && doc.valid_until <= now) {
			return [__("Ended"), "gray", `valid_until,<=,${now}`];
		}
		if (doc.valid_from > now) {
			return [__("Not Yet Valid"), "blue", `valid_from,>,${now}`];
		}
		return [__("Valid"), "green", "disabled,=,0"];
	},
});
