"""Every answer parses in the library's own classes, and every event has the shape of its reference.

The fixture `simulator` checks every answer of every test; here each route is asked once, and no route can be left out.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

import stripe_simulator
from stripe_simulator.api import Route
from stripe_simulator.app import api_routes
from stripe_simulator.expand import EXPANDABLE
from stripe_simulator.server import Simulator

from .conftest import SECRET_KEY, Control, OpenSession, Pay, Submit
from .receiver import Receiver
from .shapes import CLASSES, Answer, problems_of, problems_of_error

REFERENCES = Path(__file__).parent / "reference_events"
OBJECTS = Path(stripe_simulator.__file__).parent / "objects"
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
	url: str
	answers: list[Answer]

	def customer(self) -> str:
		return self.client.v1.customers.create({"email": "ada@example.com", "metadata": {"a": "b"}}).id

	def saved_card(self) -> stripe.PaymentMethod:
		return self.client.v1.payment_methods.attach("pm_card_visa", {"customer": self.customer()})

	def charge(self) -> stripe.Charge:
		return self.client.v1.charges.retrieve(self.pay(customer=self.customer()).latest_charge)

	def paid_session(self) -> str:
		session = self.open_session(customer=self.customer())
		self.submit(session)
		return session.id

	def event(self) -> stripe.Event:
		self.customer()
		return self.client.v1.events.list().data[0]

	def product(self) -> str:
		return self.client.v1.products.create({"name": "Top-up", "description": "Prepaid"}).id

	def price(self) -> stripe.Price:
		return self.client.v1.prices.create(
			{"product": self.product(), "currency": "eur", "unit_amount": 5000}
		)

	def refund(self) -> str:
		intent = self.pay(customer=self.customer())
		return self.client.v1.refunds.create({"payment_intent": intent.id, "amount": 2000}).id

	def failed_refund(self) -> str:
		return self.control("POST", f"refunds/{self.refund()}/fail")["id"]

	def setup(self, **params: Any) -> stripe.SetupIntent:
		automatic = {"enabled": True, "allow_redirects": "never"}
		return self.client.v1.setup_intents.create(
			{
				"automatic_payment_methods": automatic,
				"customer": self.customer(),
				"payment_method": "pm_card_visa",
				**params,
			}
		)

	def endpoint(self) -> str:
		params = {"url": "http://127.0.0.1:9/hook", "enabled_events": ["charge.refunded"]}
		return self.client.v1.webhook_endpoints.create(params).id

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
	client: stripe.StripeClient,
	open_session: OpenSession,
	submit: Submit,
	control: Control,
	pay: Pay,
	simulator: Simulator,
	answers: list[Answer],
) -> World:
	return World(client, open_session, submit, control, pay, simulator.url, answers)


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


def set_up(world: World) -> None:
	customer = world.client.v1.customers.create()
	params = {"customer": customer.id, "payment_method": "pm_card_visa", "confirm": True}
	world.client.v1.setup_intents.create({**params, "allowed_payment_method_types": ["card"]})


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
	set_up,
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


# One request for each route. All of them answer with 200; the shape of the answer is checked.
CALLS: dict[str, Callable[[World], Any]] = {
	"GET /v1/balance": lambda w: (w.pay(), w.client.v1.balance.retrieve()),
	"GET /v1/balance_transactions": lambda w: (w.pay(), w.client.v1.balance_transactions.list()),
	"GET /v1/balance_transactions/<id>": lambda w: w.client.v1.balance_transactions.retrieve(
		w.charge().balance_transaction
	),
	"POST /v1/billing_portal/sessions": lambda w: w.client.v1.billing_portal.sessions.create(
		{"customer": w.customer(), "return_url": "http://127.0.0.1/"}
	),
	"GET /v1/charges": lambda w: (w.pay(), w.client.v1.charges.list()),
	"GET /v1/charges/<id>": lambda w: w.charge(),
	"POST /v1/checkout/sessions": lambda w: w.open_session(),
	"GET /v1/checkout/sessions": lambda w: (w.paid_session(), w.client.v1.checkout.sessions.list()),
	"GET /v1/checkout/sessions/<id>": lambda w: w.client.v1.checkout.sessions.retrieve(w.paid_session()),
	"GET /v1/checkout/sessions/<id>/line_items": lambda w: w.client.v1.checkout.sessions.line_items.list(
		w.paid_session()
	),
	"POST /v1/checkout/sessions/<id>/expire": lambda w: w.client.v1.checkout.sessions.expire(
		w.open_session().id
	),
	"POST /v1/customers": lambda w: w.customer(),
	"GET /v1/customers": lambda w: (w.customer(), w.client.v1.customers.list()),
	"GET /v1/customers/<id>": lambda w: w.client.v1.customers.retrieve(w.customer()),
	"POST /v1/customers/<id>": lambda w: w.client.v1.customers.update(w.customer(), {"name": "Ada L."}),
	"GET /v1/customers/<id>/payment_methods": lambda w: w.client.v1.customers.payment_methods.list(
		w.saved_card().customer
	),
	"GET /v1/customers/<id>/payment_methods/<method_id>": lambda w: (
		method := w.saved_card(),
		w.client.v1.customers.payment_methods.retrieve(method.customer, method.id),
	),
	"GET /v1/disputes": lambda w: (w.dispute(), w.client.v1.disputes.list()),
	"GET /v1/disputes/<id>": lambda w: w.client.v1.disputes.retrieve(w.dispute()),
	"POST /v1/disputes/<id>": lambda w: w.client.v1.disputes.update(w.dispute(), {"evidence": EVIDENCE}),
	"POST /v1/disputes/<id>/close": lambda w: w.client.v1.disputes.close(w.dispute()),
	"GET /v1/events": lambda w: (w.customer(), w.client.v1.events.list()),
	"GET /v1/events/<id>": lambda w: w.client.v1.events.retrieve(w.event().id),
	"POST /v1/payment_intents": lambda w: w.pay(),
	"GET /v1/payment_intents": lambda w: (w.pay(), w.client.v1.payment_intents.list()),
	"GET /v1/payment_intents/<id>": lambda w: w.client.v1.payment_intents.retrieve(w.pay().id),
	"POST /v1/payment_intents/<id>": lambda w: w.client.v1.payment_intents.update(
		w.pay(confirm=False).id, {"amount": 700}
	),
	"POST /v1/payment_intents/<id>/confirm": lambda w: w.client.v1.payment_intents.confirm(
		w.pay(confirm=False).id
	),
	"POST /v1/payment_intents/<id>/capture": lambda w: w.client.v1.payment_intents.capture(
		w.pay(capture_method="manual").id
	),
	"POST /v1/payment_intents/<id>/cancel": lambda w: w.client.v1.payment_intents.cancel(
		w.pay(confirm=False).id
	),
	"POST /v1/payment_methods": lambda w: w.client.v1.payment_methods.create(
		{"type": "card", "card": {"token": "tok_visa"}}
	),
	"GET /v1/payment_methods": lambda w: w.client.v1.payment_methods.list(
		{"customer": w.saved_card().customer}
	),
	"GET /v1/payment_methods/<id>": lambda w: w.client.v1.payment_methods.retrieve(w.saved_card().id),
	"POST /v1/payment_methods/<id>/attach": lambda w: w.saved_card(),
	"POST /v1/payment_methods/<id>/detach": lambda w: w.client.v1.payment_methods.detach(w.saved_card().id),
	"GET /v1/payment_pages/<id>": lambda w: w.client.raw_request(
		"get", f"/v1/payment_pages/{w.open_session().id}"
	),
	"POST /v1/payment_pages/<id>/confirm": lambda w: w.client.raw_request(
		"post",
		f"/v1/payment_pages/{w.open_session().id}/confirm",
		expected_amount=5000,
		payment_method="pm_card_visa",
	),
	"POST /v1/prices": lambda w: w.price(),
	"GET /v1/prices": lambda w: (w.price(), w.client.v1.prices.list()),
	"GET /v1/prices/<id>": lambda w: w.client.v1.prices.retrieve(w.price().id),
	"POST /v1/products": lambda w: w.product(),
	"GET /v1/products": lambda w: (w.product(), w.client.v1.products.list()),
	"GET /v1/products/<id>": lambda w: w.client.v1.products.retrieve(w.product()),
	"POST /v1/refunds": lambda w: w.refund(),
	"GET /v1/refunds": lambda w: (w.failed_refund(), w.client.v1.refunds.list()),
	"GET /v1/refunds/<id>": lambda w: w.client.v1.refunds.retrieve(w.failed_refund()),
	"POST /v1/refunds/<id>": lambda w: w.client.v1.refunds.update(w.refund(), {"metadata": {"a": "b"}}),
	"POST /v1/refunds/<id>/cancel": lambda w: w.client.v1.refunds.cancel(
		w.control("POST", "refunds", payment_intent=w.pay().id, status="requires_action")["id"]
	),
	"POST /v1/setup_intents": lambda w: w.setup(),
	"GET /v1/setup_intents": lambda w: (w.setup(confirm=True), w.client.v1.setup_intents.list()),
	"GET /v1/setup_intents/<id>": lambda w: w.client.v1.setup_intents.retrieve(w.setup(confirm=True).id),
	"POST /v1/setup_intents/<id>/confirm": lambda w: w.client.v1.setup_intents.confirm(w.setup().id),
	"POST /v1/webhook_endpoints": lambda w: w.endpoint(),
	"GET /v1/webhook_endpoints": lambda w: w.client.v1.webhook_endpoints.list(),
	"GET /v1/webhook_endpoints/<id>": lambda w: w.client.v1.webhook_endpoints.retrieve(w.endpoint()),
	"POST /v1/webhook_endpoints/<id>": lambda w: w.client.v1.webhook_endpoints.update(
		w.endpoint(), {"disabled": True}
	),
	"DELETE /v1/webhook_endpoints/<id>": lambda w: w.client.v1.webhook_endpoints.delete(w.endpoint()),
	"GET /v2/core/events": lambda w: (w.customer(), w.client.v2.core.events.list()),
	"GET /v2/core/events/<id>": lambda w: (
		w.customer(),
		w.client.v2.core.events.retrieve(w.client.v2.core.events.list().data[0].id),
	),
}


@pytest.fixture
def routes(simulator: Simulator) -> dict[str, Route]:
	return {f"{route.method} {route.path}": route for route in api_routes(simulator.deliverer)}


def test_each_route_is_called_below(routes: dict[str, Route]) -> None:
	assert set(CALLS) == set(routes)


def test_each_kind_of_object_that_is_built_is_answered_by_a_route_and_has_a_class(
	routes: dict[str, Route],
) -> None:
	built = {kind for module in OBJECTS.glob("*.py") for kind in kinds_built_in(module)}
	assert {route.returns for route in routes.values()} == built == set(CLASSES) - {"list"}


@pytest.mark.parametrize("call", CALLS)
def test_the_answer_of_each_route_has_no_unknown_and_no_missing_field(
	call: str, world: World, answers: list[Answer], routes: dict[str, Route]
) -> None:
	CALLS[call](world)
	answer, route = answers[-1], routes[call]
	assert (f"{answer.method} {answer.rule}", answer.status) == (call, 200)
	assert answer.problems() == []
	found = answer.json()
	assert route.is_list == isinstance(found.get("data"), list)
	for thing in things_in(found):
		assert thing["object"] == route.returns
	if route.method == "GET":
		whole = in_whole(world, answer, route)
		assert whole.problems() == []
		for thing in things_in(whole.json()):
			names = EXPANDABLE.get(route.returns, ())
			assert [name for name in names if isinstance(thing.get(name), str)] == []


def things_in(found: dict[str, Any]) -> list[dict[str, Any]]:
	"""Return the objects of a list, which has some, or the one object that was answered."""
	things = found["data"] if isinstance(found.get("data"), list) else [found]
	assert things
	return things


def in_whole(world: World, answer: Answer, route: Route) -> Answer:
	"""Ask once more, for all that an answer may hold expanded."""
	prefix = "data." if route.is_list else ""
	sent = [("expand[]", f"{prefix}{name}") for name in EXPANDABLE.get(route.returns, ())]
	headers = {"Authorization": f"Bearer {SECRET_KEY}"}
	requests.get(f"{world.url}{answer.path}", params=sent, headers=headers, timeout=10).raise_for_status()
	return world.answers[-1]


def kinds_built_in(module: Path) -> set[str]:
	"""Return what stands after "object" in the dictionaries that a module writes."""
	return {
		value.value
		for node in ast.walk(ast.parse(module.read_text()))
		if isinstance(node, ast.Dict)
		for key, value in zip(node.keys, node.values, strict=True)
		if isinstance(key, ast.Constant) and key.value == "object" and isinstance(value, ast.Constant)
	}


def test_what_is_expanded_four_levels_deep_has_no_unknown_and_no_missing_field(
	world: World, client: stripe.StripeClient
) -> None:
	params = {"customer": world.customer(), "payment_intent_data": {"setup_future_usage": "off_session"}}
	session = world.open_session(**params)
	world.submit(session, "4000 0000 0000 0002")
	world.submit(session)
	charge = "payment_intent.latest_charge"
	whole = [f"{charge}.balance_transaction.source", f"{charge}.refunds", f"{charge}.customer", "line_items"]
	client.v1.refunds.create(
		{"payment_intent": client.v1.checkout.sessions.retrieve(session.id).payment_intent, "amount": 100}
	)
	paid = client.v1.checkout.sessions.retrieve(session.id, {"expand": whole})
	assert paid.payment_intent.latest_charge.balance_transaction.source.amount_refunded == 100
	assert problems_of(raw(paid)) == []


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
