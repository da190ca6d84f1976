"""How little and how much is paid at once: in the company's currency, the same in the API, on the page and in its offers."""

from collections.abc import Iterator
from decimal import Decimal

import frappe
import pytest

from prepaid_billing import status
from prepaid_billing.payments import limits, topups
from prepaid_billing.portal.topup import topup_form
from tests import factories, site
from tests.client import Api
from tests.factories import make_api_customer, make_company, make_customer, new_id
from tests.integration.test_refunds import balance, paid
from tests.integration.test_settings_page import Portal


@pytest.fixture
def rows() -> Iterator[None]:
	"""Set the limits of single currencies for one test: ``rows({"currency": "JPY", ...})``."""

	def change(*rows: dict[str, object]) -> None:
		site.fresh()
		doc = frappe.get_doc("Prepaid Billing Settings")
		doc.set("topup_limits", [])
		for row in rows:
			doc.append("topup_limits", row)
		doc.save()
		frappe.db.commit()

	yield change
	change()


YEN = {"currency": "JPY", "smallest": 1000, "largest": 500_000, "suggested_amounts": "2000 5000 10000"}
DINAR = {"currency": "KWD", "smallest": 2.5, "largest": 999.13, "suggested_amounts": "5 10"}


def answers(currency: str, *amounts: str) -> list[int]:
	"""Begin top-ups of several companies and return how each was answered."""
	companies = [make_company(currency=currency) for _amount in amounts]
	return [
		Api(make_api_customer(company)).post("topup.create", amount=amount).status_code
		for company, amount in zip(companies, amounts, strict=True)
	]


def test_a_currency_with_a_row_of_its_own_has_its_own_limits(rows) -> None:
	rows(YEN, DINAR)
	assert answers("JPY", "999", "1000", "500000", "500001") == [422, 200, 200, 422]
	assert answers("KWD", "2.490", "2.5", "999.130", "999.140") == [422, 200, 200, 422]
	assert answers("EUR", "9.99", "10", "10000", "10000.01") == [422, 200, 200, 422]


def test_a_currency_without_a_row_takes_the_general_limits_but_never_less_than_stripe_does() -> None:
	assert answers("JPY", "49", "50", "10000", "10001") == [422, 200, 200, 422]
	assert answers("HUF", "174", "175") == [422, 200]


REFUSED = [
	("KWD", "12.505", "KWD is paid in steps of KWD0.010. Nothing was charged."),
	("ISK", "250.50", "ISK is paid in whole units only. Nothing was charged."),
	("EUR", "12.345", "EUR is paid in steps of €0.01. Nothing was charged."),
	("JPY", "250.5", "JPY is paid in whole units only. Nothing was charged."),
]
CROWN = {"currency": "ISK", "smallest": 100, "largest": 50_000, "suggested_amounts": "500 1000"}


@pytest.mark.parametrize(("currency", "amount", "sentence"), REFUSED, ids=str)
def test_what_stripe_does_not_take_that_exactly_is_refused_before_it_is_asked(
	rows, currency: str, amount: str, sentence: str
) -> None:
	rows(DINAR, CROWN)
	company = make_company(currency=currency)
	refusal = Api(make_api_customer(company)).post("topup.create", amount=amount)
	assert (refusal.status_code, refusal.json()["code"], refusal.json()["error"]) == (
		422,
		"INVALID_AMOUNT",
		sentence,
	)
	assert not frappe.db.exists("Balance Topup", {"company": company})


def test_a_refund_that_stripe_does_not_take_that_exactly_is_refused_before_it_is_planned(rows) -> None:
	rows(DINAR)
	company, topup = paid("50", make_company(currency="KWD"))
	manager = Api(factories.api_key_of(factories.make_manager()[0]))
	sent = {"topup": topup.name, "reason": "goodwill", "idempotency_key": new_id()}
	refusal = manager.post("topup.refund", amount="1.234", **sent)
	assert (refusal.status_code, refusal.json()["error"]) == (
		422,
		"KWD is paid in steps of KWD0.010. Nothing was refunded.",
	)
	assert not frappe.db.exists("Billing Refund", {"topup": topup.name})
	assert manager.ok("topup.refund", amount="1.23", **sent)["status"] == "Succeeded"
	assert balance(company) == Decimal("48.77")


