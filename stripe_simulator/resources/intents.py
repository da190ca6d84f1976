"""What PaymentIntents and SetupIntents have in common: how they get a payment method and are confirmed."""

from __future__ import annotations

from typing import Any

from stripe_simulator.errors import ApiError, unexpected_state
from stripe_simulator.fields import Boolean, Choice, Field, Group, Integer, Text
from stripe_simulator.flows import methods
from stripe_simulator.objects import StripeObject
from stripe_simulator.store import Operation

AUTOMATIC = Group(
	{"allow_redirects": Choice(("always", "never")), "enabled": Boolean()}, required=("enabled",)
)
MANDATE_DATA = Group(
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
USAGE: Field = Choice(("off_session", "on_session"))
_NAMES = {"payment_intent": "PaymentIntent", "setup_intent": "SetupIntent"}


def choose_automatic(params: dict[str, Any], types: list[str] | None) -> None:
	"""Let Stripe choose the kinds of payment method where none were asked for; `params` tells so afterwards."""
	automatic = params.get("automatic_payment_methods", {"enabled": types is None})
	if automatic["enabled"]:
		params["automatic_payment_methods"] = {"allow_redirects": "always"} | automatic


def require_confirm(params: dict[str, Any], *names: str) -> None:
	"""Refuse parameters that make sense only where the intent is confirmed at once."""
	for name in names:
		if name in params and not params.get("confirm"):
			raise ApiError(f"The parameter {name} can only be passed when confirm=true.", param=name)


def require_return_url(params: dict[str, Any], kind: str) -> None:
	"""Refuse a confirmation that might have to send the customer away and could not get them back."""
	automatic = params.get("automatic_payment_methods") or {"enabled": False}
	may_redirect = automatic["enabled"] and automatic.get("allow_redirects") != "never"
	if may_redirect and params.get("confirm") and not (params.get("off_session") or "return_url" in params):
		raise ApiError(
			f"This {_NAMES[kind]} is configured to accept payment methods enabled in your Dashboard. Because some of "
			"these payment methods might redirect your customer off of your page, you must provide a `return_url`. "
			"If you don't want to accept redirect-based payment methods, set "
			"`automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to "
			"`never` when creating Setup Intents and Payment Intents.",
			param="return_url",
		)


def set_method(operation: Operation, intent: StripeObject, params: dict[str, Any]) -> None:
	"""Put the payment method that was sent into the intent, where one was sent and fits."""
	if "payment_method" not in params:
		return
	kind = intent["object"]
	method = methods.find_or_create(operation, params["payment_method"], "payment_method")
	if method["customer"] not in (None, intent["customer"]):
		raise ApiError(
			f"The provided PaymentMethod {method['id']} does not belong to the Customer of this {_NAMES[kind]}.",
			code=f"{kind}_invalid_parameter",
			param="payment_method",
		)
	if method["type"] not in intent["payment_method_types"]:
		unfit = "incompatible_payment_method" if kind == "payment_intent" else "invalid_parameter"
		raise ApiError(
			f"The PaymentMethod provided ({method['type']}) is not allowed for this {_NAMES[kind]}.",
			code=f"{kind}_{unfit}",
			param="payment_method",
		)
	intent |= {"payment_method": method["id"], "status": "requires_confirmation"}


def method_of(operation: Operation, intent: StripeObject) -> StripeObject:
	"""Return the payment method an intent is to be confirmed with, or raise ApiError."""
	if intent["payment_method"] is None:
		name = _NAMES[intent["object"]]
		raise unexpected_state(
			f"You cannot confirm this {name} because it's missing a payment method. You can either update the "
			f"{name} with a payment method and then confirm it again, or confirm it again directly with a "
			"payment method.",
			intent,
		)
	return operation.store.require("payment_method", intent["payment_method"], "payment_method")
