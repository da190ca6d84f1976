"""The simulator against localstripe, which others wrote: on what both can do, the same requests mean the same.

localstripe is old and knows no `allowed_payment_method_types`, no 3-D Secure while the customer is away, no fees and few
error codes. Where it does not do what Stripe documents, it is not compared; two such differences are told at the end.
"""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import stripe
from aiohttp import web

with warnings.catch_warnings():
	warnings.simplefilter("ignore", DeprecationWarning)
	import localstripe.resources
	import localstripe.server

from stripe_simulator.server import Simulator

Fact = tuple[Any, ...]
Story = Callable[[stripe.StripeClient], list[Fact]]


@pytest.fixture(scope="module")
def localstripe_url() -> Iterator[str]:
	"""Serve localstripe on a free port of this machine alone, and keep it from writing a file into /tmp."""
	loop = asyncio.new_event_loop()
	thread = threading.Thread(target=loop.run_forever, daemon=True)
	thread.start()
	runner = web.AppRunner(localstripe.server.app)

	async def serve() -> int:
		await runner.setup()
		await web.TCPSite(runner, "127.0.0.1", 0).start()
		return int(runner.addresses[0][1])

	with pytest.MonkeyPatch.context() as patch:
		patch.setattr(localstripe.resources.Store, "dump_to_disk", lambda store: None)
		port = asyncio.run_coroutine_threadsafe(serve(), loop).result(10)
		yield f"http://127.0.0.1:{port}"
		asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
	loop.call_soon_threadsafe(loop.stop)
	thread.join(10)


@pytest.fixture
def other(localstripe_url: str) -> stripe.StripeClient:
	"""The genuine library, driving an empty localstripe."""
	requests.delete(f"{localstripe_url}/_config/data", timeout=10).raise_for_status()
	return stripe.StripeClient("sk_test_localstripe", base_addresses={"api": localstripe_url})


def refused(call: Any, *arguments: Any) -> Fact:
	"""Return how a request was refused: the library's class for it and the HTTP status."""
	with pytest.raises(stripe.StripeError) as caught:
		call(*arguments)
	return type(caught.value).__name__, caught.value.http_status


def customer_with(client: stripe.StripeClient, token: str) -> tuple[str, str]:
	customer = client.v1.customers.create({"email": "ada@example.com"})
	return customer.id, client.v1.payment_methods.attach(token, {"customer": customer.id}).id


def pay(
	client: stripe.StripeClient, token: str = "pm_card_visa", **params: Any
) -> tuple[stripe.PaymentIntent, stripe.Charge]:
	"""Pay with a saved card while the customer is away; return the intent and its charge."""
	customer, method = customer_with(client, token)
	away = {"confirm": True, "off_session": True}
	intent = client.v1.payment_intents.create(
		{"amount": 5000, "currency": "eur", "customer": customer, "payment_method": method, **away, **params}
	)
	return intent, charge_of(client, intent.id)


def charge_of(client: stripe.StripeClient, intent: str) -> stripe.Charge:
	latest = client.v1.payment_intents.retrieve(intent, {"expand": ["latest_charge"]}).latest_charge
	return client.v1.charges.retrieve(latest.id, {"expand": ["refunds"]})


def booked(client: stripe.StripeClient) -> list[Fact]:
	entries = client.v1.balance_transactions.list({"limit": 100}).data
	return sorted((entry.type, entry.reporting_category, entry.amount, entry.currency) for entry in entries)


def customers(client: stripe.StripeClient) -> list[Fact]:
	made = client.v1.customers.create(
		{"email": "ada@example.com", "name": "Ada", "metadata": {"company": "Nordlicht", "a": "1"}}
	)
	client.v1.customers.create({"email": "bob@example.com"})
	client.v1.customers.update(made.id, {"name": "Ada L.", "metadata": {"a": "2"}})
	after = client.v1.customers.retrieve(made.id)
	found = client.v1.customers.list({"email": "ada@example.com"}).data
	return [
		(made.object, made.livemode, made.name, made.metadata.to_dict()),
		(after.email, after.name, after.metadata.to_dict()),
		([customer.id == made.id for customer in found], len(client.v1.customers.list().data)),
		refused(client.v1.customers.retrieve, "cus_unknown"),
	]


def saved_cards(client: stripe.StripeClient) -> list[Fact]:
	customer, method = customer_with(client, "pm_card_visa")
	shown = [
		(listed.id == method, listed.type, listed.card.brand, listed.card.last4, listed.customer == customer)
		for listed in client.v1.payment_methods.list({"customer": customer, "type": "card"}).data
	]
	detached = client.v1.payment_methods.detach(method)
	left = client.v1.payment_methods.list({"customer": customer, "type": "card"}).data
	with pytest.raises(stripe.CardError) as declined:
		customer_with(client, "pm_card_visa_chargeDeclined")
	_, fails_later = customer_with(client, "pm_card_chargeCustomerFail")
	return [
		*shown,
		(detached.customer, left),
		(declined.value.http_status, declined.value.code),
		(client.v1.payment_methods.retrieve(fails_later).card.last4,),
		refused(client.v1.payment_methods.attach, "pm_unknown", {"customer": customer}),
	]


