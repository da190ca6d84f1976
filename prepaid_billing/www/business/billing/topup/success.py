"""Where Stripe sends the customer after Checkout: how the payment stands by our books, also on a reload."""

from __future__ import annotations

import frappe
from frappe import _

from prepaid_billing import portal
from prepaid_billing.exceptions import TryAgain
from prepaid_billing.payments import topups
from prepaid_billing.portal.topup import payment

no_cache = 1
ASK_AGAIN = 5
"""Seconds after which Stripe is asked again."""


@portal.page
def get_context(context: frappe._dict) -> None:
	topup = portal.own_topup(lambda: topups.by_session(portal.argument("session_id") or ""))
	is_known = _ask_stripe(topup.name)
	context.update(payment(topups.find(topup.name), portal.may_pay(topup.company)), title=_("Top-up"))
	if not is_known and context.result != "paid":
		context.result = "checking"


def _ask_stripe(name: str) -> bool:
	"""Bring the top-up up to date; False where Stripe gave no answer. What was paid is committed here.

	Whoever opens the page again within some seconds sees what the books say then: the webhook brings what has happened
	meanwhile. So Stripe is not asked as often as somebody likes.
	"""
	key = f"prepaid_billing:asked_stripe:{name}"
	answered = frappe.cache.get_value(key, expires=True)
	if answered is None:
		# While it is asked, too.
		frappe.cache.set_value(key, False, expires_in_sec=ASK_AGAIN)
		answered = _refresh(name)
		frappe.cache.set_value(key, answered, expires_in_sec=ASK_AGAIN)
	return answered


def _refresh(name: str) -> bool:
	try:
		topups.refresh(name)
	except TryAgain:
		return False
	return True
