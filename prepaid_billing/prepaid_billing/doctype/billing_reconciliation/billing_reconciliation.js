// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.ui.form.on("Billing Reconciliation", {
	refresh(frm) {
		frm.dashboard.clear_headline();
		if (frm.doc.is_open && frm.doc.status === "Different") {
			const text = __("Our books and Stripe's differ. Look at each of the findings; do not correct rows by hand.");
			frm.dashboard.set_headline(text, "red");
		} else if (frm.doc.is_open) {
			frm.dashboard.set_headline(__("The comparison could not be finished. It is tried again daily."), "red");
		}
	},
});
