// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

// The PDF of a receipt or credit note, from every form that has one.

function add_pdf(frm, label, receipt) {
	if (receipt) {
		const address = "/api/method/prepaid_billing.api.receipts.download";
		frm.add_custom_button(label, () => window.open(`${address}?receipt=${encodeURIComponent(receipt)}`));
	}
}

frappe.ui.form.on("Billing Receipt", {
	refresh(frm) {
		add_pdf(frm, __("PDF"), frm.doc.name);
		frm.dashboard.clear_headline();
		if (!frm.doc.livemode) {
			frm.dashboard.set_headline(__("Test: no money moved. This is no tax document."), "orange");
		}
	},
});

frappe.ui.form.on("Balance Topup", {
	refresh: (frm) => add_pdf(frm, __("Receipt"), frm.doc.receipt),
});

frappe.ui.form.on("Billing Refund", {
	refresh: (frm) => add_pdf(frm, __("Credit Note"), frm.doc.credit_note),
});