def test_the_general_limits_are_brought_to_what_can_be_paid(rows) -> None:
	site.fresh()
	general = frappe.get_doc("Prepaid Billing Settings")
	before = (general.topup_minimum, general.topup_maximum)
	try:
		general.update({"topup_minimum": 99.5, "topup_maximum": 999.5})
		general.save()
		frappe.db.commit()
		found = limits.of("JPY")
		assert (found.smallest, found.largest) == (Decimal(100), Decimal(999))
	finally:
		general.update(dict(zip(("topup_minimum", "topup_maximum"), before, strict=True)))
		general.save()
		frappe.db.commit()


@pytest.mark.parametrize(
	("currency", "most"), [("BHD", "99999.990"), ("ISK", "999999"), ("EUR", "999999.99")]
)
def test_the_most_at_stripe_can_be_paid(currency: str, most: str) -> None:
	assert limits.most_at_stripe(currency) == Decimal(most)


WON = {"currency": "KRW", "smallest": 10_000, "largest": 1_000_000, "suggested_amounts": "20000 50000"}


def test_in_a_currency_of_which_stripes_least_is_not_known_there_are_no_top_ups_until_a_row_says_what(
	rows,
) -> None:
	company = make_company(currency="KRW")
	customer, portal = Api(make_api_customer(company)), Portal(*make_customer(company))
	refusal = customer.post("topup.create", amount="5000")
	assert (refusal.status_code, refusal.json()["code"]) == (403, "ACCOUNT_BLOCKED")
	assert "Top-ups in KRW are not set up." in refusal.json()["error"]
	assert "Top-ups in KRW are not set up." in portal.get("/business/billing/topup").text
	page = portal.get("/business/billing").text
	assert "/business/billing/topup" not in page and "Top-ups in KRW are not set up." in page
	assert "KRW" in "\n".join(status._without_limits())
	rows(WON)
	assert answers("KRW", "9999", "10000") == [422, 200]
	assert "/business/billing/topup" in portal.get("/business/billing").text
	assert "KRW" not in "\n".join(status._without_limits())


def test_a_page_that_is_open_is_given_again_when_the_row_of_its_currency_is_gone(rows) -> None:
	rows(WON)
	company = make_company(currency="KRW")
	first = topups.create(company, Decimal(10_000), "won")
	rows()
	assert topups.create(company, Decimal(10_000), "won") == first


def test_the_page_offers_what_may_be_paid(rows) -> None:
	rows(YEN, DINAR)
	form = topup_form(make_company(currency="JPY"))
	assert (form["smallest"], form["largest"]) == ("¥1,000", "¥500,000")
	assert [choice["value"] for choice in form["choices"]] == ["2000", "5000", "10000"]
	assert topup_form(make_company(currency="KWD"))["smallest"] == "KWD2.500"
	rows()
	form = topup_form(make_company(currency="JPY"))
	assert form["smallest"] == "¥50"
	assert [choice["value"] for choice in form["choices"]] == ["50", "100", "200", "500"]


@pytest.mark.parametrize(
	"row",
	[
		{"smallest": 49},
		{"smallest": 1000.5},
		{"smallest": 600_000},
		{"largest": 100_000_000},
		{"suggested_amounts": "2000.5"},
		{"suggested_amounts": ""},
		{"smallest": 0},
	],
	ids=str,
)
def test_limits_that_make_no_sense_are_refused(rows, row: dict[str, object]) -> None:
	with pytest.raises(frappe.ValidationError):
		rows(YEN | row)
	site.fresh()


def test_a_currency_has_one_row(rows) -> None:
	with pytest.raises(frappe.ValidationError):
		rows(YEN, YEN)
	site.fresh()


def test_the_limits_of_a_currency_are_exact(rows) -> None:
	rows(DINAR)
	found = limits.of("KWD")
	assert (found.smallest, found.largest) == (Decimal("2.5"), Decimal("999.13"))
	assert found.suggested == [5, 10]
