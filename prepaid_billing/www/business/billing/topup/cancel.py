"""Where Stripe sends the customer who went back from Checkout. Changes nothing."""

from __future__ import annotations

import frappe
from frappe import _

from prepaid_billing import portal
from prepaid_billing.payments import topups
from prepaid_billing.portal.topup import payment

no_cache = 1


@portal.page
def get_context(context: frappe._dict) -> None:
	topup = portal.own_topup(lambda: topups.find(portal.argument("topup") or ""))
	context.update(payment(topup), title=_("Top-up"))
