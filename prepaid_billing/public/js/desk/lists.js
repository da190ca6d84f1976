// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

// What the lists of our records share.

frappe.provide("prepaid_billing");

// The settings of a list, as Frappe takes them. Frappe shows one field beside the status on a laptop, and staff look for
// more: `columns` is how many there are in all. `amounts` names the fields of money, which are shown as booked.
prepaid_billing.list = ({ columns = 6, amounts = [], formatters, onload, ...settings }) => ({
	hide_name_column: true,
	formatters: { ...Object.fromEntries(amounts.map((field) => [field, prepaid_billing.amount])), ...formatters },
	...settings,

	onload(listview) {
		const chosen = listview.list_view_settings;
		if (!chosen.total_fields) {
			listview.refresh_columns(listview.meta, { ...chosen, total_fields: columns });
		}
		onload?.(listview);
	},
});

prepaid_billing.right = (text) => `<div class="text-right">${text}</div>`;

prepaid_billing.pill = (text, color) =>
	`<span class="indicator-pill no-indicator-dot ellipsis ${color}">${__(text)}</span>`;

prepaid_billing.amount = (value, df, doc) =>
	prepaid_billing.right(prepaid_billing.money(value, doc.currency, { exact: true }));
