"""What happens to a Checkout Session: somebody pays, a card is declined, time runs out."""

from __future__ import annotations

from stripe_simulator.cards import Card, Decline
from stripe_simulator.errors import DOC_URL
from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.charge import build_charge
from stripe_simulator.objects.checkout_session import customer_details
from stripe_simulator.objects.customer import build_customer
from stripe_simulator.objects.payment_intent import build_payment_intent
from stripe_simulator.objects.payment_method import build_billing_details, build_payment_method
from stripe_simulator.store import Operation


def pay(
	operation: Operation, session: StripeObject, card: Card, name: str, email: str | None
) -> Decline | None:
	"""Try to pay an open session with a card; return the decline, or None once it is paid.

	A declined card leaves the session open on the same PaymentIntent. The caller holds the store's lock and has seen
	that the session is open, which is what keeps a double submit from paying twice.
	"""
	store, now = operation.store, operation.store.clock.now()
	intent = _intent_of(operation, session, name, email)
	method = build_payment_method(card, build_billing_details(name, email), now)
	charge = store.add(build_charge(intent, method, card, now, store.business_name))
	if card.decline:
		_fail(operation, intent, charge, method, card.decline)
	else:
		store.add(method)
		_succeed(operation, session, intent, charge)
	return card.decline


def expire(operation: Operation, session: StripeObject, automatic: bool = False) -> None:
	"""Close an open session for good, and its PaymentIntent with it; `automatic` when its time ran out."""
	session |= {"status": "expired", "url": None}
	intent = operation.store.find("payment_intent", session["payment_intent"])
	if intent:
		intent |= {
			"status": "canceled",
			"canceled_at": operation.store.clock.now(),
			"cancellation_reason": "expired" if automatic else "requested_by_customer",
		}
		operation.emit("payment_intent.canceled", intent, automatic)
	operation.emit("checkout.session.expired", session, automatic=True)


def expire_overdue(operation: Operation) -> None:
	"""Expire every session whose time has run out, as the first thing of each request."""
	for session in operation.store.pop_overdue_sessions():
		if session["status"] == "open":
			expire(operation, session, automatic=True)


def _intent_of(operation: Operation, session: StripeObject, name: str, email: str | None) -> StripeObject:
	store = operation.store
	intent = store.find("payment_intent", session["payment_intent"])
	if intent:
		return intent
	if session["customer_creation"] == "always":
		customer = store.add(build_customer({"name": name, "email": email}, store.clock.now()))
		session["customer"] = customer["id"]
		operation.emit("customer.created", customer)
	data = store.checkouts[session["id"]].payment_intent_data
	intent = store.add(build_payment_intent(session, data, store.clock.now()))
	session["payment_intent"] = intent["id"]
	operation.emit("payment_intent.created", intent)
	return intent


def _fail(
	operation: Operation, intent: StripeObject, charge: StripeObject, method: StripeObject, decline: Decline
) -> None:
	error = {
		"charge": charge["id"],
		"code": decline.code,
		"decline_code": decline.decline_code,
		"doc_url": DOC_URL + decline.code.replace("_", "-"),
		"message": decline.message,
		"payment_method": method,
		"type": "card_error",
	}
	optional = {"advice_code": decline.advice_code, "network_decline_code": decline.network_decline_code}
	intent |= {
		"last_payment_error": error | {name: value for name, value in optional.items() if value},
		"latest_charge": charge["id"],
		"payment_method": None,
		"status": "requires_payment_method",
	}
	operation.emit("payment_intent.payment_failed", intent)
	operation.emit("charge.failed", charge)


def _succeed(operation: Operation, session: StripeObject, intent: StripeObject, charge: StripeObject) -> None:
	intent |= {
		"amount_received": intent["amount"],
		"last_payment_error": None,
		"latest_charge": charge["id"],
		"payment_method": charge["payment_method"],
		"status": "succeeded",
	}
	payer = charge["billing_details"]
	session |= {
		"customer_details": customer_details(payer["email"], payer),
		"payment_status": "paid",
		"status": "complete",
		"url": None,
	}
	operation.emit("payment_intent.succeeded", intent)
	operation.emit("charge.succeeded", charge)
	operation.emit("checkout.session.completed", session, automatic=True)
