// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.ui.form.on("Call Charge", {
	refresh(frm) {
		show_headline(frm);
		add_views(frm);
		if (frm.doc.review) {
			add_resolve(frm);
		}
		if (prepaid_billing.calls.may_care()) {
			add_care(frm);
		}
	},
});

function show_headline(frm) {
	const { review, not_billable, refund_percent, refund_reason } = frm.doc;
	frm.dashboard.clear_headline();
	if (review) {
		const color = prepaid_billing.calls.REVIEW_COLORS[review];
		frm.dashboard.set_headline(prepaid_billing.calls.why_review(review), color);
	} else if (not_billable) {
		frm.dashboard.set_headline(__("Not billable: {0}", [__(refund_reason)]), "gray");
	} else if (refund_percent) {
		const given = [format_number(refund_percent, null, 0), __(refund_reason)];
		frm.dashboard.set_headline(__("{0} per cent given back: {1}", given), "blue");
	}
}

function add_views(frm) {
	const { company, name, rate } = frm.doc;
	const view = (label, ...route) =>
		frm.add_custom_button(label, () => frappe.set_route(...route), __("View"));
	view(__("Company"), "Form", "Billing Company", company);
	view(__("Transactions"), "List", "Balance Transaction", { reference_name: name });
	if (rate) {
		view(__("Rate"), "Form", "Billing Rate", rate);
	}
}

function add_resolve(frm) {
	const label = __("Resolve");
	frm.add_custom_button(label, () => change(frm, "resolve"));
	frm.change_custom_button_type(label, null, "primary");
}

function add_care(frm) {
	const call = frm.doc;
	const billable = !!call.not_billable;
	if (!call.not_billable && call.amount > 0) {
		frm.add_custom_button(__("Refund"), () =>
			prepaid_billing.calls.ask_refund({
				call,
				title: __("Refund"),
				act: (values) => change(frm, "refund", values),
			})
		);
	}
	frm.add_custom_button(billable ? __("Billable") : __("Not Billable"), () =>
		prepaid_billing.calls.ask_billable({
			call,
			billable,
			title: billable ? __("Billable") : __("Not Billable"),
			act: (values) => change(frm, "set_billable", values),
		})
	);
}

async function change(frm, verb, values) {
	await prepaid_billing.call(`calls.${verb}`, { call_id: frm.doc.call_id, ...values });
	frm.reload_doc();
}
