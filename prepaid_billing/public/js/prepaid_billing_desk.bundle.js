// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.provide("prepaid_billing");

// Frappe's own call shows nothing for a refusal of 402, 409 or 422; ours carry a sentence for people.
prepaid_billing.call = async function (method, args) {
	const response = await fetch(`/api/method/prepaid_billing.api.${method}`, {
		method: "POST",
		headers: {
			Accept: "application/json",
			"Content-Type": "application/json",
			"X-Frappe-CSRF-Token": frappe.csrf_token,
		},
		body: JSON.stringify(args),
	});
	const answer = await response.json();
	if (!response.ok) {
		frappe.msgprint({ title: __("Not possible"), message: answer.error, indicator: "red" });
		throw new Error(answer.code);
	}
	return answer.message;
};
