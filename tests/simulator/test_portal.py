"""The customer portal: a page with what is saved, and the way back."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import stripe

from stripe_simulator.server import Simulator

from .receiver import Receiver

BACK = "http://prepaid.localhost:8000/business/billing"


def test_a_customer_sees_what_is_saved_and_the_way_back(
	client: stripe.StripeClient, receiver: Receiver
) -> None:
	customer, stranger = client.v1.customers.create(), client.v1.customers.create()
	client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
	client.v1.payment_methods.attach("pm_card_amex", {"customer": stranger.id})
	account = {"type": "sepa_debit", "sepa_debit": {"iban": "DE89370400440532013000"}}
	billing = {"name": "Ada", "email": "ada@example.com"}
	method = client.v1.payment_methods.create({**account, "billing_details": billing})
	client.v1.payment_methods.attach(method.id, {"customer": customer.id})
	session = client.v1.billing_portal.sessions.create({"customer": customer.id, "return_url": BACK})
	assert (session.customer, session.return_url, session.livemode) == (customer.id, BACK, False)
	receiver.wait_for("billing_portal.session.created")
	page = requests.get(session.url, timeout=10)
	assert page.status_code == 200
	for words in (
		"Visa •••• 4242",
		"SEPA DE •••• 3000",
		f'href="{BACK}"',
		"Back to Demo Telecom",
		"TEST MODE",
	):
		assert words in page.text
	assert "Amex" not in page.text


@pytest.mark.parametrize(
	("params", "preferred", "accepted", "language"),
	[
		({"locale": "de"}, ["en"], "en", "de"),
		({}, ["de"], "en", "de"),
		({"locale": "auto"}, [], "de", "de"),
		({}, [], "fr", "en"),
	],
)
def test_its_language_is_asked_for_preferred_or_the_browsers(
	params: dict[str, str], preferred: list[str], accepted: str, language: str, client: stripe.StripeClient
) -> None:
	customer = client.v1.customers.create({"preferred_locales": preferred} if preferred else {})
	session = client.v1.billing_portal.sessions.create({"customer": customer.id, **params})
	page = requests.get(session.url, headers={"Accept-Language": accepted}, timeout=10)
	assert f'<html lang="{language}">' in page.text
	assert {"de": "Keine.", "en": "None."}[language] in page.text


def test_an_unknown_session_is_not_found(simulator: Simulator) -> None:
	assert requests.get(f"{simulator.url}/c/portal/bps_unknown", timeout=10).status_code == 404


@pytest.mark.parametrize(
	("params", "code", "param"),
	[
		({}, "parameter_missing", "customer"),
		({"customer": "cus_unknown"}, "resource_missing", "customer"),
		({"customer": "cus_unknown", "return_url": "nowhere"}, "url_invalid", "return_url"),
	],
)
def test_a_session_with_a_wrong_parameter_is_refused(
	params: dict[str, Any], code: str, param: str, client: stripe.StripeClient
) -> None:
	with pytest.raises(stripe.InvalidRequestError) as caught:
		client.v1.billing_portal.sessions.create(params)
	assert (caught.value.code, caught.value.param) == (code, param)
