"""/v1/charges"""

from __future__ import annotations

from typing import Any

from stripe_simulator.api import Route
from stripe_simulator.fields import Group, Text
from stripe_simulator.lists import PAGE_FIELDS, matching, page
from stripe_simulator.objects import StripeObject
from stripe_simulator.store import Operation


def retrieve(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Return a charge."""
	return operation.store.require("charge", id, "charge")


def list_all(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""List charges, also by customer and PaymentIntent; failed ones are among them."""
	found = matching(operation.store.newest_first("charge"), params, "customer", "payment_intent")
	return page(found, params, "/v1/charges")


ROUTES = (
	Route(
		"GET",
		"/v1/charges",
		list_all,
		"charge",
		Group(PAGE_FIELDS | {"customer": Text(), "payment_intent": Text()}),
		is_list=True,
	),
	Route("GET", "/v1/charges/<id>", retrieve, "charge"),
)
