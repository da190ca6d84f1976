"""Payments that take more than a card number: 3-D Secure, bank debits; and addresses that gain nobody anything."""

import re
from collections.abc import Callable
from decimal import Decimal

from playwright.sync_api import Page, expect

from prepaid_billing.payments import topups
from tests import site
from tests.books import entries_of
from tests.browser.conftest import Customer
from tests.browser.test_topup import BILLING, PAYING_CARD, booked, pay, seen
from tests.integration.test_topup import eventually
from tests.stripe_checkout import simulate

NewCustomer = Callable[..., Customer]

AUTHENTICATED_CARD = "4000 0000 0000 3220"
BANK_ACCOUNT = "DE89 3704 0044 0532 0130 00"
ARRIVED = "€50.00 was added to your balance"
ON_ITS_WAY = "Your payment of €50.00 is on its way"


def begin(customer: Customer) -> Page:
	"""Go to Checkout for 50.00."""
	customer.open(f"{BILLING}/topup?suggested=50")
	customer.page.get_by_role("button", name="Continue to payment").click()
	return customer.page


def test_card_that_is_confirmed_by_3d_secure_pays(new_customer: NewCustomer) -> None:
	customer = new_customer()
	page = begin(customer)
	pay(page, AUTHENTICATED_CARD)
	page.locator("#confirm").click()
	expect(page.get_by_role("heading", name=ARRIVED)).to_be_visible()
	assert booked(customer) == [Decimal(50)]


def test_card_that_is_refused_by_3d_secure_pays_nothing_and_another_one_does(
	new_customer: NewCustomer,
) -> None:
	customer = new_customer()
	page = begin(customer)
	pay(page, AUTHENTICATED_CARD)
	page.locator("#refuse").click()
	expect(page.get_by_role("alert")).to_be_visible()
	assert entries_of(customer.company) == []
	pay(page, PAYING_CARD)
	expect(page.get_by_role("heading", name=ARRIVED)).to_be_visible()
	assert booked(customer) == [Decimal(50)]


def test_bank_debit_is_shown_as_on_its_way_and_credited_when_it_arrives(new_customer: NewCustomer) -> None:
	customer = new_customer()
	page = begin(customer)
	page.locator("#method-sepa_debit").check()
	page.locator("#iban").fill(BANK_ACCOUNT)
	page.locator("#name").fill("Test")
	page.locator("#email").fill("test@example.com")
	page.locator("#pay").click()
	expect(page.get_by_role("heading", name=ON_ITS_WAY)).to_be_visible()
	page.reload()
	expect(page.get_by_role("heading", name=ON_ITS_WAY)).to_be_visible()
	assert booked(customer) == []

	session = re.search(r"session_id=(\w+)", page.url)[1]
	site.fresh()
	intent = topups.gateway.session_facts(session).payment_intent_id
	simulate(f"payment_intents/{intent}/settle", outcome="succeeded")
	# So soon after it was asked, Stripe is not asked again: the webhook brings it.
	eventually(lambda: booked(customer) == [Decimal(50)])
	page.reload()
	expect(page.get_by_role("heading", name=ARRIVED)).to_be_visible()
	assert booked(customer) == [Decimal(50)]


def test_success_page_reloaded_ten_times_credits_once(new_customer: NewCustomer) -> None:
	customer = new_customer()
	page = begin(customer)
	pay(page, PAYING_CARD)
	# Until the way back from Checkout has ended there is no page to reload.
	expect(page.get_by_role("heading", name=ARRIVED)).to_be_visible()
	for _time in range(10):
		page.reload()
		expect(page.get_by_role("heading", name=ARRIVED)).to_be_visible()
	assert entries_of(customer.company) == ["Top-up 50.0"]


def test_another_companys_paid_session_in_the_address_credits_and_tells_nothing(
	new_customer: NewCustomer,
) -> None:
	payer, thief = new_customer(), new_customer()
	page = begin(payer)
	pay(page, PAYING_CARD)
	expect(page.get_by_role("heading", name=ARRIVED)).to_be_visible()
	address = re.sub(r"^https?://[^/]+", "", page.url)
	unknown = f"{BILLING}/topup/success?session_id=cs_test_none"
	assert seen(thief, address) == seen(thief, unknown)
	assert thief.open(f"{address}&success=1&amount=5000").status == 404
	assert (entries_of(payer.company), entries_of(thief.company)) == (["Top-up 50.0"], [])
