"""No cache keeps what a customer sees, by whatever address it was asked for."""

from decimal import Decimal

import pytest
import requests

from prepaid_billing.payments import issuing, topups
from tests import site
from tests.client import Api
from tests.factories import make_api_customer, make_company
from tests.stripe_checkout import pay


@pytest.fixture(scope="module")
def customer() -> Api:
	"""Somebody of a company with a receipt."""
	company = make_company("5")
	begun = topups.create(company, Decimal(50))
	pay(begun["checkout_url"])
	topups.refresh(begun["topup"])
	issuing.issue_missing()
	site.fresh()
	api = Api(make_api_customer(company))
	api.receipt = topups.find(begun["topup"]).receipt
	return api


@pytest.mark.parametrize(
	"path",
	[
		"/business/billing",
		"//business/billing",
		"/business//billing/transactions",
		"/%20business/billing",
		"/%20/business/billing/transactions%20",
		"/business/billing/usage%20/",
		"/business/billing/usage",
		"/api/method/prepaid_billing.api.balance.get",
		"/api/v1/method/prepaid_billing.api.balance.get",
		"/?cmd=prepaid_billing.api.balance.get",
		"/api/method/prepaid_billing.api.transactions.list",
		"/api/method/prepaid_billing.api.transactions.export",
		"/api/method/prepaid_billing.api.receipts.download?receipt={receipt}",
	],
)
def test_a_customers_answer_is_for_them_alone(customer: Api, path: str) -> None:
	url = site.WEB_URL + path.format(receipt=customer.receipt)
	answer = customer.session.get(url, timeout=30)
	assert answer.status_code == 200, answer.text
	assert answer.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("path", ["/login", "/update-password", "/business/billing"])
def test_what_is_in_the_language_of_one_browser_is_for_it_alone(path: str) -> None:
	answer = requests.get(site.WEB_URL + path, headers={"Host": site.SITE_URL.split("//")[1]}, timeout=30)
	assert answer.headers["Cache-Control"] == "private, no-store"
