// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

// What forms and lists of top-ups, refunds, disputes and Stripe's events share.

frappe.provide("prepaid_billing");

prepaid_billing.EVENT_COLORS = {
	Received: "blue",
	Processed: "green",
	Ignored: "gray",
	Parked: "red",
	Settled: "gray",
};

// Parked for a passing failure, it needs nobody yet.
prepaid_billing.event_color = ({ status, next_try_at }) =>
	next_try_at ? "orange" : prepaid_billing.EVENT_COLORS[status];

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

// A list of refunds or disputes. That one went beyond the balance tells of the day it was booked: how it stands now is told
// in its form.
prepaid_billing.claims_list = (colors) =>
	prepaid_billing.list({
		amounts: ["amount", "booked_amount"],
		add_fields: ["status", "currency", "beyond_balance", "livemode"],

		get_indicator(doc) {
			const mark = doc.beyond_balance ? ` (${__("beyond the balance when it was booked")})` : "";
			return prepaid_billing.status_of_mode(doc, __(doc.status) + mark, colors[doc.status]);
		},
	});

// The form of a refund or a dispute: where it belongs to, and what it means where it went wrong. Red while the company still
// owes what it took beyond the balance.
prepaid_billing.claim_form = async function (frm, colors, meaning) {
	const { company, name, status, topup } = frm.doc;
	const view = (label, ...route) =>
		frm.add_custom_button(label, () => frappe.set_route(...route), __("View"));
	view(__("Top-up"), "Form", "Balance Topup", topup);
	view(__("Company"), "Form", "Billing Company", company);
	view(__("Transactions"), "List", "Balance Transaction", { reference_name: name });
	frm.dashboard.clear_headline();
	const beyond = frm.doc.beyond_balance && __("It took more than was available at the time.");
	const test = !frm.doc.livemode && __("This is of test mode: no real money moved.");
	const show = (color, ...more) => {
		const sentences = [meaning, beyond, ...more, test].filter(Boolean);
		if (sentences.length) {
			frm.dashboard.clear_headline();
			frm.dashboard.set_headline(sentences.join(" "), color);
		}
	};
	show(colors[status]);
	if (beyond) {
		const { message } = await frappe.db.get_value("Prepaid Balance", company, ["balance", "currency"]);
		if (message?.balance < 0 && frm.doc.name === name) {
			const owed = prepaid_billing.money(message.balance, message.currency, { exact: true });
			show("red", __("The balance is still below zero: {0}.", [owed]));
		}
	}
};
