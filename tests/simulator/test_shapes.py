"""Every answer parses in the library's own classes, and every event has the shape of its reference."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

from stripe_simulator.server import Simulator

from .conftest import SECRET_KEY, Control, OpenSession, Pay, Submit
from .receiver import Receiver
from .shapes import problems_of, problems_of_error

REFERENCES = Path(__file__).parent / "reference_events"
IBAN_THAT_PAYS = "DE89370400440532013000"
EVIDENCE = {
	"customer_email_address": "ada@example.com",
	"customer_name": "Ada Lovelace",
	"uncategorized_text": "The balance was used up.",
}


def raw(thing: stripe.StripeObject) -> dict[str, Any]:
	return json.loads(thing.last_response.body)


def keys_of(value: Any, path: str = "") -> set[str]:
	if not isinstance(value, dict) or path.endswith("metadata"):
		return set()
	return {f"{path}.{key}" for key in value}.union(*(keys_of(value[key], f"{path}.{key}") for key in value))


@dataclass
class World:
	"""All that a scenario needs to make its events happen."""

	client: stripe.StripeClient
	open_session: OpenSession
	submit: Submit
	control: Control
	pay: Pay

	def dispute(self, **params: Any) -> str:
		return self.control("POST", "disputes", payment_intent=self.pay().id, **params)["id"]

	def debit(self, outcome: str) -> None:
		customer = self.client.v1.customers.create({"email": "ada@example.com"})
		session = self.open_session(customer=customer.id)
		self.submit(session, method="sepa_debit", iban=IBAN_THAT_PAYS)
		intent = self.client.v1.checkout.sessions.retrieve(session.id).payment_intent
		self.control("POST", f"payment_intents/{intent}/settle", outcome=outcome)


@pytest.fixture
def world(
	client: stripe.StripeClient, open_session: OpenSession, submit: Submit, control: Control, pay: Pay
) -> World:
	return World(client, open_session, submit, control, pay)


def card(world: World) -> None:
	customer = world.client.v1.customers.create({"email": "ada@example.com"})
	params = {"customer": customer.id, "allowed_payment_method_types": ["card"]}
	session = world.open_session(**params)
	world.submit(session, "4000 0000 0000 9995")
	world.submit(session)
	world.client.v1.checkout.sessions.expire(world.open_session(**params).id)


def refund(world: World) -> None:
	customer = world.client.v1.customers.create()
	intent = world.pay(customer=customer.id)
	refund = world.client.v1.refunds.create({"payment_intent": intent.id, "amount": 2000})
	world.control("POST", f"refunds/{refund.id}/fail")


def dispute_lost(world: World) -> None:
	dispute = world.dispute()
	world.client.v1.disputes.update(dispute, {"evidence": EVIDENCE})
	world.control("POST", f"disputes/{dispute}/lose")


def dispute_won(world: World) -> None:
	world.control("POST", f"disputes/{world.dispute()}/win")


def inquiry(world: World) -> None:
	world.control("POST", f"disputes/{world.dispute(inquiry='true')}/close")


def sepa_paid(world: World) -> None:
	world.debit("succeeded")


def sepa_failed(world: World) -> None:
	world.debit("failed")


def three_d_secure(world: World) -> None:
	world.pay("pm_card_authenticationRequired")


def off_session(world: World) -> None:
	customer = world.client.v1.customers.create()
	method = world.client.v1.payment_methods.attach(
		"pm_card_authenticationRequired", {"customer": customer.id}
	)
	with pytest.raises(stripe.CardError):
		world.pay(method.id, customer=customer.id, off_session=True, allowed_payment_method_types=["card"])


def canceled(world: World) -> None:
	intent = world.client.v1.payment_intents.create(
		{"amount": 5000, "currency": "eur", "allowed_payment_method_types": ["card"]}
	)
	world.client.v1.payment_intents.cancel(intent.id)


SCENARIOS: tuple[Callable[[World], None], ...] = (
	card,
	refund,
	dispute_lost,
	dispute_won,
	inquiry,
	sepa_paid,
	sepa_failed,
	three_d_secure,
	off_session,
	canceled,
)
NOT_COMPARED = {
	# The simulator has no receipt pages, so their address never changes.
	".data.previous_attributes.receipt_url",
	# These depend on how the intent may be paid, which the references vary at will.
	".data.object.automatic_payment_methods.allow_redirects",
	".data.object.automatic_payment_methods.enabled",
	".data.object.payment_method_options.sepa_debit",
}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_an_event_has_exactly_the_keys_of_its_reference(
	scenario: Callable[[World], None], world: World, receiver: Receiver
) -> None:
	scenario(world)
	references = sorted((REFERENCES / scenario.__name__).glob("*.json"))
	assert references
	for reference in references:
		expected = json.loads(reference.read_text())
		[received] = receiver.wait_for(expected["type"])
		event = json.loads(received.body)
		assert problems_of(event) == []
		assert keys_of(event) - NOT_COMPARED == keys_of(expected) - NOT_COMPARED, reference


def test_there_is_a_scenario_for_each_folder_of_references() -> None:
	folders = {path.name for path in REFERENCES.iterdir()}
	assert folders == {scenario.__name__ for scenario in SCENARIOS}


@pytest.mark.parametrize("reference", sorted(REFERENCES.rglob("*.json")), ids=lambda path: path.stem)
def test_the_references_themselves_have_no_problems(reference: Path) -> None:
	assert problems_of(json.loads(reference.read_text())) == []


def test_every_object_and_list_parses_without_unknown_or_missing_fields(
	world: World, client: stripe.StripeClient
) -> None:
	customer = client.v1.customers.create(
		{"email": "ada@example.com", "name": "Ada", "metadata": {"company": "Nordlicht"}}
	)
	product = client.v1.products.create({"name": "Top-up", "description": "Prepaid"})
	price = client.v1.prices.create({"product": product.id, "currency": "eur", "unit_amount": 5000})
	session = world.open_session(
		customer=customer.id,
		metadata={"topup": "T-1"},
		line_items=[{"price": price.id, "quantity": 1}],
		payment_intent_data={"setup_future_usage": "off_session"},
	)
	world.submit(session, "4000 0000 0000 0002")
	declined = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
	world.submit(session)
	whole = {
		"expand": [
			"payment_intent.latest_charge.balance_transaction",
			"payment_intent.latest_charge.refunds",
			"payment_intent.payment_method",
			"customer",
			"line_items",
		]
	}
	paid = client.v1.checkout.sessions.retrieve(session.id, whole)
	charge = paid.payment_intent.latest_charge
	made = client.v1.refunds.create({"charge": charge.id, "amount": 100, "metadata": {"a": "b"}})
	world.control("POST", f"refunds/{made.id}/fail")
	for scenario in SCENARIOS:
		scenario(world)
	endpoint = client.v1.webhook_endpoints.create(
		{"url": "http://127.0.0.1:9/hook", "enabled_events": ["charge.refunded"]}
	)
	expanded_refund = ["charge", "balance_transaction", "failure_balance_transaction", "payment_method"]
	everything = {"limit": 100}
	answers = [
		customer,
		product,
		price,
		session,
		declined,
		paid,
		made,
		endpoint,
		client.v1.checkout.sessions.line_items.list(session.id),
		client.v1.payment_intents.retrieve(paid.payment_intent.id),
		client.v1.charges.retrieve(charge.id, {"expand": ["balance_transaction", "refunds"]}),
		client.v1.refunds.retrieve(made.id, {"expand": expanded_refund}),
		client.v1.webhook_endpoints.retrieve(endpoint.id),
		client.v1.webhook_endpoints.update(endpoint.id, {"disabled": True}),
		client.v1.balance.retrieve(),
		client.v1.customers.list(everything),
		client.v1.checkout.sessions.list(everything),
		client.v1.payment_intents.list(everything),
		client.v1.charges.list(everything),
		client.v1.refunds.list(everything),
		client.v1.disputes.list({**everything, "expand": ["data.charge", "data.payment_intent"]}),
		client.v1.balance_transactions.list({**everything, "expand": ["data.source"]}),
		client.v1.payment_methods.list({"customer": customer.id}),
		client.v1.products.list(),
		client.v1.prices.list({"expand": ["data.product"]}),
		client.v1.webhook_endpoints.list(),
		client.v1.events.list(everything),
	]
	assert [problem for answer in answers for problem in problems_of(raw(answer))] == []
	assert all(answer.data for answer in answers if answer.object == "list")


@pytest.mark.parametrize(
	("method", "path", "data", "status"),
	[
		("GET", "/v1/customers/cus_unknown", {}, 404),
		("GET", "/v1/nothing", {}, 404),
		("POST", "/v1/refunds", {"nonsense": "1"}, 400),
		("POST", "/v1/refunds", {"charge": "ch_unknown"}, 400),
		(
			"POST",
			"/v1/payment_intents",
			{
				"amount": "5000",
				"currency": "usd",
				"payment_method": "pm_card_visa_chargeDeclined",
				"payment_method_types[]": "card",
				"confirm": "true",
			},
			402,
		),
		(
			"POST",
			"/v1/payment_intents",
			{"amount": "5000", "currency": "usd", "payment_method_types[]": "card", "confirm": "true"},
			400,
		),
	],
)
def test_every_error_parses_without_unknown_or_missing_fields(
	method: str, path: str, data: dict[str, str], status: int, simulator: Simulator
) -> None:
	headers = {"Authorization": f"Bearer {SECRET_KEY}"}
	answer = requests.request(method, f"{simulator.url}{path}", data=data, headers=headers, timeout=10)
	assert answer.status_code == status
	assert problems_of_error(answer.json()) == []


def test_the_check_finds_unknown_missing_null_and_wrongly_typed_fields_at_any_depth() -> None:
	event = json.loads((REFERENCES / "card" / "charge.succeeded.json").read_text())
	charge = event["data"]["object"]
	del charge["paid"]
	charge["amount"] = True
	charge["currency"] = None
	charge["outcome"]["surprise"] = 1
	charge["payment_method_details"]["card"]["checks"]["cvc_check"] = 3
	assert sorted(problem.partition(":")[0] for problem in problems_of(event)) == [
		"charge.amount",
		"charge.currency",
		"charge.outcome.surprise",
		"charge.paid",
		"charge.payment_method_details.card.checks.cvc_check",
	]
