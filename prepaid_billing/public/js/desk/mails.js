// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

// What became of mails that stand as Queued: Frappe's Email Queue knows, and is asked when somebody looks.

frappe.provide("prepaid_billing");

const COLORS = { Sent: "green", "Partially Sent": "orange", Sending: "blue", "Not Sent": "blue", Error: "red" };

const WORDS = () => ({
	Sent: __("Mail sent"),
	"Partially Sent": __("Mail sent in part"),
	Sending: __("Mail waits to be sent"),
	"Not Sent": __("Mail waits to be sent"),
	Error: __("Mail failed"),
});

const SENTENCES = () => ({
	Sent: __("The mail was sent."),
	"Partially Sent": __("The mail was sent to some of the addresses. The Email Queue says why not to the others."),
	Sending: __("The mail waits in the Email Queue."),
	"Not Sent": __("The mail waits in the Email Queue."),
	Error: __("The mail could not be sent. The Email Queue, which administrators see, says why."),
});

const fetch_states = (names) => prepaid_billing.get("desk.mails", { notices: names.join(",") });

// The form of a notice or warning.
prepaid_billing.show_mail = async function (frm) {
	frm.dashboard.clear_headline();
	const { name, status } = frm.doc;
	if (status !== "Queued") {
		return;
	}
	const state = (await fetch_states([name]))[name];
	if (frm.doc.name === name) {
		const gone = __("The mail was handed over; the Email Queue knows no more of it.");
		frm.dashboard.set_headline(SENTENCES()[state] || gone, COLORS[state] || "gray");
	}
};

// The list of them: the state stands in the place of "Queued".
prepaid_billing.mail_list = function (settings = {}) {
	let states = {};
	return prepaid_billing.list({
		...settings,
		add_fields: ["status"],

		get_indicator(doc) {
			const state = states[doc.name];
			const is_mailed = doc.status === "Queued" && state;
			const label = is_mailed ? WORDS()[state] : __(doc.status);
			const color = is_mailed ? COLORS[state] : doc.status === "Not Sent" ? "orange" : "gray";
			return [label, color, `status,=,${doc.status}`];
		},

		async refresh(listview) {
			const queued = listview.data.filter(({ status }) => status === "Queued");
			const told = queued.length ? await fetch_states(queued.map(({ name }) => name)) : {};
			if (JSON.stringify(told) !== JSON.stringify(states)) {
				states = told;
				listview.render_list();
			}
		},
	});
};
