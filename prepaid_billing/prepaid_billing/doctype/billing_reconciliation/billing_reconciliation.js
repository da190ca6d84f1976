// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.ui.form.on("Billing Reconciliation", {
	refresh(frm) {
		frm.dashboard.clear_headline();
		if (frm.doc.is_open && frm.doc.status === "Different") {
			const text = __("Our books and Stripe's differ. Look at each of the findings; do not correct rows by hand.");
			frm.dashboard.set_headline(text, "red");
			add_accept(frm);
		} else if (frm.doc.is_open) {
			frm.dashboard.set_headline(__("The comparison could not be finished. It is tried again daily."), "red");
		}
	},
});

// For what nobody can mend; the findings that can be accepted are those with amounts.
function add_accept(frm) {
	const differences = JSON.parse(frm.doc.differences || "[]");
	if (differences.length && frappe.user.has_role("Prepaid Billing Manager")) {
		frm.add_custom_button(__("Accept a Difference"), () => ask_to_accept(frm, differences));
	}
}

// Frappe takes a label for HTML, and what a finding says may come from Stripe.
const option = ({ text }, place) => ({ value: String(place), label: frappe.utils.escape_html(text) });

function ask_to_accept(frm, differences) {
	const dialog = new frappe.ui.Dialog({
		title: __("Accept a Difference"),
		fields: [
			{
				fieldname: "difference",
				fieldtype: "Select",
				label: __("Difference"),
				options: differences.map(option),
				reqd: 1,
			},
			{
				fieldname: "reason",
				fieldtype: "Data",
				label: __("Reason"),
				length: 140,
				reqd: 1,
				description: __("For staff. The customer does not see it."),
			},
			{ fieldname: "effect", fieldtype: "HTML" },
		],
		primary_action_label: __("Accept"),
		async primary_action({ difference, reason }) {
			const button = dialog.get_primary_btn().prop("disabled", true);
			try {
				const { kind, stripe_id } = differences[Number(difference)];
				const args = { comparison: frm.doc.name, kind, stripe_id, reason };
				const { accepted } = await prepaid_billing.call("stripe.accept_difference", args);
				dialog.hide();
				frappe.set_route("Form", "Accepted Difference", accepted);
			} finally {
				button.prop("disabled", false);
			}
		},
	});
	const sentence = __(
		"Nothing is booked. From the next comparison on it is told of as accepted and alarms nobody, while both amounts stay as they are. This cannot be undone."
	);
	dialog.fields_dict.effect.$wrapper.append($('<p class="text-muted mb-0"></p>').text(sentence));
	dialog.show();
}