def payment_while_away(client: stripe.StripeClient) -> list[Fact]:
	intent, charge = pay(client, metadata={"topup": "T-1"})
	return [
		(intent.status, intent.amount, intent.currency, intent.metadata.to_dict(), intent.next_action),
		(charge.status, charge.paid, charge.captured, charge.amount, charge.currency),
		(charge.payment_intent == intent.id, charge.payment_method == intent.payment_method),
		(charge.customer == intent.customer, charge.failure_code),
		(charge.amount_refunded, charge.refunded, charge.refunds.data),
		*booked(client),
		refused(client.v1.payment_intents.cancel, intent.id),
		refused(client.v1.payment_intents.confirm, intent.id),
	]


def decline_while_away(client: stripe.StripeClient) -> list[Fact]:
	with pytest.raises(stripe.CardError) as declined:
		pay(client, "pm_card_chargeCustomerFail")
	charge = client.v1.charges.retrieve(declined.value.error.charge)
	intent = client.v1.payment_intents.retrieve(charge.payment_intent)
	return [
		(declined.value.http_status, declined.value.code, declined.value.user_message),
		(charge.status, charge.paid, charge.failure_code, charge.failure_message, charge.balance_transaction),
		(intent.status, intent.last_payment_error.code, intent.last_payment_error.charge == charge.id),
		refused(client.v1.refunds.create, {"payment_intent": intent.id}),
		*booked(client),
	]


def partial_refunds(client: stripe.StripeClient) -> list[Fact]:
	intent, charge = pay(client)
	facts: list[Fact] = []
	for params in (
		{"payment_intent": intent.id, "amount": 2000},
		{"charge": charge.id, "amount": 500, "metadata": {"reason": "goodwill"}},
		{"charge": charge.id, "amount": 2500},
	):
		refund = client.v1.refunds.create(params)
		entry = client.v1.balance_transactions.retrieve(refund.balance_transaction)
		after = charge_of(client, intent.id)
		facts += [
			(refund.amount, refund.currency, refund.status, refund.charge == charge.id),
			(refund.metadata.to_dict(), entry.amount, entry.net, entry.source == refund.id),
			(after.amount_refunded, after.refunded, after.amount, after.paid),
		]
	listed = client.v1.refunds.list({"payment_intent": intent.id}).data
	facts.append(tuple(sorted(refund.amount for refund in listed)))
	return [*facts, *booked(client), (client.v1.payment_intents.retrieve(intent.id).status,)]


def money_that_is_held(client: stripe.StripeClient) -> list[Fact]:
	held, charge = pay(client, capture_method="manual")
	before = booked(client)
	captured = client.v1.payment_intents.capture(held.id, {"amount_to_capture": 3000})
	after = charge_of(client, held.id)
	given_up, _ = pay(client, capture_method="manual")
	too_much, _ = pay(client, capture_method="manual")
	return [
		(held.status, charge.status, charge.paid, charge.captured, charge.balance_transaction, before),
		(captured.status, after.captured, after.amount, after.amount_refunded, after.refunded),
		tuple(refund.amount for refund in after.refunds.data),
		(client.v1.payment_intents.cancel(given_up.id).status,),
		refused(client.v1.payment_intents.capture, too_much.id, {"amount_to_capture": 5001}),
		refused(client.v1.payment_intents.capture, held.id),
	]


@pytest.mark.parametrize(
	"story",
	[customers, saved_cards, payment_while_away, decline_while_away, partial_refunds, money_that_is_held],
	ids=lambda story: story.__name__,
)
def test_the_same_requests_mean_the_same_to_both(
	story: Story, client: stripe.StripeClient, other: stripe.StripeClient
) -> None:
	assert story(client) == story(other)


def test_a_wrong_key_is_refused_by_both(simulator: Simulator, localstripe_url: str) -> None:
	for url in (simulator.url, localstripe_url):
		stranger = stripe.StripeClient("pk_test_of_nobody", base_addresses={"api": url})
		assert refused(stranger.v1.customers.list) == ("AuthenticationError", 401)


def test_localstripe_refunds_more_than_was_paid_and_stripe_does_not(
	client: stripe.StripeClient, other: stripe.StripeClient
) -> None:
	"""docs.stripe.com/refunds: the total cannot exceed the charge."""
	too_much = [{"charge": pay(each)[1].id, "amount": 5001} for each in (client, other)]
	assert refused(client.v1.refunds.create, too_much[0]) == ("InvalidRequestError", 400)
	assert other.v1.refunds.create(too_much[1]).amount == 5001


def test_localstripe_ignores_idempotency_keys_and_stripe_does_not(
	client: stripe.StripeClient, other: stripe.StripeClient
) -> None:
	"""docs.stripe.com/api/idempotent_requests: the same key and parameters get the first answer again."""
	for each, expected in ((client, 1), (other, 2)):
		made = {each.v1.customers.create({}, {"idempotency_key": "key-1"}).id for _ in range(2)}
		assert len(made) == expected
