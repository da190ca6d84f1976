// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.ui.form.on("Billing Refund", {
	refresh(frm) {
		prepaid_billing.claim_form(frm, prepaid_billing.REFUND_COLORS, meaning(frm.doc));
		if (is_stuck(frm.doc) && frappe.user.has_role("Prepaid Billing Manager")) {
			frm.add_custom_button(__("Stop Refund"), () => ask_to_stop(frm));
		}
	},
});

// Microseconds.
const DAY = 86400e6;

const is_stuck = ({ status, planned_us }) => status === "Planned" && Date.now() * 1000 - planned_us > DAY;

function ask_to_stop(frm) {
	const { name: refund, amount, currency } = frm.doc;
	const question = __(
		"Stop the refund of {0}? Stripe is asked first: if it has made the refund, that stands. If not, the refund ends as failed and the money goes back to the balance. After a change of the Stripe account, look into the old one first: this one cannot tell. This cannot be undone.",
		[frappe.utils.escape_html(prepaid_billing.money(amount, currency, { exact: true }))]
	);
	frappe.confirm(question, async () => {
		try {
			const { status } = await prepaid_billing.call("topup.stop_refund", { refund });
			const indicator = prepaid_billing.REFUND_COLORS[status];
			frappe.show_alert({ message: __("The refund is now: {0}", [__(status)]), indicator });
		} finally {
			frm.reload_doc();
		}
	});
}

const meaning = (doc) =>
	({
		Planned: is_stuck(doc)
			? __(
					"Taken from the balance, and Stripe has not answered for more than a day. It is tried again every hour. Where it never can, as after a change of the Stripe account, stop it: the money goes back to the balance."
			  )
			: __("Taken from the balance; Stripe has not answered yet. It goes on by itself, every hour."),
		Pending: __("Taken from the balance; the money is on its way to the customer."),
		Failed: __("The customer did not get the money, so it is back on the balance."),
		Cancelled: __("It was cancelled at Stripe, so the money is back on the balance."),
	})[doc.status];
