"""What the overview says of calls that cannot be started and of payments that are not finished. Over HTTP."""

import re
from collections.abc import Callable
from decimal import Decimal

import frappe
import pytest

from prepaid_billing.alerts import balances
from prepaid_billing.calls import session
from prepaid_billing.exceptions import AccountBlocked
from prepaid_billing.payments import topups
from prepaid_billing.portal import standing
from tests import site
from tests.client import Api
from tests.factories import join_company, make_api_customer, make_company, make_customer, new_id
from tests.integration.test_refunds import disputed, paid
from tests.integration.test_settings_page import Portal
from tests.integration.test_topup import eventually
from tests.stripe_checkout import DECLINED_CARD, pay, pay_by_debit, simulate

PAGE = "/business/billing"


def change(doctype: str, name: str, **values: object) -> None:
	"""Change a record as staff do in the desk."""
	doc = frappe.get_doc(doctype, name)
	doc.update(values)
	doc.save()
	frappe.db.commit()


def text_of(company: str, path: str = PAGE, **rights: bool) -> str:
	"""Return what a page says, in one line."""
	answer = Portal(*make_customer(company, **rights)).get(path)
	assert answer.status_code == 200, answer.text
	return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def suspended(company: str) -> None:
	change("Billing Company", company, status="Suspended")


def switched_off(company: str) -> None:
	change("Billing Company", company, prepaid_billing_enabled=0)


def frozen(company: str) -> None:
	change("Prepaid Balance", company, status="Frozen")


def in_dispute(company: str) -> None:
	_company, topup = paid(company=company)
	disputed(topup)
	eventually(lambda: bool(frappe.db.exists("Billing Dispute", {"company": company, "status": "Open"})))


@pytest.mark.parametrize(
	"block,words,status",
	[
		(suspended, "Your company is suspended.", "Suspended"),
		(switched_off, "Prepaid billing is switched off for your company.", "Switched off"),
		(frozen, "Your balance is frozen.", "Frozen"),
		(in_dispute, "Your bank is disputing a payment.", "Payment disputed"),
	],
)
def test_whatever_stops_all_calls_is_said_on_the_overview(
	block: Callable[[str], None], words: str, status: str
) -> None:
	company = make_company("50")
	assert "New calls cannot be started" not in text_of(company)
	block(company)
	with pytest.raises(AccountBlocked):
		session.authorize(new_id(), company)
	text = text_of(company)
	assert words in text and "New calls cannot be started" in text
	assert f"Status: {status}" in text and "Good" not in text


def test_a_company_without_a_price_does_not_stand_well() -> None:
	text = text_of(make_company("50", currency="CHF", rate_per_minute=0))
	assert "Status: No price" in text and "No price is set for your calls." in text and "Good" not in text


def test_what_pays_for_no_call_is_used_up_on_the_overview_too() -> None:
	company = make_company("0.3", low_balance_threshold=0, billing_increment=60)
	assert "Status: Used up" in text_of(company)
	assert balances.levels([company]) == {company: ("Empty", True)}


def selects() -> int:
	"""Return how many queries this connection has made."""
	return int(frappe.db.sql("SHOW SESSION STATUS LIKE 'Com_select'")[0][1])


def test_the_switch_says_which_companies_need_attention_without_a_query_for_each() -> None:
	own, low, empty, good, stopped = (make_company(balance) for balance in ("50", "10", "0", "50", "50"))
	suspended(stopped)
	email, password = make_customer(own)
	for company in (low, empty, good, stopped):
		join_company(email, company, may_top_up=True)
	portal = Portal(email, password)
	for path in (PAGE, f"{PAGE}/usage"):
		page = " ".join(re.sub(r"<[^>]+>", " ", portal.get(path).text).split())
		assert "3 others need attention" in page
		for company, word in ((low, "Low"), (empty, "Used up"), (stopped, "Suspended")):
			assert f"{company} {word}" in page
		assert f"{good} {stopped}" in page
	assert "1 other needs attention" not in text_of(own)
	before = selects()
	standing.of_companies([own, low, empty, good, stopped])
	assert selects() - before == 2


def test_with_billing_switched_off_no_top_up_is_sold_by_any_road() -> None:
	company = make_company("50")
	switched_off(company)
	portal = Portal(*make_customer(company))
	assert "/topup" not in portal.get(PAGE).text
	assert portal.get(f"{PAGE}/topup").status_code == 403
	answer = Api(make_api_customer(company)).post("topup.create", amount="50")
	assert (answer.status_code, answer.json()["code"]) == (403, "ACCOUNT_BLOCKED")
	site.fresh()
	assert frappe.db.count("Balance Topup", {"company": company}) == 0


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}/transactions"])
def test_a_payment_on_its_way_is_seen_until_it_has_arrived(path: str) -> None:
	company = make_company("5")
	begun = topups.create(company, Decimal(50))
	pay_by_debit(begun["checkout_url"])
	topups.refresh(begun["topup"])
	assert "€50.00 is on its way" in text_of(company, path)
	intent = topups.gateway.session_facts(topups.find(begun["topup"]).checkout_session_id).payment_intent_id
	simulate(f"payment_intents/{intent}/settle", outcome="succeeded")
	topups.refresh(begun["topup"])
	assert "on its way" not in text_of(company, path)


def test_a_payment_that_failed_on_its_way_is_told_with_its_reason() -> None:
	company = make_company("5")
	begun = topups.create(company, Decimal(50))
	pay_by_debit(begun["checkout_url"])
	topups.refresh(begun["topup"])
	intent = topups.gateway.session_facts(topups.find(begun["topup"]).checkout_session_id).payment_intent_id
	simulate(f"payment_intents/{intent}/settle", outcome="failed")
	topups.refresh(begun["topup"])
	assert "€50.00 did not go through" in text_of(company)
	frappe.db.sql(
		"UPDATE `tabBalance Topup` SET created_us = created_us - %s WHERE name = %s",
		(8 * 86_400_000_000, begun["topup"]),
	)
	frappe.db.commit()
	assert "did not go through" not in text_of(company)


def test_links_of_several_open_payments_tell_which_one_they_are_for() -> None:
	company = make_company("5")
	for amount in (50, 60):
		pay(topups.create(company, Decimal(amount))["checkout_url"], DECLINED_CARD)
	page = Portal(*make_customer(company)).get(PAGE).text
	for words in ("Cancel this top-up", "Continue the payment"):
		told = re.findall(rf'{words}<span class="sr-only">: ([^,]+), ([^<]+)</span></a>', page)
		assert [amount for amount, _moment in told] == ["€60.00", "€50.00"]
		assert all(re.fullmatch(r"\d+ \w+ \d{4}, \d\d:\d\d", moment) for _amount, moment in told), told


def test_a_payment_that_was_begun_can_be_continued_by_who_may_pay() -> None:
	company = make_company("5")
	begun = topups.create(company, Decimal(50))
	pay(begun["checkout_url"], DECLINED_CARD)
	url = topups.find(begun["topup"]).checkout_url
	page = Portal(*make_customer(company)).get(PAGE).text
	assert "Continue the payment" in page and url in page
	looker = Portal(*make_customer(company, may_top_up=False)).get(PAGE).text
	assert "is not paid yet" in looker and url not in looker
	pay(begun["checkout_url"])
	topups.refresh(begun["topup"])
	assert "Continue the payment" not in text_of(company)
