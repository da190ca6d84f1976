// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.ui.form.on("Billing Company", {
	async onload(frm) {
		const { timezones } = await frappe.xcall("frappe.core.doctype.user.user.get_timezones");
		frm.fields_dict.time_zone.set_data(timezones);
	},

	refresh(frm) {
		if (frm.is_new()) {
			ask_for_first_price(frm);
		} else {
			add_views(frm);
			show_available(frm);
		}
	},
});

// Written as a Billing Rate and a Prepaid Balance on the first save. Frappe shows virtual fields read-only.
function ask_for_first_price(frm) {
	for (const fieldname of ["rate_per_minute", "billing_increment", "low_balance_threshold"]) {
		frm.set_df_property(fieldname, "is_virtual", 0);
	}
	propose(frm, "currency", "default_currency");
	propose(frm, "low_balance_threshold", "default_threshold");
	if (!frm.doc.billing_increment) {
		frm.set_value("billing_increment", 1);
	}
}

async function propose(frm, fieldname, setting) {
	const proposed = await frappe.db.get_single_value("Prepaid Billing Settings", setting);
	if (frm.is_new() && !frm.doc[fieldname]) {
		frm.set_value(fieldname, proposed);
	}
}

function add_views(frm) {
	const company = frm.doc.name;
	const view = (label, open) => frm.add_custom_button(label, open, __("View"));
	const list = (doctype, filters) => () => frappe.set_route("List", doctype, filters);
	view(__("Balance"), () => frappe.set_route("Form", "Prepaid Balance", company));
	view(__("Rates"), list("Billing Rate", { company }));
	view(__("Calls"), list("Call Charge", { company }));
	view(__("Transactions"), list("Balance Transaction", { balance: company }));
	view(__("Top-ups"), list("Balance Topup", { company }));
}

async function show_available(frm) {
	const company = frm.doc.name;
	const amounts = ["available", "balance", "reserved_balance", "low_balance_threshold"];
	const fields = [...amounts, "currency", "status", "warning_level"];
	await frappe.model.with_doctype("Prepaid Balance");
	const { message: balance } = await frappe.db.get_value("Prepaid Balance", company, fields);
	if (frm.doc.name !== company) {
		return;
	}
	const amount = (value) => format_currency(value, balance.currency);
	const available = __("Available: {0}", [amount(balance.available)]);
	const in_calls = __("In calls: {0}", [amount(balance.reserved_balance)]);
	const price = await own_price(company, amount);
	const [level, color] = frappe.get_indicator(balance, "Prepaid Balance");
	// A first save refreshes the form twice, and headlines add up.
	frm.dashboard.clear_headline();
	const parts = [color !== "green" && level, available, balance.reserved_balance && in_calls, price].filter(Boolean);
	frm.dashboard.set_headline(parts.join(" · "), color);
}

// Shown so that a price typed in the wrong number format is seen at once.
async function own_price(company, amount) {
	const filters = { company, disabled: 0, valid_until: ["is", "not set"] };
	const [rate] = await frappe.db.get_list("Billing Rate", {
		filters,
		fields: ["rate_per_minute"],
		limit: 1,
	});
	return rate && __("{0} per minute", [amount(rate.rate_per_minute)]);
}
