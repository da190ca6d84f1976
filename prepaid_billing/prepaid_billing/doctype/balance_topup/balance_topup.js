// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.ui.form.on("Balance Topup", {
	refresh(frm) {
		add_views(frm);
		show_failure(frm);
		if (is_refundable(frm.doc) && frappe.user.has_role("Prepaid Billing Manager")) {
			frm.add_custom_button(__("Refund"), () => prepaid_billing.ask_topup_refund(frm));
		}
	},
});

const is_refundable = ({ status, amount_paid, amount_refunded }) =>
	["Paid", "Partly Refunded", "Disputed"].includes(status) && amount_refunded < amount_paid;

function add_views(frm) {
	const { name: topup, company } = frm.doc;
	const view = (label, ...route) =>
		frm.add_custom_button(label, () => frappe.set_route(...route), __("View"));
	view(__("Company"), "Form", "Billing Company", company);
	view(__("Transactions"), "List", "Balance Transaction", { reference_name: topup });
	view(__("Refunds"), "List", "Billing Refund", { topup });
	view(__("Disputes"), "List", "Billing Dispute", { topup });
	view(__("Stripe Events"), "List", "Stripe Event", { topup });
}

function show_failure(frm) {
	frm.dashboard.clear_headline();
	if (frm.doc.status === "Processing") {
		frm.dashboard.set_headline(__("On its way. It is credited when it arrives, which can take days."), "blue");
	}
}
