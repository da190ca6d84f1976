// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.listview_settings["Billing Receipt"] = prepaid_billing.list({
	amounts: ["gross"],
	add_fields: ["kind", "livemode"],

	get_indicator(doc) {
		if (!doc.livemode) {
			return [__("Test: {0}", [__(doc.kind)]), "gray", `livemode,=,0|kind,=,${doc.kind}`];
		}
		const colors = { Receipt: "green", "Credit Note": "orange", Reversal: "gray" };
		return [__(doc.kind), colors[doc.kind], `kind,=,${doc.kind}`];
	},
});
