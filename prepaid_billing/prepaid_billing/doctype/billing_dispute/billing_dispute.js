// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.ui.form.on("Billing Dispute", {
	refresh(frm) {
		prepaid_billing.claim_form(frm, prepaid_billing.DISPUTE_COLORS, meaning(frm.doc));
	},
});

const meaning = ({ status }) =>
	({
		Inquiry: __("The bank only asks; no money has moved. Answer it in Stripe's dashboard."),
		Open: __("The bank took the money back, so it left the balance. Answer it in Stripe's dashboard."),
		Won: __("The bank gave the money back, and it is on the balance again."),
		Lost: __("The bank keeps the money; it stays taken from the balance."),
	})[status];
