"""What the simulator refuses of the requests that Stripe's command line sends to a Checkout page (see test_stripe_cli.py)."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from stripe_simulator.server import Simulator

from .conftest import SECRET_KEY
from .receiver import Receiver

DESCRIPTION = "(created by Stripe CLI)"
JENNY = {
	"[name]": "Jenny Rosen",
	"[address][city]": "San Francisco",
	"[address][state]": "CA",
	"[address][country]": "US",
	"[address][line1]": "510 Townsend St",
	"[address][postal_code]": "94103",
}


def shipping(prefix: str) -> dict[str, str]:
	return {f"{prefix}{name}": value for name, value in JENNY.items()}


class Cli:
	"""Sends what the CLI sends."""

	def __init__(self, simulator: Simulator) -> None:
		self.url = simulator.url

	def send(self, method: str, path: str, status: int = 200, **data: str) -> dict[str, Any]:
		headers = {"Authorization": f"Bearer {SECRET_KEY}"}
		answer = requests.request(method, self.url + path, data=data, headers=headers, timeout=10)
		assert answer.status_code == status, answer.text
		return answer.json()


@pytest.fixture
def cli(simulator: Simulator) -> Cli:
	return Cli(simulator)


def page_of(cli: Cli, currency: str, **params: str) -> dict[str, Any]:
	product = cli.send("POST", "/v1/products", name="myproduct", description=DESCRIPTION)
	price = cli.send("POST", "/v1/prices", product=product["id"], unit_amount="1500", currency=currency)
	session = cli.send(
		"POST",
		"/v1/checkout/sessions",
		**{
			"success_url": "https://httpbin.org/post",
			"cancel_url": "https://httpbin.org/post",
			"mode": "payment",
			"line_items[0][price]": price["id"],
			"line_items[0][quantity]": "2",
			**shipping("payment_intent_data[shipping]"),
			**params,
		},
	)
	return cli.send("GET", f"/v1/payment_pages/{session['id']}")


def confirm(cli: Cli, page: dict[str, Any], method: str, **params: Any) -> dict[str, Any]:
	sent = {"payment_method": method, "expected_amount": "3000", **params}
	return cli.send("POST", f"/v1/payment_pages/{page['id']}/confirm", **sent)


def test_checkout_session_completed(cli: Cli, receiver: Receiver) -> None:
	page = page_of(cli, "usd")
	method = cli.send(
		"POST",
		"/v1/payment_methods",
		**{"type": "card", "card[token]": "tok_visa", **shipping("billing_details")},
	)
	confirm(cli, page, method["id"], status=400, expected_amount="2999")
	paid = confirm(cli, page, method["id"])
	assert (paid["id"], paid["status"], paid["payment_status"]) == (page["id"], "complete", "paid")
	receiver.wait_for("checkout.session.completed", "payment_intent.succeeded", "charge.succeeded")
	confirm(cli, page, method["id"], status=400)


def test_checkout_session_completed_by_a_card_that_declines(cli: Cli, receiver: Receiver) -> None:
	page = page_of(cli, "usd")
	assert confirm(cli, page, "pm_card_chargeDeclined", status=402)["error"]["code"] == "card_declined"
	receiver.wait_for("payment_intent.payment_failed")
	assert cli.send("GET", f"/v1/payment_pages/{page['id']}")["status"] == "open"


def test_checkout_session_async_payment(cli: Cli, receiver: Receiver) -> None:
	page = page_of(
		cli,
		"eur",
		**{
			"payment_method_types[]": "sepa_debit",
			"payment_intent_data[setup_future_usage]": "off_session",
		},
	)
	method = cli.send(
		"POST",
		"/v1/payment_methods",
		**{
			"type": "sepa_debit",
			"sepa_debit[iban]": "AT611904300234573201",
			"billing_details[email]": "stripe@example.com",
			"billing_details[name]": "Jenny Rosen",
			"billing_details[phone]": "1234567890",
			"billing_details[address][city]": "London",
		},
	)
	assert confirm(cli, page, method["id"])["payment_status"] == "unpaid"
	by_card = confirm(
		cli, page_of(cli, "eur", **{"payment_method_types[]": "sepa_debit"}), "pm_card_visa", status=400
	)
	assert by_card["error"]["param"] == "payment_method"
	receiver.wait_for("checkout.session.completed", "payment_intent.processing")
