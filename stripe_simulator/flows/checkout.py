"""A Checkout Session from its first submit to its end."""

from __future__ import annotations

from typing import Any

from stripe_simulator.bank_accounts import BankAccount
from stripe_simulator.cards import Card
from stripe_simulator.flows import methods, payments
from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.customer import build_customer
from stripe_simulator.objects.payment_intent import build_payment_intent
from stripe_simulator.store import Operation


def pay(
	operation: Operation, session: StripeObject, instrument: Card | BankAccount, payer: dict[str, Any]
) -> StripeObject:
	"""Try to pay an open session as the page does; return its PaymentIntent, whose status tells how it went.

	The caller has seen, under the store's lock, that the session is open: that keeps a double submit from paying twice.
	"""
	return pay_with(operation, session, methods.create(operation, instrument, payer, {}))


def pay_with(operation: Operation, session: StripeObject, method: StripeObject) -> StripeObject:
	"""Try to pay an open session with a payment method.

	A declined card leaves the session open, and the next try uses the same PaymentIntent.
	"""
	intent = _intent_of(operation, session, method["billing_details"])
	payments.confirm(operation, intent, method, return_url=session["url"])
	return intent


def expire(operation: Operation, session: StripeObject, reason: str = "requested_by_customer") -> None:
	"""Close an open session for good, and its PaymentIntent with it."""
	session |= {"status": "expired", "url": None}
	intent = operation.store.find("payment_intent", session["payment_intent"])
	if intent:
		payments.cancel(operation, intent, reason)
	operation.emit("checkout.session.expired", session, automatic=True)


def expire_later(operation: Operation, session: StripeObject) -> None:
	"""Let a session run out at its `expires_at`, unless it has ended by then."""

	def run_out(later: Operation) -> None:
		if session["status"] == "open":
			expire(later, session, "expired")

	operation.store.schedule.at(session["expires_at"], run_out)


def _intent_of(operation: Operation, session: StripeObject, payer: StripeObject) -> StripeObject:
	store = operation.store
	intent = store.find("payment_intent", session["payment_intent"])
	if intent:
		return intent
	if session["customer_creation"] == "always":
		known = {"name": payer["name"], "email": payer["email"]}
		customer = store.add(build_customer(known, store.clock.now()))
		session["customer"] = customer["id"]
		operation.emit("customer.created", customer)
	intent = store.add(
		build_payment_intent(
			store.checkouts[session["id"]].payment_intent_data,
			amount=session["amount_total"],
			currency=session["currency"],
			types=session["payment_method_types"],
			customer=session["customer"],
			created=store.clock.now(),
		)
	)
	session["payment_intent"] = intent["id"]
	store.session_of_intent[intent["id"]] = session["id"]
	operation.emit("payment_intent.created", intent)
	return intent
