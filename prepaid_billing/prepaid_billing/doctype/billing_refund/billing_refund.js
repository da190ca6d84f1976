// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.ui.form.on("Billing Refund", {
	refresh(frm) {
		prepaid_billing.claim_form(frm, prepaid_billing.REFUND_COLORS, meaning(frm.doc));
	},
});

const meaning = ({ status }) =>
	({
		Planned: __("Taken from the balance; Stripe has not answered yet. It goes on by itself, every hour."),
		Pending: __("Taken from the balance; the money is on its way to the customer."),
		Failed: __("The customer did not get the money, so it is back on the balance."),
		Cancelled: __("It was cancelled at Stripe, so the money is back on the balance."),
	})[status];
