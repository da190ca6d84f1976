"""/v1/setup_intents"""

from __future__ import annotations

from typing import Any

from stripe_simulator.api import Route
from stripe_simulator.errors import attempt_failed, unexpected_state
from stripe_simulator.fields import Boolean, Field, Group, Metadata, Text, Url
from stripe_simulator.flows import payments, setups
from stripe_simulator.lists import PAGE_FIELDS, matching, page
from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.setup_intent import build_setup_intent
from stripe_simulator.resources import intents
from stripe_simulator.store import Operation
from stripe_simulator.versions import TYPE_FIELDS, chosen_types, dynamic_types

_CONFIRM: dict[str, Field] = {
	"mandate_data": intents.MANDATE_DATA,
	"payment_method": Text(),
	"return_url": Url(),
}
_CREATE: dict[str, Field] = {
	**_CONFIRM,
	**TYPE_FIELDS,
	"automatic_payment_methods": intents.AUTOMATIC,
	"confirm": Boolean(),
	"customer": Text(),
	"description": Text(1000),
	"metadata": Metadata(),
	"usage": intents.USAGE,
}


def create(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""Make a SetupIntent, and confirm it at once where that is asked for. Raises ApiError for a decline."""
	store = operation.store
	intents.require_confirm(params, "mandate_data", "return_url")
	if "customer" in params:
		store.require("customer", params["customer"], "customer", status=400)
	types = chosen_types(operation, params, "eur")
	intents.choose_automatic(params, types)
	intents.require_return_url(params, "setup_intent")
	intent = build_setup_intent(params, types=types or dynamic_types("eur"), created=store.clock.now())
	intents.set_method(operation, intent, params)
	operation.emit("setup_intent.created", store.add(intent))
	return _confirm(operation, intent, params) if params.get("confirm") else intent


def retrieve(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Return a SetupIntent."""
	return operation.store.require("setup_intent", id, "intent")


def confirm(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Try to make the payment method ready. Raises ApiError for a decline."""
	intent = retrieve(operation, {}, id)
	if intent["status"] not in payments.CONFIRMABLE:
		raise unexpected_state(
			f"You cannot confirm this SetupIntent because it has already {intent['status']}.", intent
		)
	automatic = intent["automatic_payment_methods"]
	sent = {"confirm": True, **params, "automatic_payment_methods": automatic}
	intents.require_return_url(sent, "setup_intent")
	intents.set_method(operation, intent, params)
	return _confirm(operation, intent, params)


def list_all(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""List SetupIntents, also by customer and payment method."""
	found = matching(operation.store.newest_first("setup_intent"), params, *_FILTERS)
	return page(found, params, "/v1/setup_intents")


def _confirm(operation: Operation, intent: StripeObject, params: dict[str, Any]) -> StripeObject:
	method = intents.method_of(operation, intent)
	setups.confirm(operation, intent, method, return_url=params.get("return_url"))
	if intent["last_setup_error"]:
		raise attempt_failed(intent)
	return intent


_FILTERS: dict[str, Field] = {"customer": Text(), "payment_method": Text()}
_PATH = "/v1/setup_intents"
ROUTES = (
	Route("POST", _PATH, create, "setup_intent", Group(_CREATE)),
	Route("GET", _PATH, list_all, "setup_intent", Group(PAGE_FIELDS | _FILTERS), is_list=True),
	Route("GET", f"{_PATH}/<id>", retrieve, "setup_intent"),
	Route("POST", f"{_PATH}/<id>/confirm", confirm, "setup_intent", Group(_CONFIRM)),
)
