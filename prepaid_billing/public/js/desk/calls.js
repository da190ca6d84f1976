// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

// What form, list and live view of calls share.

frappe.provide("prepaid_billing.calls");

const { calls } = prepaid_billing;

calls.STATUS_COLORS = {
	Authorized: "light-blue",
	Active: "blue",
	Charged: "green",
	Released: "gray",
	Expired: "gray",
};

calls.REVIEW_COLORS = { Expired: "orange", Overrun: "red", "Conflicting CDR": "yellow" };

calls.why_review = (review) =>
	({
		Expired: __("Nobody reported its end. The last confirmed usage was charged, the rest was freed."),
		Overrun: __("It cost more than was available. It was charged in full."),
		"Conflicting CDR": __("Two records give it different durations. The first one counts."),
	})[review];

calls.duration = function (seconds) {
	const two = (number) => String(number).padStart(2, "0");
	const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
	const rest = two(Math.floor(seconds) % 60);
	return hours ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
};

calls.numbers = function ({ caller, callee, call_id }) {
	const unbroken = (number) => (number || "?").replaceAll(" ", "\u00a0");
	return caller || callee ? `${unbroken(caller)} → ${unbroken(callee)}` : call_id;
};

calls.is_open = ({ status }) => ["Authorized", "Active"].includes(status);

calls.may_care = () => frappe.user.has_role("Prepaid Billing Manager");

// Both take the `call` where it is for one, whose effect can be told, and `act(args, dialog)`, which does it.

calls.ask_refund = function ({ call, title, act }) {
	const dialog = ask({
		title,
		label: __("Refund"),
		act: ({ percent, ...rest }, dialog) => act({ percent: part_of_100(percent), ...rest }, dialog),
		first: [
			{
				fieldname: "percent",
				fieldtype: "Data",
				label: __("Per cent of the price, in all"),
				default: "100",
				reqd: 1,
			},
		],
	});
	const { $input } = dialog.fields_dict.percent;
	const update = () => show_effect(dialog, refund_effect(part_of_100($input.val()), call));
	$input.attr("inputmode", "decimal").on("input", update);
	dialog.show();
	update();
};

calls.ask_billable = function ({ call, billable, title, act }) {
	const dialog = ask({
		title,
		label: billable ? __("Mark as Billable") : __("Mark as Not Billable"),
		act: (values, dialog) => act({ billable, ...values }, dialog),
	});
	dialog.show();
	show_effect(dialog, { sentence: billable_effect(billable, call), possible: true });
};

function ask({ title, label, act, first = [] }) {
	const dialog = new frappe.ui.Dialog({
		title,
		fields: [
			...first,
			{
				fieldname: "reason",
				fieldtype: "Select",
				label: __("Reason"),
				options: frappe.meta.get_docfield("Call Charge", "refund_reason").options,
				reqd: 1,
				description: __("The customer sees it beside the entry."),
			},
			{
				fieldname: "note",
				fieldtype: "Data",
				label: __("Note"),
				length: 500,
				description: __("For staff. The customer does not see it."),
			},
			{ fieldname: "effect", fieldtype: "HTML" },
		],
		primary_action_label: label,
		async primary_action(values) {
			const button = dialog.get_primary_btn().prop("disabled", true);
			try {
				await act(values, dialog);
				dialog.hide();
			} finally {
				button.prop("disabled", false);
			}
		},
	});
	return dialog;
}

function show_effect(dialog, { sentence, possible }) {
	dialog.get_primary_btn().prop("disabled", !possible);
	const effect = $('<p class="text-muted mb-0" role="status"></p>').text(sentence);
	dialog.fields_dict.effect.$wrapper.empty().append(effect);
}

// As the API takes it, or nothing. "12,5" and "12.5" are the same; more decimals would be a guess.
function part_of_100(text) {
	const written = text.trim().replace(",", ".");
	const is_part = /^[0-9]{1,3}(\.[0-9]{1,2})?$/.test(written);
	return is_part && Number(written) > 0 && Number(written) <= 100 ? written : null;
}

function refund_effect(percent, call) {
	if (!percent) {
		return { sentence: __("Per cent takes a number above 0 and up to 100."), possible: false };
	}
	if (!call) {
		return {
			sentence: __("It goes back to the balances, each call in an entry of its own."),
			possible: true,
		};
	}
	const money = (amount) => prepaid_billing.money(amount, call.currency, { exact: true });
	const price = price_of(call);
	const [given, before] = [part(price, percent), part(price, call.refund_percent)];
	if (Number(percent) <= call.refund_percent) {
		const sentence = __("{0} was given back before. Choose more per cent to give back more.", [
			money(before),
		]);
		return { sentence, possible: false };
	}
	const words = [money(given - before), call.company, money(price - given)];
	return {
		sentence: __("{0} goes back to the balance of {1}. The call then costs {2}.", words),
		possible: true,
	};
}

function billable_effect(billable, call) {
	if (!call) {
		return __("What these calls cost goes back to the balances; calls in progress will cost nothing.");
	}
	if (calls.is_open(call)) {
		return billable
			? __("The call is charged when it ends.")
			: __("The call costs nothing when it ends.");
	}
	const money = (amount) => prepaid_billing.money(amount, call.currency, { exact: true });
	if (billable) {
		const price = price_of(call);
		const due = price - part(price, call.refund_percent);
		return __("{0} is taken from the balance of {1} again.", [money(due), call.company]);
	}
	return __("{0} goes back to the balance of {1}. The call then costs nothing.", [
		money(call.amount),
		call.company,
	]);
}

const price_of = (call) => Number((call.amount + call.refunded_amount).toFixed(6));

// Half up to six decimals, as the ledger rounds it: in whole millionths and hundredths of a per cent.
const part = (price, percent) =>
	Math.floor((Math.round(price * 1e6) * Math.round(percent * 100) + 5_000) / 10_000) / 1e6;

// Does the same with several calls, one by one, and says at the end what was done and what was refused, and why.
calls.each = async function (chosen, method, args, title) {
	const refused = [];
	for (const [done, call] of chosen.entries()) {
		frappe.show_progress(title, done, chosen.length, calls.numbers(call));
		try {
			await prepaid_billing.post(method, { call_id: call.call_id, ...args });
		} catch (refusal) {
			refused.push([call.call_id, refusal.message]);
		}
	}
	frappe.hide_progress();
	tell_outcome(title, chosen.length, refused);
};

function tell_outcome(title, all, refused) {
	const done = __("Done for {0} of {1} calls.", [all - refused.length, all]);
	const cells = (row) => row.map((text) => `<td>${frappe.utils.escape_html(text)}</td>`).join("");
	const rows = refused.map((row) => `<tr>${cells(row)}</tr>`).join("");
	const table = `
		<p>${__("These were refused and stay as they are:")}</p>
		<table class="table table-bordered mb-0" style="overflow-wrap: anywhere"><tbody>${rows}</tbody></table>`;
	frappe.msgprint({
		title,
		message: `<p>${done}</p>${refused.length ? table : ""}`,
		indicator: refused.length ? "orange" : "green",
	});
}
