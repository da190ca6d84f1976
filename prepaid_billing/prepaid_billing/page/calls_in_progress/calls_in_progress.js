// Copyright (c) 2026, Prepaid Billing contributors
// MIT License, see license.txt

frappe.pages["calls-in-progress"].on_page_load = async function (wrapper) {
	const page = frappe.ui.make_app_page({
		parent: wrapper,
		title: __("Calls in Progress"),
		single_column: true,
	});
	page.add_menu_item(__("All Calls"), () => frappe.set_route("List", "Call Charge"));
	await frappe.require("calls_in_progress.bundle.js");
	const { poll } = new prepaid_billing.calls.LiveView(page.main[0]);
	$(wrapper).on("show", () => poll.start());
	$(wrapper).on("hide", () => poll.stop());
	if (frappe.container.page === wrapper) {
		poll.start();
	}
};
