// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.ui.form.on("Prepaid Balance", {
	refresh(frm) {
		if (frm.is_new()) {
			return;
		}
		const company = frm.doc.company;
		const view = (label, open) => frm.add_custom_button(label, open, __("View"));
		view(__("Company"), () => frappe.set_route("Form", "Billing Company", company));
		view(__("Transactions"), () =>
			frappe.set_route("List", "Balance Transaction", { balance: frm.doc.name })
		);
		view(__("Calls"), () => frappe.set_route("List", "Call Charge", { company }));
	},
});
