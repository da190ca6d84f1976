// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.ui.form.on("Stripe Event Payload", {
	refresh(frm) {
		const event = frm.doc.stripe_event;
		frm.add_custom_button(__("Stripe Event"), () => frappe.set_route("Form", "Stripe Event", event), __("View"));
	},
});
