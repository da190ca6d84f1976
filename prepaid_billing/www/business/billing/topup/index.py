"""Choosing an amount and going to Stripe with it. A plain form: it works without JavaScript."""

from __future__ import annotations

from decimal import Decimal

import frappe
from frappe import _

from prepaid_billing import portal
from prepaid_billing.exceptions import BillingError, InvalidAmount
from prepaid_billing.payments import topups
from prepaid_billing.permissions import payable_company
from prepaid_billing.portal.topup import offered, paid_amount, payable_amount, payment_address, topup_form

no_cache = 1
OTHER = "other"


@portal.page
def get_context(context: frappe._dict) -> None:
	if not portal.choose_company(context):
		return
	context.payers = portal.payers(context.company)
	payable_company(context.company)
	context.payers = ""
	context.update(topup_form(context.company), title=_("Top up"), error="")
	_preselect(context, portal.argument("suggested"))
	if frappe.request.method == "POST":
		_begin(context)
	context.csrf_token = frappe.sessions.get_csrf_token()


def _begin(context: frappe._dict) -> None:
	"""Begin the top-up and go to Stripe, or say on the page why not and keep what was typed."""
	chosen = portal.argument("amount")
	typed = portal.argument("other_amount") if chosen == OTHER else chosen
	try:
		amount = payable_amount(typed, context.currency)
		# The amount is part of the key: another amount sent from the same page is another top-up.
		begun = topups.create(context.company, amount, f"{context.key}:{amount:f}")
	except BillingError as error:
		frappe.db.rollback()
		_preselect(context, typed)
		context.update(error=str(error), http_status_code=error.http_status_code)
		context.is_amount_refused = isinstance(error, InvalidAmount) and context.selected == OTHER
		return
	raise portal.redirect(payment_address(begun["topup"]))


def _preselect(context: frappe._dict, text: str | None) -> None:
	"""Mark the offered amount that ``text`` means, or keep it as the user's own amount."""
	try:
		amount = paid_amount(text, context.currency)
		value = next(
			(choice["value"] for choice in context.choices if amount == Decimal(choice["value"])), OTHER
		)
	except BillingError:
		value = OTHER
	first = context.choices[0]["value"] if context.choices else OTHER
	context.selected = first if text is None else value
	context.typed = text if text and context.selected == OTHER else ""
	context.own = _bought(context)


def _bought(context: frappe._dict) -> dict[str, object] | None:
	"""Return what the user's own amount would buy, or None while it is none."""
	try:
		return offered(context.company, context.typed) if context.typed else None
	except BillingError:
		return None
