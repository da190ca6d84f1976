"""The page after Checkout asks Stripe how a payment stands, but not as often as somebody opens it. Over HTTP."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
import requests

from prepaid_billing.payments import topups
from tests import site
from tests.factories import make_company, make_customer
from tests.integration.test_settings_page import Portal
from tests.integration.test_topup import balance, eventually
from tests.stripe_checkout import pay, simulate

MANY = 1000


@pytest.fixture
def counted() -> Iterator[None]:
	"""Every question about a session is refused, and so counted."""
	simulate("faults", kind="error_before", method="GET", path="/v1/checkout/sessions", times=MANY)
	yield
	requests.delete(f"{site.SIMULATOR_URL}/_simulator/faults", timeout=10)


def asked() -> int:
	faults = requests.get(f"{site.SIMULATOR_URL}/_simulator/faults", timeout=10).json()["faults"]
	return MANY - faults[0]["times"]


def begun(company: str) -> tuple[str, str]:
	"""Begin a top-up; return where it is paid, and the page that Stripe brings the customer back to."""
	name = topups.create(company, Decimal(50))["topup"]
	topup = topups.find(name)
	return topup.checkout_url, f"/business/billing/topup/success?session_id={topup.checkout_session_id}"


def test_stripe_is_not_asked_again_for_some_seconds(counted: None) -> None:
	company = make_company()
	_url, path = begun(company)
	customer, colleague = Portal(*make_customer(company)), Portal(*make_customer(company))
	assert "We are checking your payment" in customer.get(path).text
	once = asked()
	assert once > 0
	for visitor in (customer, colleague, customer):
		assert "We are checking your payment" in visitor.get(path).text
	assert asked() == once

	def asked_again() -> bool:
		customer.get(path)
		return asked() > once

	eventually(asked_again)


def test_what_the_webhook_brings_is_seen_at_once() -> None:
	company = make_company()
	url, path = begun(company)
	customer = Portal(*make_customer(company))
	assert "We are checking your payment" in customer.get(path).text
	pay(url)
	eventually(lambda: balance(company) == 50)
	assert "€50.00 was added to your balance" in customer.get(path).text


def test_who_comes_back_from_stripe_sees_the_payment_before_any_webhook() -> None:
	company = make_company()
	url, path = begun(company)
	customer = Portal(*make_customer(company))
	simulate("pause")
	try:
		pay(url)
		assert "€50.00 was added to your balance" in customer.get(path).text
	finally:
		simulate("resume")
