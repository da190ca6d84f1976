// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.ui.form.on("Accepted Difference", {
	refresh(frm) {
		frm.dashboard.clear_headline();
		const text = __("No comparison alarms about it while both amounts stay as they are.");
		frm.dashboard.set_headline(text, "blue");
	},
});
