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
		frm.add_custom_button(__("Accept Differences"), () => ask_to_accept(frm, differences));
	}
}

// Frappe takes a label for HTML, and what a finding says may come from Stripe.
const option = ({ text }, place) => ({ value: String(place), label: frappe.utils.escape_html(text) });

function ask_to_accept(frm, differences) {
	const dialog = new frappe.ui.Dialog({
		title: __("Accept Differences"),
		fields: [
			{
				fieldname: "chosen",
				fieldtype: "MultiCheck",
				label: __("Differences"),
				options: differences.map(option),
				select_all: differences.length > 1,
				sort_options: false,
				columns: 1,
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
		async primary_action({ chosen, reason }) {
			if (!chosen?.length) {
				return say(__("Choose the differences to accept."));
			}
			const button = dialog.get_primary_btn().prop("disabled", true);
			try {
				const names = await accept(
					frm.doc.name,
					chosen.map((place) => differences[Number(place)]),
					reason,
					say
				);
				dialog.hide();
				show_accepted(frm.doc.name, names);
			} finally {
				button.prop("disabled", false);
			}
		},
	});
	const effect = $('<p class="text-muted mb-0" role="status"></p>').appendTo(dialog.fields_dict.effect.$wrapper);
	const say = (sentence) => effect.text(sentence);
	say(
		__(
			"Nothing is booked. From the next comparison on it is told of as accepted and alarms nobody, while both amounts stay as they are. This cannot be undone."
		)
	);
	// After a change of the Stripe account there are hundreds; the reason stays in sight below them.
	dialog.fields_dict.chosen.$wrapper.find(".checkbox-options").css({ "max-height": "40vh", "overflow-y": "auto" });
	dialog.show();
}

// One by one: what was accepted before one is refused stays so, and accepting it again gives the same record.
async function accept(comparison, differences, reason, say) {
	const names = [];
	for (const { kind, stripe_id } of differences) {
		const args = { comparison, kind, stripe_id, reason };
		const { accepted } = await prepaid_billing.call("stripe.accept_difference", args);
		names.push(accepted);
		say(__("{0} of {1} accepted", [names.length, differences.length]));
	}
	return names;
}

function show_accepted(reconciliation, names) {
	if (names.length === 1) {
		frappe.set_route("Form", "Accepted Difference", names[0]);
	} else {
		frappe.set_route("List", "Accepted Difference", { reconciliation });
	}
}
