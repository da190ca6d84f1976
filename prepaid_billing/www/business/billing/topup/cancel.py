"""Where Stripe sends the customer who went back from Checkout: to go on, or to cancel the top-up for good.

Only the form changes something: a customer also comes here by the browser's own way back.
"""

from __future__ import annotations

import frappe
from frappe import _

from prepaid_billing import portal
from prepaid_billing.payments import topups
from prepaid_billing.permissions import payable_company
from prepaid_billing.portal.topup import payment

no_cache = 1


@portal.page
def get_context(context: frappe._dict) -> None:
	topup = portal.own_topup(lambda: topups.find(portal.argument("topup") or ""))
	if frappe.request.method == "POST":
		payable_company(topup.company)
		topups.cancel(topup.name)
	context.update(
		payment(topups.find(topup.name), portal.may_pay(topup.company)), topup=topup.name, title=_("Top-up")
	)
	context.csrf_token = frappe.sessions.get_csrf_token()
