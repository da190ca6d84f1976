"""/v1/payment_intents"""

from __future__ import annotations

from typing import Any

from stripe_simulator.api import Route
from stripe_simulator.currency import MAX_AMOUNT, Currency, check_amount
from stripe_simulator.errors import ApiError, attempt_failed, unexpected_state
from stripe_simulator.fields import Boolean, Choice, Field, Group, Integer, Metadata, Text, Url
from stripe_simulator.flows import payments
from stripe_simulator.lists import PAGE_FIELDS, matching, page
from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.customer import merged_metadata
from stripe_simulator.objects.payment_intent import build_payment_intent
from stripe_simulator.resources import intents
from stripe_simulator.resources.shared import PAYMENT_FIELDS
from stripe_simulator.store import Operation
from stripe_simulator.versions import TYPE_FIELDS, chosen_types, dynamic_types

_CONFIRM: dict[str, Field] = {
	"mandate_data": intents.MANDATE_DATA,
	"off_session": Boolean(),
	"payment_method": Text(),
	"receipt_email": PAYMENT_FIELDS["receipt_email"],
	"return_url": Url(),
	"setup_future_usage": intents.USAGE,
}
_CREATE: dict[str, Field] = {
	**PAYMENT_FIELDS,
	**_CONFIRM,
	**TYPE_FIELDS,
	"amount": Integer(1, MAX_AMOUNT),
	"automatic_payment_methods": intents.AUTOMATIC,
	"capture_method": Choice(("automatic", "automatic_async", "manual")),
	"confirm": Boolean(),
	"confirmation_method": Choice(("automatic",)),
	"currency": Currency(),
	"customer": Text(),
	"metadata": Metadata(),
}
_UPDATABLE = ("amount", "description", "metadata", "receipt_email", "setup_future_usage", "shipping")
_UPDATE: dict[str, Field] = {name: _CREATE[name] for name in (*_UPDATABLE, "payment_method")}
_REASONS = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")


def create(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""Make a PaymentIntent, and confirm it at once where that is asked for. Raises ApiError for a decline."""
	store = operation.store
	_check_combination(params)
	check_amount(params["amount"], params["currency"], "Amount must be", "amount")
	if "customer" in params:
		store.require("customer", params["customer"], "customer", status=400)
	types = chosen_types(operation, params, params["currency"])
	by_hand = params.get("capture_method") == "manual"
	if by_hand and types and "sepa_debit" in types:
		raise ApiError("A sepa_debit payment cannot be captured manually.", param="capture_method")
	intents.choose_automatic(params, types)
	intents.require_return_url(params, "payment_intent")
	intent = build_payment_intent(
		params,
		amount=params["amount"],
		currency=params["currency"],
		types=types or (["card"] if by_hand else dynamic_types(params["currency"])),
		customer=params.get("customer"),
		created=store.clock.now(),
	)
	intents.set_method(operation, intent, params)
	operation.emit("payment_intent.created", store.add(intent))
	return _confirm(operation, intent, params) if params.get("confirm") else intent


def retrieve(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Return a PaymentIntent."""
	return operation.store.require("payment_intent", id, "intent")


def update(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Change what was sent, as long as nothing is paid."""
	intent = _own(operation, id)
	if intent["status"] not in payments.CONFIRMABLE:
		raise unexpected_state(
			f"This PaymentIntent could not be updated because it has a status of {intent['status']}.", intent
		)
	if "amount" in params:
		check_amount(params["amount"], intent["currency"], "Amount must be", "amount")
	intents.set_method(operation, intent, params)
	if "metadata" in params:
		params["metadata"] = merged_metadata(intent["metadata"], params["metadata"])
	intent |= {name: params[name] for name in _UPDATABLE if name in params}
	return intent


def confirm(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Try to take the money. Raises ApiError for a decline."""
	intent = _own(operation, id)
	if intent["status"] not in payments.CONFIRMABLE:
		raise unexpected_state(
			f"You cannot confirm this PaymentIntent because it has already {_what_happened(intent)}.", intent
		)
	automatic = intent["automatic_payment_methods"]
	sent = {"confirm": True, **params, "automatic_payment_methods": automatic}
	intents.require_return_url(sent, "payment_intent")
	intents.set_method(operation, intent, params)
	intent |= {name: params[name] for name in ("receipt_email", "setup_future_usage") if name in params}
	return _confirm(operation, intent, params)


def capture(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Take the money that a card's bank holds, or a part of it."""
	intent = _own(operation, id)
	payments.capture(operation, intent, params.get("amount_to_capture"))
	return intent


def cancel(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Give a PaymentIntent up."""
	intent = _own(operation, id)
	payments.cancel(operation, intent, params.get("cancellation_reason"))
	return intent


def list_all(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""List PaymentIntents, also by customer."""
	found = matching(operation.store.newest_first("payment_intent"), params, "customer")
	return page(found, params, "/v1/payment_intents")


def _own(operation: Operation, id: str) -> StripeObject:
	"""Return a PaymentIntent that the API may act on, which one made by Checkout is not."""
	intent = retrieve(operation, {}, id)
	payments.refuse_of_checkout(operation, intent)
	return intent


def _confirm(operation: Operation, intent: StripeObject, params: dict[str, Any]) -> StripeObject:
	payments.confirm(
		operation,
		intent,
		intents.method_of(operation, intent),
		off_session=params.get("off_session", False),
		return_url=params.get("return_url"),
	)
	if intent["last_payment_error"]:
		raise attempt_failed(intent)
	return intent


def _check_combination(params: dict[str, Any]) -> None:
	intents.require_confirm(params, "off_session", "mandate_data", "return_url")
	if params.get("off_session") and "setup_future_usage" in params:
		raise ApiError("You cannot use off_session with setup_future_usage.", param="setup_future_usage")


def _what_happened(intent: StripeObject) -> str:
	words = {"succeeded": "succeeded after being previously confirmed", "canceled": "been canceled"}
	return words.get(intent["status"], f"a status of {intent['status']}")


_PATH = "/v1/payment_intents"
ROUTES = (
	Route("POST", _PATH, create, "payment_intent", Group(_CREATE, required=("amount", "currency"))),
	Route("GET", _PATH, list_all, "payment_intent", Group(PAGE_FIELDS | {"customer": Text()}), is_list=True),
	Route("GET", f"{_PATH}/<id>", retrieve, "payment_intent"),
	Route("POST", f"{_PATH}/<id>", update, "payment_intent", Group(_UPDATE)),
	Route("POST", f"{_PATH}/<id>/confirm", confirm, "payment_intent", Group(_CONFIRM)),
	Route(
		"POST", f"{_PATH}/<id>/capture", capture, "payment_intent", Group({"amount_to_capture": Integer(1)})
	),
	Route(
		"POST",
		f"{_PATH}/<id>/cancel",
		cancel,
		"payment_intent",
		Group({"cancellation_reason": Choice(_REASONS)}),
	),
)
