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
		if (frappe.user.has_role("Prepaid Billing Manager")) {
			frm.add_custom_button(__("Adjust"), () => ask_for_adjustment(frm));
		}
	},
});

// One key for one dialog: pressing the button twice books once.
function ask_for_adjustment(frm) {
	const key = frappe.utils.get_random(20);
	const dialog = new frappe.ui.Dialog({
		title: __("Adjust the balance of {0}", [frm.doc.company]),
		fields: [
			{
				fieldname: "amount",
				fieldtype: "Data",
				label: __("Amount in {0}", [frm.doc.currency]),
				reqd: 1,
				description: __("Such as 12.34. Negative takes money from the balance."),
			},
			{
				fieldname: "reason",
				fieldtype: "Data",
				label: __("Reason"),
				length: 140,
				reqd: 1,
				description: __("The customer sees it beside the entry."),
			},
		],
		primary_action_label: __("Book"),
		async primary_action({ amount, reason }) {
			// "1.000" is a thousand to some and one to others: never guess about money.
			if (!/^-?[0-9]+([.,]([0-9]{1,2}|[0-9]{4,6}))?$/.test(amount.trim())) {
				frappe.throw(__("Write the amount without separators, such as 1234.56."));
			}
			const adjustment = await prepaid_billing.call("balance.adjust", {
				company: frm.doc.company,
				amount: amount.trim().replace(",", "."),
				reason,
				idempotency_key: key,
			});
			dialog.hide();
			if (adjustment.status === "Waiting") {
				frappe.msgprint(
					__("The amount is above the limit for one person. It waits for a second one to confirm.")
				);
			}
			frm.reload_doc();
		},
	});
	dialog.show();
}
