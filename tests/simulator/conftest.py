"""A fresh simulator with a webhook endpoint for every test, driven by the genuine stripe library."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe
from flask import Response, request

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from stripe_simulator.server import Simulator
from stripe_simulator.settings import Settings

from .receiver import Receiver
from .shapes import Answer, problems_of

SECRET_KEY = "sk_test_for_the_tests"
WEBHOOK_SECRET = "whsec_for_the_tests"
PAYING_CARD = "4242 4242 4242 4242"

OpenSession = Callable[..., stripe.checkout.Session]
Submit = Callable[..., requests.Response]
Control = Callable[..., dict[str, Any]]
Pay = Callable[..., stripe.PaymentIntent]


@pytest.fixture(autouse=True, scope="session")
def no_telemetry() -> None:
	stripe.enable_telemetry = False


@pytest.fixture
def receiver() -> Iterator[Receiver]:
	receiver = Receiver(WEBHOOK_SECRET)
	yield receiver
	receiver.stop()


@pytest.fixture
def answers() -> list[Answer]:
	"""All that the API has answered, the newest last."""
	return []


@pytest.fixture
def simulator(receiver: Receiver, answers: list[Answer]) -> Iterator[Simulator]:
	"""A simulator of which, after the test, the shape of every answer and every event is checked."""
	settings = Settings(
		port=0,
		secret_key=SECRET_KEY,
		webhook_url=f"http://prepaid.localhost:{receiver.port}/api/stripe/webhook?from=stripe",
		webhook_secret=WEBHOOK_SECRET,
		retry_delays=(0.01, 0.02),
		webhook_timeout=5,
	)
	with Simulator(settings) as simulator:

		@simulator.app.after_request
		def keep(response: Response) -> Response:
			if response.is_json and request.path.startswith(("/v1/", "/v2/")):
				rule = request.url_rule.rule if request.url_rule else ""
				answer = Answer(request.method, rule, request.full_path, response.status_code, response.data)
				answers.append(answer)
			return response

		yield simulator
		events = list(simulator.store.objects["event"].values())
	assert [problem for answer in answers for problem in answer.problems()] == []
	assert [problem for event in events for problem in problems_of(event)] == []


@pytest.fixture
def client(simulator: Simulator) -> stripe.StripeClient:
	return stripe.StripeClient(SECRET_KEY, base_addresses={"api": simulator.url})


@pytest.fixture
def open_session(client: stripe.StripeClient) -> OpenSession:
	def open_session(amount: int = 5000, currency: str = "eur", **params: Any) -> stripe.checkout.Session:
		product = {"name": "Balance top-up", "description": "For Nordlicht GmbH"}
		price = {"currency": currency, "unit_amount": amount, "product_data": product}
		defaults = {
			"mode": "payment",
			"line_items": [{"quantity": 1, "price_data": price}],
			"success_url": "http://prepaid.localhost:8000/topup/success?session={CHECKOUT_SESSION_ID}",
			"cancel_url": "http://prepaid.localhost:8000/topup/cancel",
			"customer_email": "ada@example.com",
		}
		if "customer" in params:
			del defaults["customer_email"]
		sent = {name: value for name, value in (defaults | params).items() if value is not None}
		return client.v1.checkout.sessions.create(sent)

	return open_session


@pytest.fixture
def submit(simulator: Simulator) -> Submit:
	def submit(
		session: stripe.checkout.Session, number: str = PAYING_CARD, **fields: str
	) -> requests.Response:
		form = {"number": number, "expiry": "12 / 34", "cvc": "123", "name": "Ada Lovelace"} | fields
		url = f"{simulator.url}/c/pay/{session.id}"
		return requests.post(url, data=form, allow_redirects=False, timeout=10)

	return submit


@pytest.fixture
def control(simulator: Simulator) -> Control:
	def control(method: str, path: str, /, **form: Any) -> dict[str, Any]:
		answer = requests.request(method, f"{simulator.url}/_simulator/{path}", data=form, timeout=10)
		answer.raise_for_status()
		return answer.json()

	return control


@pytest.fixture
def pay(client: stripe.StripeClient) -> Pay:
	"""Pay by API with a test card, 50.00 EUR unless told otherwise."""

	def pay(method: str = "pm_card_visa", **params: Any) -> stripe.PaymentIntent:
		no_redirects = {"enabled": True, "allow_redirects": "never"}
		defaults = {"amount": 5000, "currency": "eur", "automatic_payment_methods": no_redirects}
		return client.v1.payment_intents.create(
			{**defaults, "payment_method": method, "confirm": True, **params}
		)

	return pay
