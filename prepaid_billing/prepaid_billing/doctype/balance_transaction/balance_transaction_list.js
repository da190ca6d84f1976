// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Balance Transaction"] = prepaid_billing.list({
	amounts: ["amount", "balance_after"],

	formatters: {
		transaction_type(value) {
			const colors = {
				"Top-up": "green",
				Bonus: "green",
				"Call Charge": "gray",
				"Call Correction": "blue",
				Refund: "orange",
				Dispute: "red",
				"Dispute Reversal": "green",
				Adjustment: "blue",
			};
			return prepaid_billing.pill(value, colors[value]);
		},
	},
});
