"""/v1/payment_pages: the Checkout page's own requests, as `stripe trigger` makes them.

Stripe documents neither. They answer with the session.
"""

from __future__ import annotations

from typing import Any

from stripe_simulator.api import Route
from stripe_simulator.errors import ApiError, attempt_failed
from stripe_simulator.fields import Field, Group, Integer, Text
from stripe_simulator.flows import checkout, methods
from stripe_simulator.objects import StripeObject
from stripe_simulator.store import Operation

_CONFIRM: dict[str, Field] = {"expected_amount": Integer(), "payment_method": Text()}


def retrieve(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Return the session of a page."""
	return operation.store.require("checkout.session", id, "session")


def confirm(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Pay the session of a page with a payment method. Raises ApiError for a decline."""
	session = retrieve(operation, {}, id)
	if session["status"] != "open":
		raise ApiError(f"This Checkout Session has a status of `{session['status']}`.", executed=True)
	if params["expected_amount"] != session["amount_total"]:
		raise ApiError(
			"The expected amount is not the amount of this Checkout Session.", param="expected_amount"
		)
	method = methods.find_or_create(operation, params["payment_method"], "payment_method")
	if method["type"] not in session["payment_method_types"]:
		raise ApiError(f"This Checkout Session does not take {method['type']}.", param="payment_method")
	intent = checkout.pay_with(operation, session, method)
	if intent["last_payment_error"]:
		raise attempt_failed(intent)
	return session


ROUTES = (
	Route("GET", "/v1/payment_pages/<id>", retrieve, "checkout.session"),
	Route(
		"POST",
		"/v1/payment_pages/<id>/confirm",
		confirm,
		"checkout.session",
		Group(_CONFIRM, required=("expected_amount", "payment_method")),
	),
)
