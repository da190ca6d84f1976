"""A customer at the simulator's Checkout page, and Stripe's signature, for tests."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests
import stripe

from prepaid_billing.payments import keys
from tests import site

PAYING_CARD = "4242424242424242"
DECLINED_CARD = "4000000000000002"


def pay(checkout_url: str, card: str = PAYING_CARD) -> requests.Response:
	"""Submit the card on the Checkout page; the redirect to the success page is not followed."""
	form = {"number": card, "expiry": "12/34", "cvc": "123", "name": "Test", "email": "test@example.com"}
	return requests.post(checkout_url, data=form, timeout=10, allow_redirects=False)


def pay_by_debit(checkout_url: str, iban: str = "DE89370400440532013000") -> requests.Response:
	"""Submit a bank account on the Checkout page: the payment is on its way for days."""
	form = {"method": "sepa_debit", "iban": iban, "name": "Test", "email": "test@example.com"}
	return requests.post(checkout_url, data=form, timeout=10, allow_redirects=False)


def simulate(path: str, /, **form: object) -> dict:
	"""Do at the simulated Stripe what a bank, a customer or a person at its dashboard does."""
	answer = requests.post(f"{site.SIMULATOR_URL}/_simulator/{path}", data=form, timeout=30)
	assert answer.ok, answer.text
	return answer.json()


@contextmanager
def webhooks_paused() -> Iterator[None]:
	"""Let the simulator keep its events to itself in here; then it delivers what it kept and what comes."""
	simulate("pause")
	try:
		yield
	finally:
		simulate("resume")


def events_of(topup_session: str) -> list[dict]:
	"""Return the events of the simulator that belong to a Checkout session, oldest first."""
	client = stripe.StripeClient(keys.secret_key(), base_addresses={"api": site.SIMULATOR_URL})
	session = client.v1.checkout.sessions.retrieve(topup_session)
	intent, since = session.payment_intent, {"created": {"gte": session.created}, "limit": 100}
	events = [event.to_dict() for event in client.v1.events.list(params=since).auto_paging_iter()]
	return [event for event in reversed(events) if _belongs(event["data"]["object"], topup_session, intent)]


def _belongs(thing: dict, session: str, intent: str | None) -> bool:
	return thing["id"] in (session, intent) or (intent and thing.get("payment_intent") == intent)


def signature(body: bytes, secret: str | None = None, age: int = 0) -> str:
	"""Return a Stripe-Signature header for a body, made ``age`` seconds ago."""
	return stripe.WebhookSignature.generate_signature_header(
		body.decode(), site.WEBHOOK_SECRET if secret is None else secret, timestamp=int(time.time()) - age
	)


def as_body(event: dict) -> bytes:
	"""Return an event as Stripe posts it."""
	return json.dumps(event, indent=2).encode()
