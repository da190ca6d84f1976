"""Whoever has no right to pay is given no way to Checkout, and none to cancel a top-up, by any page. Over HTTP."""

from decimal import Decimal

import pytest

from prepaid_billing.payments import topups
from tests.factories import make_company, make_customer
from tests.integration.test_settings_page import Portal
from tests.stripe_checkout import DECLINED_CARD, pay

PAGE = "/business/billing/topup"
OFFERS = ("Continue the payment", "Cancel this top-up", "Choose another amount", "Start a new top-up")


@pytest.mark.parametrize("page", ["cancel?topup={name}", "success?session_id={checkout_session_id}"])
def test_who_may_not_pay_is_given_no_link_to_checkout(page: str) -> None:
	company = make_company("5")
	begun = topups.create(company, Decimal(50))
	pay(begun["checkout_url"], DECLINED_CARD)
	topups.refresh(begun["topup"])
	topup = topups.find(begun["topup"])
	path = f"{PAGE}/{page.format(**topup)}"
	payer = Portal(*make_customer(company)).get(path).text
	assert topup.checkout_url in payer and "Continue the payment" in payer
	looker = Portal(*make_customer(company, may_top_up=False)).get(path)
	assert looker.status_code == 200
	assert topup.checkout_url not in looker.text and topup.checkout_session_id not in looker.text
	assert [words for words in OFFERS if words in looker.text] == []
	assert "Back to the balance" in looker.text


def test_who_may_not_pay_is_not_sent_to_a_new_top_up_either() -> None:
	company = make_company("5")
	begun = topups.create(company, Decimal(50))
	topups.cancel(begun["topup"])
	looker = Portal(*make_customer(company, may_top_up=False)).get(f"{PAGE}/cancel?topup={begun['topup']}")
	assert "You have cancelled this top-up." in looker.text
	assert [words for words in OFFERS if words in looker.text] == [] and f'href="{PAGE}' not in looker.text
