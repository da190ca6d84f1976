// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.ui.form.on("Balance Adjustment", {
	refresh(frm) {
		if (frm.doc.status !== "Waiting" || !frappe.user.has_role("Prepaid Billing Manager")) {
			return;
		}
		const decide = (label, method) =>
			frm.add_custom_button(label, async () => {
				await prepaid_billing.call(`balance.${method}`, { adjustment: frm.doc.name });
				frm.reload_doc();
			});
		if (frm.doc.asked_by !== frappe.session.user) {
			decide(__("Confirm"), "confirm_adjustment");
		}
		decide(__("Refuse"), "refuse_adjustment");
	},
});
