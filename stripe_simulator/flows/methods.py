"""Payment methods: made from a test card or an account, and attached to a customer."""

from __future__ import annotations

import copy
import time
from typing import Any

from stripe_simulator.bank_accounts import BankAccount
from stripe_simulator.cards import Card, card_of_token
from stripe_simulator.errors import ApiError, resource_missing
from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.payment_method import build_billing_details, build_payment_method
from stripe_simulator.store import Operation, Store


def create(
	operation: Operation,
	instrument: Card | BankAccount,
	billing_details: dict[str, Any],
	metadata: dict[str, str],
) -> StripeObject:
	"""Make a payment method that belongs to nobody yet."""
	store = operation.store
	details = build_billing_details(billing_details)
	method = store.add(build_payment_method(instrument, details, store.clock.now(), metadata))
	store.instruments[method["id"]] = instrument
	return method


def test_card(store: Store, token: str) -> Card | None:
	"""Return the card behind a test token such as `tok_visa`, or None."""
	return card_of_token(token, time.gmtime(store.clock.now()).tm_year)


def find_or_create(operation: Operation, id: str, param: str, status: int = 400) -> StripeObject:
	"""Return the payment method of an id; a test token such as `pm_card_visa` makes a new one at each use."""
	card = test_card(operation.store, id) if id.startswith("pm_card_") else None
	if card:
		return create(operation, card, {}, {})
	method = operation.store.find("payment_method", id)
	if method is None:
		raise resource_missing("PaymentMethod", id, param, status)
	return method


def redirect(store: Store, intent: StripeObject, return_url: str | None) -> StripeObject:
	"""Return the next action of an intent whose customer must authenticate: go to the page of the bank."""
	url = f"{store.base_url}/c/authenticate/{intent['id']}"
	return {"redirect_to_url": {"return_url": return_url, "url": url}, "type": "redirect_to_url"}


def attach(operation: Operation, method: StripeObject, customer: str) -> None:
	"""Give a payment method to a customer. Raises ApiError for a card that declines, or another's method."""
	if method["customer"] not in (None, customer):
		raise ApiError(
			"The payment method you provided has already been attached to a customer.",
			code="payment_method_unexpected_state",
			executed=True,
		)
	behaviour = operation.store.instruments[method["id"]].behaviour
	if behaviour.decline and not behaviour.attaches:
		raise ApiError(
			behaviour.decline.message,
			status=402,
			type="card_error",
			code=behaviour.decline.code,
			executed=True,
			decline_code=behaviour.decline.decline_code,
		)
	method["customer"] = customer
	operation.emit("payment_method.attached", method)


def detach(operation: Operation, method: StripeObject) -> None:
	"""Take a payment method from its customer."""
	if method["customer"] is None:
		raise ApiError(
			"The payment method you provided is not attached to a customer so detachment is impossible.",
			executed=True,
		)
	before = copy.deepcopy(method)
	method["customer"] = None
	operation.emit("payment_method.detached", method, before=before)
