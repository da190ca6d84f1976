// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.provide("prepaid_billing");

// To look at, the currency's own decimals do, unless an amount would look like nothing; `exact` is as booked.
prepaid_billing.money = function (amount, currency, { exact = false } = {}) {
	const value = Number(amount);
	const usual =
		cint(frappe.boot.sysdefaults.currency_precision) ||
		get_number_format_info(get_number_format(currency)).precision;
	const booked = value.toFixed(6).replace(/0+$/, "").split(".")[1].length;
	const vanishes = value && !Number(value.toFixed(usual));
	const decimals = exact || vanishes ? Math.max(usual, booked) : usual;
	return format_currency(value, currency, decimals).replaceAll(" ", "\u00a0");
};
