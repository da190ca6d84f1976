"""/v1/refunds"""

from __future__ import annotations

from typing import Any

from stripe_simulator.api import Route
from stripe_simulator.errors import ApiError
from stripe_simulator.fields import Choice, Field, Group, Integer, Metadata, Text
from stripe_simulator.flows import refunds
from stripe_simulator.lists import PAGE_FIELDS, matching, page
from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.customer import merged_metadata
from stripe_simulator.store import Operation

PAYMENT: dict[str, Field] = {"charge": Text(), "payment_intent": Text()}
_CREATE: dict[str, Field] = {
	**PAYMENT,
	"amount": Integer(1),
	"metadata": Metadata(),
	"reason": Choice(("duplicate", "fraudulent", "requested_by_customer")),
}


def create(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""Refund a charge, whole or in part."""
	return refunds.create(
		operation,
		charge_of(operation, params),
		amount=params.get("amount"),
		reason=params.get("reason"),
		metadata=params.get("metadata"),
	)


def retrieve(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Return a refund."""
	return operation.store.require("refund", id, "refund")


def update(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Change a refund's metadata, which is all that can be changed."""
	refund = retrieve(operation, {}, id)
	metadata = merged_metadata(refund["metadata"], params.get("metadata", {}))
	refunds.update_metadata(operation, refund, metadata)
	return refund


def cancel(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Call a refund off that waits for the customer to act."""
	refund = retrieve(operation, {}, id)
	refunds.cancel(operation, refund)
	return refund


def list_all(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""List refunds, also by charge and PaymentIntent; one that does not exist is an error, as Stripe's reference says."""
	for kind in PAYMENT.keys() & params:
		operation.store.require(kind, params[kind], kind)
	found = matching(operation.store.newest_first("refund"), params, *PAYMENT)
	return page(found, params, "/v1/refunds")


def charge_of(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""Return the charge that is meant by its own id or by its PaymentIntent's."""
	store = operation.store
	if "charge" in params:
		return store.require("charge", params["charge"], "charge", status=400)
	if "payment_intent" not in params:
		raise ApiError(
			"One of the following params should be provided for this request: payment_intent or charge."
		)
	intent = store.require("payment_intent", params["payment_intent"], "payment_intent", status=400)
	charge = store.find("charge", intent["latest_charge"])
	if charge is None or not charge["paid"]:
		raise ApiError(
			f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
			param="payment_intent",
			executed=True,
		)
	return charge


_PATH = "/v1/refunds"
ROUTES = (
	Route("POST", _PATH, create, "refund", Group(_CREATE)),
	Route("GET", _PATH, list_all, "refund", Group(PAGE_FIELDS | PAYMENT), is_list=True),
	Route("GET", f"{_PATH}/<id>", retrieve, "refund"),
	Route("POST", f"{_PATH}/<id>", update, "refund", Group({"metadata": Metadata()})),
	Route("POST", f"{_PATH}/<id>/cancel", cancel, "refund"),
)
