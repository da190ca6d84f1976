"""Top-ups by API. The card is entered at Stripe; nothing of it comes near us. DESIGN.md section 9."""

from decimal import Decimal
from typing import Any

import frappe

from prepaid_billing import inputs
from prepaid_billing.api.endpoint import endpoint
from prepaid_billing.exceptions import UnknownCompany, UnknownTopup
from prepaid_billing.ledger import balance_of
from prepaid_billing.payments import refunds, topups
from prepaid_billing.permissions import MANAGER, STAFF, payable_company, visible_company
from prepaid_billing.portal.topup import offered
from prepaid_billing.rating.money import as_text, parse_amount


@frappe.whitelist(methods=["POST"])
@endpoint(MANAGER, STAFF, own_company=True)
def create(amount: Any = None, company: Any = None, idempotency_key: Any = None) -> dict:
	"""Begin a top-up and return where to pay. The same idempotency key again returns the same top-up."""
	return topups.create(
		payable_company(inputs.optional_company(company)),
		parse_amount(amount),
		inputs.optional_key(idempotency_key, "idempotency_key"),
	)


@frappe.whitelist(methods=["GET"])
@endpoint(MANAGER, STAFF, own_company=True)
def offer(amount: Any = None, company: Any = None) -> dict:
	"""Return in the user's words what a top-up of an amount, written as people do, would buy. Begins nothing."""
	name = visible_company(inputs.optional_company(company), MANAGER, STAFF)
	return offered(name, inputs.text(amount, "amount"))


@frappe.whitelist(methods=["GET"])
@endpoint(MANAGER, STAFF, own_company=True)
def status(topup: Any = None) -> dict:
	"""Return how a top-up stands by our books, and the balance."""
	found = _visible(topup)
	return {
		"topup": found.name,
		"status": found.status,
		"amount": as_text(found.amount),
		"tax": as_text(found.tax),
		"credited": as_text(found.credited),
		"currency": found.currency,
		"receipt": found.receipt,
		"balance": as_text(balance_of(found.company).balance),
	}


@frappe.whitelist(methods=["POST"])
@endpoint(MANAGER, STAFF, own_company=True)
def cancel(topup: Any = None) -> dict:
	"""Close the page at Stripe of a top-up that was not paid; one that was paid is credited instead."""
	found = _visible(topup)
	payable_company(found.company)
	return {"topup": found.name, "status": topups.cancel(found.name)}


@frappe.whitelist(methods=["POST"])
@endpoint(MANAGER)
def refund(topup: Any = None, amount: Any = None, reason: Any = None, idempotency_key: Any = None) -> dict:
	"""Give a paid top-up, or a part of it, back to its card; without an amount all that is left of it."""
	return refunds.request(
		_visible(topup).name,
		_optional_amount(amount),
		inputs.text(reason, "reason"),
		inputs.key(idempotency_key, "idempotency_key"),
	)


@frappe.whitelist(methods=["GET"])
@endpoint(MANAGER)
def refundable(topup: Any = None, amount: Any = None) -> dict:
	"""Return what a refund of ``amount``, or of all that is left, would do to the balance. Nothing is written."""
	return refunds.preview(_visible(topup).name, _optional_amount(amount))


@frappe.whitelist(methods=["POST"])
@endpoint(MANAGER)
def stop_refund(refund: Any = None) -> dict:
	"""End a planned refund that can never go on; its money goes back to the balance, unless Stripe has made it."""
	found = refunds.find(inputs.key(refund, "refund"))
	try:
		_visible(found.topup)
	except UnknownTopup as error:
		raise refunds.unknown() from error
	return refunds.stop(found.name)


def _visible(topup: Any) -> frappe._dict:
	"""Return the top-up of a company that the user may look at. Raises UnknownTopup, alike for "not yours"."""
	found = topups.find(inputs.key(topup, "topup"))
	try:
		visible_company(found.company, MANAGER, STAFF)
	except UnknownCompany as error:
		raise topups.unknown() from error
	return found


def _optional_amount(amount: Any) -> Decimal | None:
	return None if amount is None else parse_amount(amount)
