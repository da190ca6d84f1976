"""/v1/payment_intents"""

from __future__ import annotations

from typing import Any

from stripe_simulator.api import Route
from stripe_simulator.currency import MAX_AMOUNT, Currency, check_amount
from stripe_simulator.errors import ApiError, payment_failed, unexpected_state
from stripe_simulator.fields import Boolean, Choice, Field, Group, Integer, Metadata, Text, Url
from stripe_simulator.flows import methods, payments
from stripe_simulator.lists import PAGE_FIELDS, matching, page
from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.customer import merged_metadata
from stripe_simulator.objects.payment_intent import build_payment_intent
from stripe_simulator.resources.shared import PAYMENT_FIELDS
from stripe_simulator.store import Operation
from stripe_simulator.versions import TYPE_FIELDS, chosen_types, dynamic_types

_MANDATE_DATA = Group(
	{
		"customer_acceptance": Group(
			{
				"accepted_at": Integer(),
				"online": Group({"ip_address": Text(), "user_agent": Text()}),
				"offline": Group(),
				"type": Choice(("offline", "online")),
			},
			required=("type",),
		)
	}
)
_CONFIRM: dict[str, Field] = {
	"mandate_data": _MANDATE_DATA,
	"off_session": Boolean(),
	"payment_method": Text(),
	"receipt_email": PAYMENT_FIELDS["receipt_email"],
	"return_url": Url(),
	"setup_future_usage": Choice(("off_session", "on_session")),
}
_CREATE: dict[str, Field] = {
	**PAYMENT_FIELDS,
	**_CONFIRM,
	**TYPE_FIELDS,
	"amount": Integer(1, MAX_AMOUNT),
	"automatic_payment_methods": Group(
		{"allow_redirects": Choice(("always", "never")), "enabled": Boolean()}, required=("enabled",)
	),
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
	automatic = params.get("automatic_payment_methods", {"enabled": types is None})
	if automatic["enabled"]:
		params["automatic_payment_methods"] = {"allow_redirects": "always"} | automatic
	_require_return_url(params)
	intent = build_payment_intent(
		params,
		amount=params["amount"],
		currency=params["currency"],
		types=types or (["card"] if by_hand else dynamic_types(params["currency"])),
		customer=params.get("customer"),
		created=store.clock.now(),
	)
	_set_method(operation, intent, params)
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
	_set_method(operation, intent, params)
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
	_require_return_url({"confirm": True, **params, "automatic_payment_methods": automatic})
	_set_method(operation, intent, params)
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
	if intent["payment_method"] is None:
		raise unexpected_state(
			"You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
			"PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a "
			"payment method.",
			intent,
		)
	method = operation.store.require("payment_method", intent["payment_method"], "payment_method")
	payments.confirm(
		operation,
		intent,
		method,
		off_session=params.get("off_session", False),
		return_url=params.get("return_url"),
	)
	if intent["last_payment_error"]:
		raise payment_failed(intent)
	return intent


def _set_method(operation: Operation, intent: StripeObject, params: dict[str, Any]) -> None:
	"""Put the payment method that was sent into the intent, where one was sent and fits."""
	if "payment_method" not in params:
		return
	method = methods.find_or_create(operation, params["payment_method"], "payment_method")
	if method["customer"] not in (None, intent["customer"]):
		raise ApiError(
			f"The provided PaymentMethod {method['id']} does not belong to the Customer of this PaymentIntent.",
			code="payment_intent_invalid_parameter",
			param="payment_method",
		)
	if method["type"] not in intent["payment_method_types"]:
		raise ApiError(
			f"The PaymentMethod provided ({method['type']}) is not allowed for this PaymentIntent.",
			code="payment_intent_incompatible_payment_method",
			param="payment_method",
		)
	intent |= {"payment_method": method["id"], "status": "requires_confirmation"}


def _check_combination(params: dict[str, Any]) -> None:
	for name in ("off_session", "mandate_data", "return_url"):
		if name in params and not params.get("confirm"):
			raise ApiError(f"The parameter {name} can only be passed when confirm=true.", param=name)
	if params.get("off_session") and "setup_future_usage" in params:
		raise ApiError("You cannot use off_session with setup_future_usage.", param="setup_future_usage")


def _require_return_url(params: dict[str, Any]) -> None:
	"""Refuse a confirmation that might have to send the customer away and could not get them back."""
	automatic = params.get("automatic_payment_methods") or {"enabled": False}
	may_redirect = automatic["enabled"] and automatic.get("allow_redirects") != "never"
	if may_redirect and params.get("confirm") and not (params.get("off_session") or "return_url" in params):
		raise ApiError(
			"This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of "
			"these payment methods might redirect your customer off of your page, you must provide a `return_url`. "
			"If you don't want to accept redirect-based payment methods, set "
			"`automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to "
			"`never` when creating Setup Intents and Payment Intents.",
			param="return_url",
		)


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
