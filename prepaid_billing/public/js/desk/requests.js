// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

// Frappe's own call shows nothing for a refusal of 402, 409 or 422; ours carry a sentence for people.

frappe.provide("prepaid_billing");

const PATIENCE = 15_000;

// Returns the answer, or throws an Error with the sentence as its message and with the code and the status.
async function request(method, options) {
	let response, answer;
	try {
		response = await fetch(`/api/method/prepaid_billing.api.${method}`, {
			...options,
			headers: { Accept: "application/json", ...options.headers },
			signal: AbortSignal.timeout(PATIENCE),
		});
		answer = await response.json();
	} catch {
		const sentence = __("The server did not answer. Try the same again; nothing is booked twice.");
		throw Object.assign(new Error(sentence), { code: "NO_ANSWER" });
	}
	if (!response.ok) {
		throw Object.assign(new Error(answer.error), { code: answer.code, status: response.status });
	}
	return answer.message;
}

prepaid_billing.get = (method, args) =>
	request(args ? `${method}?${new URLSearchParams(args)}` : method, { method: "GET" });

prepaid_billing.post = (method, args) =>
	request(method, {
		method: "POST",
		headers: { "Content-Type": "application/json", "X-Frappe-CSRF-Token": frappe.csrf_token },
		body: JSON.stringify(args),
	});

prepaid_billing.show_refusal = (refusal) => {
	// A planned refund is none of the customer's troubles: it goes on by itself.
	const is_planned = refusal.code === "REFUND_PLANNED";
	frappe.msgprint({
		title: is_planned ? __("Planned") : __("Not possible"),
		message: frappe.utils.escape_html(refusal.message),
		indicator: is_planned ? "orange" : "red",
	});
};

// As post, and shows a refusal.
prepaid_billing.call = async function (method, args) {
	try {
		return await prepaid_billing.post(method, args);
	} catch (refusal) {
		prepaid_billing.show_refusal(refusal);
		throw refusal;
	}
};
