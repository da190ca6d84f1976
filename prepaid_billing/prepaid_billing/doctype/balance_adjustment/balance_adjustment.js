// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.ui.form.on("Balance Adjustment", {
	refresh(frm) {
		frm.dashboard.clear_headline();
		if (frm.doc.status !== "Waiting") {
			return;
		}
		const sentence = __("It waits for a second person: whoever asked for it cannot confirm it.");
		frm.dashboard.set_headline(sentence, "orange");
		if (!frappe.user.has_role("Prepaid Billing Manager")) {
			return;
		}
		if (frm.doc.asked_by !== frappe.session.user) {
			frm.add_custom_button(__("Confirm"), () => ask_to_confirm(frm));
		}
		frm.add_custom_button(__("Refuse"), () => ask_to_refuse(frm));
	},
});

async function ask_to_confirm(frm) {
	const { company } = frm.doc;
	const balance = await prepaid_billing.get("balance.get", { company }).catch((refusal) => {
		prepaid_billing.show_refusal(refusal);
		throw refusal;
	});
	ask(frm, {
		title: __("Confirm the adjustment"),
		label: __("Confirm"),
		method: "balance.confirm_adjustment",
		...effect_of(frm.doc, Number(balance.available)),
	});
}

function ask_to_refuse(frm) {
	const { company } = frm.doc;
	ask(frm, {
		title: __("Refuse the adjustment"),
		label: __("Refuse"),
		method: "balance.refuse_adjustment",
		sentence: __("Nothing is booked: the balance of {0} stays as it is. This cannot be undone.", [company]),
		possible: true,
	});
}

function effect_of({ amount, company, currency }, available) {
	const money = (value) => prepaid_billing.money(value, currency, { exact: true });
	const then = Number((available + amount).toFixed(6));
	const words = [money(Math.abs(amount)), company, money(available), money(then)];
	if (amount > 0) {
		const sentence = __("{0} is added to the balance of {1}. Available: {2} now, {3} then.", words);
		return { sentence, possible: true };
	}
	return then < 0
		? {
				sentence: __(
					"Not possible: it would take {0} from the balance of {1}, of which {2} is available. The rest was spent or is held for calls.",
					words
				),
				possible: false,
			}
		: {
				sentence: __("{0} is taken from the balance of {1}. Available: {2} now, {3} then.", words),
				possible: true,
			};
}

function ask(frm, { title, label, method, sentence, possible }) {
	const { name, reason, asked_by } = frm.doc;
	const dialog = new frappe.ui.Dialog({
		title,
		fields: [{ fieldname: "effect", fieldtype: "HTML" }],
		primary_action_label: label,
		async primary_action() {
			const button = dialog.get_primary_btn().prop("disabled", true);
			try {
				await prepaid_billing.call(method, { adjustment: name });
				dialog.hide();
				frm.reload_doc();
			} finally {
				button.prop("disabled", false);
			}
		},
	});
	const line = (text, classes) => $(`<p class="${classes}"></p>`).text(text);
	// v16 keeps names as HTML.
	const person = frappe.utils.unescape_html(frappe.user.full_name(asked_by));
	const asked = __("{0} asked for it: {1}", [person, reason]);
	dialog.fields_dict.effect.$wrapper.append(line(sentence, ""), line(asked, "text-muted mb-0"));
	dialog.get_primary_btn().prop("disabled", !possible);
	dialog.show();
}
