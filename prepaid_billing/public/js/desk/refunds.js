// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

// The dialog that gives a payment back to its card. What it would do is asked of the server, which knows.

frappe.provide("prepaid_billing");

const PAUSE = 250;

prepaid_billing.ask_topup_refund = async function (frm) {
	const { name: topup, company, currency } = frm.doc;
	const all = await prepaid_billing.get("topup.refundable", { topup }).catch((refusal) => {
		prepaid_billing.show_refusal(refusal);
		throw refusal;
	});
	// One key for one dialog: pressing the button twice refunds once.
	const key = frappe.utils.get_random(20);
	const dialog = new frappe.ui.Dialog({
		title: __("Refund to the payment method"),
		fields: [
			{
				fieldname: "amount",
				fieldtype: "Data",
				label: __("Amount in {0}", [currency]),
				default: plain(all),
				description: __("At most {0} is left of this payment.", [money(all.left, currency)]),
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
		primary_action_label: __("Refund"),
		async primary_action({ reason }) {
			const button = dialog.get_primary_btn().prop("disabled", true);
			try {
				const args = { topup, amount: typed(dialog, all.decimals), reason, idempotency_key: key };
				await prepaid_billing.call("topup.refund", args).then(tell_outcome, keep_open_unless_planned);
				dialog.hide();
				frm.reload_doc();
			} finally {
				button.prop("disabled", false);
			}
		},
	});
	watch_amount(dialog, { topup, company, all });
	dialog.show();
};

// Planned means that the money has left the balance, so there is nothing more to press. After anything else the dialog
// keeps its key: pressed again, it refunds once.
function keep_open_unless_planned(refusal) {
	if (refusal.code !== "REFUND_PLANNED") {
		throw refusal;
	}
}

function tell_outcome({ status, amount, currency, failure_reason }) {
	const failed = status === "Failed";
	const message = failed
		? __("Stripe refused it: {0} The money is back on the balance.", [failure_reason])
		: __("{0} goes back to the payment method.", [money(amount, currency)]);
	frappe.msgprint({
		title: __("Refund"),
		message: frappe.utils.escape_html(message),
		indicator: failed ? "red" : "green",
	});
}

function watch_amount(dialog, { topup, company, all }) {
	const { $input } = dialog.fields_dict.amount;
	let latest = 0;
	const show = (effect) => show_effect(dialog, effect);
	const update = async () => {
		const turn = ++latest;
		const amount = typed(dialog, all.decimals);
		const effect = amount
			? await prepaid_billing
					.get("topup.refundable", { topup, amount })
					.then((preview) => effect_of(preview, company), impossible)
			: impossible({ message: __("Write the amount without separators, such as {0}.", [example(all)]) });
		// An answer that was overtaken by a newer one tells of another amount.
		if (turn === latest) {
			show(effect);
		}
	};
	const update_soon = frappe.utils.debounce(update, PAUSE);
	$input.attr("inputmode", "decimal").on("input", () => {
		dialog.get_primary_btn().prop("disabled", true);
		update_soon();
	});
	show(effect_of(all, company));
}

const impossible = ({ message }) => ({ sentence: message, possible: false });

function effect_of({ taken_from_balance, available, is_covered, currency }, company) {
	const words = [money(taken_from_balance, currency), company, money(available, currency)];
	if (is_covered) {
		const sentence = __("{0} is taken from the balance of {1}, which has {2} available.", words);
		return { sentence, possible: true };
	}
	const sentence = __(
		"Not possible: it would take {0} from the balance of {1}, of which {2} is available. The rest was spent or is held for calls.",
		words
	);
	return { sentence, possible: false };
}

function show_effect(dialog, { sentence, possible }) {
	dialog.get_primary_btn().prop("disabled", !possible);
	const effect = $('<p class="text-muted mb-0" role="status"></p>').text(sentence);
	dialog.fields_dict.effect.$wrapper.empty().append(effect);
}

// As the API takes it, or nothing. "1.000" is a thousand to some and one to others: never guess about money. Only where a
// currency has three decimals is it one, and what it takes stands below it before anything is sent.
function typed(dialog, decimals) {
	const text = (dialog.get_value("amount") || "").trim();
	const form = decimals ? new RegExp(`^[0-9]+([.,][0-9]{1,${decimals}})?$`) : /^[0-9]+$/;
	return form.test(text) ? text.replace(",", ".") : null;
}

const money = (amount, currency) => prepaid_billing.money(amount, currency, { exact: true });

// "30.000000" as a person writes it: "30.00", "30,00"; yen without decimals, dinars with three.
function plain({ left, currency, decimals }) {
	const { decimal_str } = get_number_format_info(get_number_format(currency));
	return Number(left).toFixed(decimals).replace(".", decimal_str || ".");
}

const example = ({ decimals }) => (1234.56).toFixed(decimals);
