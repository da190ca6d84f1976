// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

const { calls } = prepaid_billing;

frappe.listview_settings["Call Charge"] = prepaid_billing.list({
	add_fields: ["status", "review", "not_billable", "currency", "caller", "callee"],

	get_indicator(doc) {
		const { REVIEW_COLORS, STATUS_COLORS } = calls;
		if (doc.review) {
			const label = __("Review: {0}", [__(doc.review)]);
			return [label, REVIEW_COLORS[doc.review], `review,=,${doc.review}`];
		}
		if (doc.not_billable) {
			return [__("Not Billable"), "gray", "not_billable,=,1"];
		}
		return [__(doc.status), STATUS_COLORS[doc.status], `status,=,${doc.status}`];
	},

	// What a call in progress will cost and how long it will be is not known, and is not nothing.
	formatters: {
		duration_sec: (value, df, doc) => (calls.is_open(doc) ? "" : prepaid_billing.right(value)),
		amount: (value, df, doc) => (calls.is_open(doc) ? "" : prepaid_billing.amount(value, df, doc)),
	},

	onload(listview) {
		if (calls.may_care()) {
			add_care(listview);
		}
	},
});

function add_care(listview) {
	const { ask_refund, ask_billable, each } = calls;
	const add = (label, ask, method, more) =>
		listview.page.add_actions_menu_item(label, () => {
			const chosen = listview.get_checked_items();
			const act = async (values, dialog) => {
				dialog.hide();
				await each(chosen, method, values, label);
				listview.clear_checked_items();
				listview.refresh();
			};
			ask({ title: label, act, ...more });
		});
	add(__("Refund"), ask_refund, "calls.refund");
	add(__("Mark as Not Billable"), ask_billable, "calls.set_billable", { billable: false });
}
