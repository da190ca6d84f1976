// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

// What forms and lists of top-ups, refunds, disputes and Stripe's events share.

frappe.provide("prepaid_billing");

prepaid_billing.EVENT_COLORS = { Received: "blue", Processed: "green", Ignored: "gray", Parked: "red" };

prepaid_billing.REFUND_COLORS = {
	Planned: "blue",
	Pending: "blue",
	Succeeded: "green",
	Failed: "red",
	Cancelled: "gray",
};

prepaid_billing.DISPUTE_COLORS = { Inquiry: "yellow", Open: "orange", Won: "green", Lost: "red" };

// The indicator of a record that is of one of Stripe's modes.
prepaid_billing.status_of_mode = ({ status, livemode }, text, color) =>
	livemode
		? [text, color, `status,=,${status}`]
		: [__("Test: {0}", [text]), color, `livemode,=,0|status,=,${status}`];

// A list of refunds or disputes; what went beyond the balance is told first.
prepaid_billing.claims_list = (colors) => ({
	hide_name_column: true,
	add_fields: ["status", "currency", "beyond_balance", "livemode"],

	get_indicator(doc) {
		const mark = doc.beyond_balance ? ` (${__("beyond the balance")})` : "";
		const color = mark ? "red" : colors[doc.status];
		return prepaid_billing.status_of_mode(doc, __(doc.status) + mark, color);
	},

	// Frappe shows one field beside the status on a laptop; staff look for the amounts.
	onload(listview) {
		const settings = listview.list_view_settings;
		if (!settings.total_fields) {
			listview.refresh_columns(listview.meta, { ...settings, total_fields: 6 });
		}
	},
});

// The form of a refund or a dispute: where it belongs to, and what it means where it went wrong.
prepaid_billing.claim_form = function (frm, colors, meaning) {
	const { company, name, status, topup } = frm.doc;
	const view = (label, ...route) =>
		frm.add_custom_button(label, () => frappe.set_route(...route), __("View"));
	view(__("Top-up"), "Form", "Balance Topup", topup);
	view(__("Company"), "Form", "Billing Company", company);
	view(__("Transactions"), "List", "Balance Transaction", { reference_name: name });
	frm.dashboard.clear_headline();
	const beyond =
		frm.doc.beyond_balance &&
		__("It took more than was available at the time.");
	const test = !frm.doc.livemode && __("This is of test mode: no real money moved.");
	const sentences = [meaning, beyond, test].filter(Boolean);
	if (sentences.length) {
		frm.dashboard.set_headline(sentences.join(" "), beyond ? "red" : colors[status]);
	}
};
