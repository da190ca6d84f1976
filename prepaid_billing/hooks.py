app_name = "prepaid_billing"
app_title = "Prepaid Billing"
app_publisher = "Prepaid Billing contributors"
app_description = "Prepaid balances, Stripe top-ups and exact call charging"
app_license = "MIT"

before_install = "prepaid_billing.install.before_install"
after_install = "prepaid_billing.install.after_install"
after_migrate = "prepaid_billing.install.after_migrate"
before_uninstall = "prepaid_billing.install.before_uninstall"

add_to_apps_screen = [
	{
		"name": "prepaid_billing",
		"logo": "/assets/prepaid_billing/images/logo.svg",
		"title": "Prepaid Billing",
		"route": "/app/prepaid-billing",
		"has_permission": "prepaid_billing.permissions.is_staff",
	}
]

app_include_js = "prepaid_billing_desk.bundle.js"

override_whitelisted_methods = {"frappe.client.get_count": "prepaid_billing.api.desk.get_count"}

before_request = [
	"prepaid_billing.ledger.transaction.keep_count_of_writes",
	"prepaid_billing.http.before_request",
	"prepaid_billing.brand.speak_as_the_browser",
]
before_job = ["prepaid_billing.ledger.transaction.keep_count_of_writes"]
after_request = ["prepaid_billing.http.after_request"]

permission_query_conditions = {
	"Balance Transaction": "prepaid_billing.permissions.entries_condition",
	"Stripe Event": "prepaid_billing.permissions.events_condition",
	"Stripe Event Payload": "prepaid_billing.permissions.payloads_condition",
}
has_permission = {
	"Balance Transaction": "prepaid_billing.permissions.may_see_entry",
	"Stripe Event": "prepaid_billing.permissions.may_see_event",
	"Stripe Event Payload": "prepaid_billing.permissions.may_see_payload",
}

doc_events = {"Currency": {"after_rename": "prepaid_billing.closed.keep_currency_of_a_balance"}}

update_website_context = ["prepaid_billing.brand.update_website_context"]
role_home_page = {"Prepaid Billing Customer": "business/billing"}
standard_portal_menu_items = [
	{
		"title": "Prepaid balance",
		"route": "/business/billing",
		"reference_doctype": "Prepaid Balance",
		"role": "Prepaid Billing Customer",
	}
]

scheduler_events = {
	"cron": {
		"*/30 * * * *": ["prepaid_billing.scheduled.prepaid_low_balances"],
		"*/5 * * * *": ["prepaid_billing.scheduled.prepaid_summaries"],
		"* * * * *": [
			"prepaid_billing.scheduled.prepaid_stale_calls",
			"prepaid_billing.scheduled.prepaid_missing_receipts",
			"prepaid_billing.scheduled.prepaid_payment_mails",
		],
	},
	"hourly_long": ["prepaid_billing.scheduled.prepaid_unfinished_topups"],
	"daily_long": [
		"prepaid_billing.scheduled.prepaid_verify_books",
		"prepaid_billing.scheduled.prepaid_reconcile",
		"prepaid_billing.scheduled.prepaid_silent_webhook",
		"prepaid_billing.scheduled.prepaid_old_payloads",
	],
}

export_python_type_annotations = True
require_type_annotated_api_methods = True
