// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.ui.form.on("Stripe Event", {
	refresh(frm) {
		const { status, topup } = frm.doc;
		frm.dashboard.clear_headline();
		frm.dashboard.set_headline(meaning(frm.doc), prepaid_billing.event_color(frm.doc));
		if (topup) {
			const open = () => frappe.set_route("Form", "Balance Topup", topup);
			frm.add_custom_button(__("Top-up"), open, __("View"));
		}
		if (frappe.user.has_role("Prepaid Billing Manager")) {
			add_payload(frm);
			if (status !== "Processed") {
				add_replay(frm);
			}
			if (status === "Parked") {
				frm.add_custom_button(__("Settle"), () => ask_to_settle(frm));
			}
		}
	},
});

// What happened, what it means for the money, and what to do.
function meaning({ status, error, next_try_at, settled_by, settled_because }) {
	const reason = frappe.utils.escape_html(error || "");
	const sentences = {
		Received: __("Not acted on yet, nothing was booked. Stripe sends it again, and we try it every hour."),
		Processed: __("Acted on; nothing to do."),
		Ignored: __("Not about a payment of ours; nothing was booked. Replay it if that has changed."),
		Parked: next_try_at
			? __(
					"Nothing was booked: something else failed. It is tried again by itself, next at {0}, or at once where you replay it. It books nothing twice.",
					[frappe.datetime.str_to_user(next_try_at)]
			  )
			: __(
					"Nothing was booked: a person has to judge it. Compare it with the payment in Stripe's dashboard, mend the cause, then replay it. It books nothing twice. Where there is nothing to mend, settle it with a reason."
			  ),
		Settled: frappe.utils.escape_html(
			__("Nothing was booked: {0} has judged it, and it waits for nobody any more. {1}", [
				// v16 keeps names as HTML.
				frappe.utils.unescape_html(frappe.user_info(settled_by).fullname),
				settled_because,
			])
		),
	};
	return `<div>${[reason && `<strong>${reason}</strong>`, sentences[status]].filter(Boolean).join("<br>")}</div>`;
}

// What the event said is a record of its own, which this role alone may read; it has the event's name.
async function add_payload(frm) {
	const name = frm.doc.name;
	if (await frappe.db.exists("Stripe Event Payload", name)) {
		frm.add_custom_button(__("Payload"), () => frappe.set_route("Form", "Stripe Event Payload", name), __("View"));
	}
}

function ask_to_settle(frm) {
	const field = {
		fieldname: "reason",
		fieldtype: "Data",
		label: __("Reason"),
		length: 140,
		reqd: 1,
		description: __(
			"For staff. Nothing is booked; the event waits for nobody any more and is not tried again by itself. It can still be replayed."
		),
	};
	const settle = async ({ reason }) => {
		try {
			await prepaid_billing.call("stripe.settle", { event: frm.doc.name, reason });
		} finally {
			frm.reload_doc();
		}
	};
	frappe.prompt(field, settle, __("Settle the Event"), __("Settle"));
}

function add_replay(frm) {
	const button = frm.add_custom_button(__("Replay"), async () => {
		button.prop("disabled", true);
		try {
			const { status } = await prepaid_billing.call("stripe.replay", { event: frm.doc.name });
			frappe.show_alert({
				message: __("Replayed: {0}", [__(status)]),
				indicator: prepaid_billing.EVENT_COLORS[status],
			});
		} finally {
			frm.reload_doc();
		}
	});
	if (frm.doc.status === "Parked" && !frm.doc.next_try_at) {
		frm.change_custom_button_type(__("Replay"), null, "primary");
	}
}
