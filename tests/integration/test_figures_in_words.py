"""Numbers as a customer reads them: rounded as amounts are, in words that fit one and many, in the user's form."""

import re
from collections.abc import Iterator
from decimal import Decimal

import frappe
import pytest

from prepaid_billing.calls import cdr
from prepaid_billing.calls.cdr import Cdr
from prepaid_billing.exceptions import InvalidInput
from prepaid_billing.exports import transactions as exports
from prepaid_billing.ledger import clock
from prepaid_billing.ledger.checkpoints import Sum
from prepaid_billing.portal import transactions
from prepaid_billing.portal.figures import number
from tests import factories
from tests.client import Api
from tests.factories import make_company, new_id
from tests.integration.test_overview_page import text_of
from tests.integration.test_settings_page import Portal
from tests.integration.test_transactions import statement_of
from tests.pdf import text_of as text_of_pdf

BILLING = "/business/billing"


@pytest.fixture
def german() -> Iterator[None]:
	frappe.local.lang = "de"
	yield
	frappe.local.lang = "en"


def record(company: str, seconds: int, count: int = 1) -> None:
	calls = [Cdr(new_id(), company, seconds, started_us=clock.now_us()) for _number in range(count)]
	assert {outcome.result for outcome in cdr.book(calls)} == {cdr.ACCEPTED}


@pytest.mark.parametrize(
	"value,pattern,shown",
	[("0.5", "#,##0", "1"), ("1.5", "#,##0", "2"), ("2.5", "#,##0", "3"), ("0.25", "#,##0.0", "0.3")],
)
def test_half_a_unit_is_rounded_up_as_in_amounts(value: str, pattern: str, shown: str) -> None:
	assert number(Decimal(value), pattern) == shown


def test_minutes_of_usage_and_overview_are_rounded_half_up() -> None:
	company = make_company("50")
	record(company, 150)
	assert "Billed minutes 3 " in text_of(company, f"{BILLING}/usage")
	assert "Billed minutes 3 " in text_of(company)


def test_the_highest_day_is_told_as_its_bar_is() -> None:
	company = make_company("50")
	record(company, 61)
	page = text_of(company, f"{BILLING}/usage")
	assert re.search(r"Highest: €0\.427 on", page), page


def test_one_minute_is_one_minute() -> None:
	company = make_company("0.50", rate_per_minute=0.42)
	assert "Enough for about 1 minute " in text_of(company)
	answer = Api(factories.make_api_customer(company)).get("topup.offer", amount="5").json()["message"]
	assert answer["minutes"] == "11 minutes"
	dear = make_company("1", rate_per_minute=9)
	answer = Api(factories.make_api_customer(dear)).get("topup.offer", amount="10").json()["message"]
	assert answer["minutes"] == "1 minute"
	assert "about 1 minute " in text_of(dear, f"{BILLING}/topup?suggested=10")


def test_one_call_is_one_call_beside_the_bars_too() -> None:
	company = make_company("50")
	record(company, 60)
	text = Portal(*factories.make_customer(company)).get(f"{BILLING}/usage").text
	assert ": 1 call, €0.42" in text and "1 Calls" not in text


def test_one_more_transaction_is_one_more_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
	company = make_company("1")
	factories.give(company, "1")
	factories.give(company, "1")
	for shown, words in ((1, "2 more transactions"), (2, "1 more transaction"), (3, "")):
		monkeypatch.setattr(transactions, "_MOST_OTHERS", shown)
		assert transactions.transactions(company)["days"][0]["others_left"] == words


def test_who_uses_more_than_can_be_topped_up_at_once_is_offered_the_most_first() -> None:
	company = make_company("1", rate_per_minute=100)
	record(company, 60_000)
	page = Portal(*factories.make_customer(company)).get(f"{BILLING}/topup").text
	offers = re.findall(r'name="amount" id="amount-\d" value="([\d.]+)"( checked)?', page)
	assert [(Decimal(amount), bool(checked)) for amount, checked in offers] == [
		(2500, False), (5000, False), (7500, False), (10_000, True)]  # fmt: skip


def test_limits_of_a_file_are_written_as_its_counts_are(german: None) -> None:
	sums = {"Bonus": Sum(251_234, Decimal(1))}
	with pytest.raises(InvalidInput, match=r"1\.000 Buchungen, dieser hätte 251\.234"):
		exports.check_length(sums, "pdf")
	with pytest.raises(InvalidInput, match=r"250\.000 Buchungen, diese hätte 251\.234"):
		exports.check_length(sums, "csv")


def test_counts_on_paper_are_written_as_on_the_pages() -> None:
	company = make_company("50", rate_per_minute=0.01)
	record(company, 60, 1_000)
	customer = Api(factories.make_api_customer(company))
	assert re.search(r"Calls 1,000\b", text_of_pdf(customer.get("usage.export", format="pdf").content))
	assert "1,000 transactions" in statement_of(customer, type="Call Charge")
