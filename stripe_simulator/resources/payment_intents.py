"""/v1/payment_intents"""

from __future__ import annotations

from typing import Any

from stripe_simulator.api import Route
from stripe_simulator.fields import Group, Text
from stripe_simulator.lists import PAGE_FIELDS, matching, page
from stripe_simulator.objects import StripeObject
from stripe_simulator.store import Operation


def retrieve(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Return a PaymentIntent."""
	return operation.store.require("payment_intent", id, "intent")


def list_all(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""List PaymentIntents, also by customer."""
	found = matching(operation.store.newest_first("payment_intent"), params, "customer")
	return page(found, params, "/v1/payment_intents")


ROUTES = (
	Route(
		"GET",
		"/v1/payment_intents",
		list_all,
		"payment_intent",
		Group(PAGE_FIELDS | {"customer": Text()}),
		is_list=True,
	),
	Route("GET", "/v1/payment_intents/<id>", retrieve, "payment_intent"),
)
