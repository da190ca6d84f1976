"""The call gateway's verbs over HTTP: a call is held, charged once and to the micro-cent."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import frappe
import pytest

from prepaid_billing.calls import session
from prepaid_billing.ledger import balance_of, clock
from tests import factories, site
from tests.books import entries_of
from tests.client import Api
from tests.factories import make_company, new_id


def test_a_call_is_authorised_and_charged_exactly_and_its_end_repeats_nothing(gateway: Api) -> None:
	company, call = make_company("50"), new_id()
	granted = gateway.ok("calls.authorize", call_id=call, company=company, caller="+49301", callee="+49302")
	assert granted["granted_seconds"] == 60
	assert granted["reserved_amount"] == "0.420000"
	assert granted["available"] == "49.580000"
	assert granted["max_seconds"] == 7142
	assert granted["final"] is False

	ended = gateway.ok("calls.end", call_id=call, duration_sec=157)
	assert ended["amount"] == "1.099000"
	assert ended["balance"] == ended["available"] == "48.901000"
	assert (ended["billed_sec"], ended["status"], ended["overrun"]) == (157, "Charged", False)

	assert gateway.ok("calls.end", call_id=call, duration_sec=157) == ended
	balance = gateway.get("balance.get", company=company).json()["message"]
	assert balance["reserved_balance"] == "0.000000"
	assert balance["balance"] == "48.901000"
	assert entries_of(company) == ["Bonus 50.0", "Call Charge -1.099"]


def test_a_plus_that_a_form_turned_into_a_blank_is_kept(gateway: Api) -> None:
	company, call = make_company("50"), new_id()
	path = f"{site.WEB_URL}/api/method/prepaid_billing.api.calls.authorize"
	form = f"call_id={call}&company={company}&callee=+4930123456"
	headers = {"Content-Type": "application/x-www-form-urlencoded"}
	assert gateway.session.post(path, data=form, headers=headers, timeout=30).status_code == 200
	site.fresh()
	assert frappe.db.get_value("Call Charge", {"call_id": call}, "callee") == "+4930123456"


def test_a_call_of_15_seconds_costs_the_same_in_ledger_and_balance(gateway: Api) -> None:
	company, call = make_company("50"), new_id()
	gateway.ok("calls.authorize", call_id=call, company=company)
	assert gateway.ok("calls.end", call_id=call, duration_sec=15)["amount"] == "0.105000"
	assert entries_of(company)[-1] == "Call Charge -0.105"
	assert balance_of(company).balance == Decimal("49.895")


def test_another_end_of_a_charged_call_is_refused(gateway: Api) -> None:
	company, call = make_company("50"), new_id()
	gateway.ok("calls.authorize", call_id=call, company=company)
	gateway.ok("calls.end", call_id=call, duration_sec=10)
	answer = gateway.post("calls.end", call_id=call, duration_sec=11)
	assert (answer.status_code, answer.json()["code"]) == (409, "CALL_CLOSED")
	assert len(entries_of(company)) == 2


def test_the_same_authorisation_again_holds_nothing_more(gateway: Api) -> None:
	company, call = make_company("50"), new_id()
	first = gateway.ok("calls.authorize", call_id=call, company=company)
	assert gateway.ok("calls.authorize", call_id=call, company=company) == first
	answer = gateway.post("calls.authorize", call_id=call, company=company, callee="another")
	assert (answer.status_code, answer.json()["code"]) == (409, "DUPLICATE")
	assert balance_of(company).reserved == Decimal("0.42")


def test_a_call_id_belongs_to_one_company(gateway: Api) -> None:
	call = new_id()
	gateway.ok("calls.authorize", call_id=call, company=make_company("50"))
	other = make_company("50")
	answer = gateway.post("calls.authorize", call_id=call, company=other)
	assert (answer.status_code, answer.json()["code"]) == (409, "DUPLICATE")
	site.fresh()
	assert balance_of(other).reserved == 0


def test_call_ids_differ_by_case(gateway: Api) -> None:
	company, call = make_company("50"), new_id("Case")
	gateway.ok("calls.authorize", call_id=call, company=company)
	gateway.ok("calls.authorize", call_id=call.lower(), company=company)
	assert balance_of(company).reserved == Decimal("0.84")


def test_a_released_call_costs_nothing(gateway: Api) -> None:
	company, call = make_company("50"), new_id()
	gateway.ok("calls.authorize", call_id=call, company=company)
	released = gateway.ok("calls.release", call_id=call, reason="busy")
	assert (released["status"], released["balance"], released["available"]) == (
		"Released",
		"50.000000",
		"50.000000",
	)
	assert gateway.ok("calls.release", call_id=call) == released
	assert gateway.post("calls.end", call_id=call, duration_sec=5).json()["code"] == "CALL_CLOSED"


def test_an_unanswered_call_ends_without_an_entry(gateway: Api) -> None:
	company, call = make_company("50"), new_id()
	gateway.ok("calls.authorize", call_id=call, company=company)
	assert gateway.ok("calls.end", call_id=call, duration_sec=0)["amount"] == "0.000000"
	assert entries_of(company) == ["Bonus 50.0"]


def test_what_the_money_does_not_pay_for_is_not_granted(gateway: Api) -> None:
	company = make_company("0.21")
	granted = gateway.ok("calls.authorize", call_id=new_id(), company=company)
	assert (granted["granted_seconds"], granted["final"], granted["available"]) == (30, True, "0.000000")
	answer = gateway.post("calls.authorize", call_id=new_id(), company=company)
	assert (answer.status_code, answer.json()["code"]) == (402, "INSUFFICIENT_BALANCE")


def test_a_call_that_outran_its_money_is_charged_in_full_and_flagged(gateway: Api) -> None:
	company, call = make_company("0.42"), new_id()
	gateway.ok("calls.authorize", call_id=call, company=company)
	ended = gateway.ok("calls.end", call_id=call, duration_sec=90)
	assert (ended["amount"], ended["overrun"], ended["balance"]) == ("0.630000", True, "-0.210000")


@pytest.mark.parametrize(
	"change",
	[
		("Billing Company", {"status": "Suspended"}),
		("Billing Company", {"prepaid_billing_enabled": 0}),
		("Prepaid Balance", {"status": "Frozen"}),
	],
	ids=["suspended", "not enabled", "frozen"],
)
def test_a_blocked_company_starts_no_call_but_its_call_in_progress_is_charged(
	gateway: Api, change: tuple[str, dict]
) -> None:
	company, running = make_company("50"), new_id()
	gateway.ok("calls.authorize", call_id=running, company=company)
	doc = frappe.get_doc(change[0], company)
	doc.update(change[1])
	doc.save()
	frappe.db.commit()
	answer = gateway.post("calls.authorize", call_id=new_id(), company=company)
	assert (answer.status_code, answer.json()["code"]) == (403, "ACCOUNT_BLOCKED")
	assert gateway.ok("calls.end", call_id=running, duration_sec=60)["amount"] == "0.420000"


def test_without_a_rate_no_call_is_free(gateway: Api) -> None:
	company = make_company("50", currency="USD", rate_per_minute=0)
	answer = gateway.post("calls.authorize", call_id=new_id(), company=company)
	assert (answer.status_code, answer.json()["code"]) == (422, "NO_RATE")


def test_thirty_authorisations_at_once_on_money_for_one_call_pass_one() -> None:
	company, key = make_company("0.42"), factories.make_gateway_key()
	with ThreadPoolExecutor(30) as pool:
		answers = list(
			pool.map(
				lambda _n: Api(key).post("calls.authorize", call_id=new_id(), company=company), range(30)
			)
		)
	assert sorted(answer.status_code for answer in answers) == [200] + [402] * 29
	site.fresh()
	assert balance_of(company).available == 0


def test_a_call_that_nobody_ended_expires_and_frees_its_hold() -> None:
	company, call = make_company("50"), new_id()
	granted = session.authorize(call, company)
	with site.later(2 * (int(str(granted["granted_seconds"])) + 30) + 1):
		assert session.expire_stale() >= 1
	assert frappe.db.get_value("Call Charge", {"call_id": call}, "status") == "Expired"
	assert balance_of(company).available == 50
	assert session.expire_stale() == 0


def test_an_end_that_comes_after_the_expiry_charges_the_call_all_the_same() -> None:
	company, call = make_company("50"), new_id()
	session.authorize(call, company)
	with site.later(181):
		session.expire_stale()
		ended = session.end(call, 200)
		assert (ended["status"], ended["amount"], ended["balance"]) == ("Charged", "1.400000", "48.600000")
		assert session.end(call, 200) == ended
	assert entries_of(company) == ["Bonus 50.0", "Call Charge -1.4"]


@pytest.mark.parametrize(
	"close", [session.release, lambda call: session.end(call, 5)], ids=["released", "charged"]
)
def test_a_call_that_has_ended_is_not_authorised_again(gateway: Api, close: Callable[[str], object]) -> None:
	company, call = make_company("50"), new_id()
	gateway.ok("calls.authorize", call_id=call, company=company)
	close(call)
	answer = gateway.post("calls.authorize", call_id=call, company=company)
	assert (answer.status_code, answer.json()["code"]) == (409, "CALL_CLOSED")


def test_a_running_call_does_not_expire() -> None:
	company, call = make_company("50"), new_id()
	session.authorize(call, company)
	session.expire_stale()
	assert frappe.db.get_value("Call Charge", {"call_id": call}, "status") == "Authorized"


def test_a_quote_says_what_a_call_would_cost_and_holds_nothing(gateway: Api) -> None:
	company = make_company("50")
	quoted = gateway.ok("calls.quote", company=company, duration_sec=157)
	assert (quoted["amount"], quoted["max_seconds"], quoted["currency"]) == ("1.099000", 7142, "EUR")
	assert balance_of(company).reserved == 0


def test_the_price_is_the_one_of_the_moment_of_authorisation(gateway: Api) -> None:
	company, call = make_company("50"), new_id()
	gateway.ok("calls.authorize", call_id=call, company=company)
	rate = frappe.get_doc("Billing Rate", {"company": company})
	rate.rate_per_minute = 0.84
	rate.save()
	frappe.db.commit()
	assert gateway.ok("calls.end", call_id=call, duration_sec=60)["amount"] == "0.420000"
	assert gateway.ok("calls.quote", company=company, duration_sec=60)["amount"] == "0.840000"
	rates = frappe.get_all(
		"Billing Rate", {"company": company}, ["rate_per_minute", "valid_until_us"], order_by="valid_from_us"
	)
	assert [row.rate_per_minute for row in rates] == [0.42, 0.84]
	assert 0 < rates[0].valid_until_us <= clock.now_us()
