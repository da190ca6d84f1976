"""A call that goes on: each slice is held before it is talked, and nothing is granted twice."""

from collections.abc import Callable
from decimal import Decimal

import frappe
import pytest

from prepaid_billing.calls import session
from prepaid_billing.ledger import balance_of
from tests import factories, site
from tests.books import call_fields, entries_of
from tests.client import Api
from tests.factories import give, make_company, new_id


def begin(gateway: Api, balance: str = "50") -> tuple[str, str]:
	"""A company and its call in progress, with 60 seconds granted."""
	company, call = make_company(balance), new_id()
	gateway.ok("calls.authorize", call_id=call, company=company)
	return company, call


def reserved(company: str) -> Decimal:
	site.fresh()
	return balance_of(company).reserved


def test_a_long_call_holds_slice_by_slice_and_is_charged_once(gateway: Api) -> None:
	company, call = begin(gateway)
	answered = "2026-11-22T14:05:00+01:00"
	for number, used in enumerate((45, 105, 165), 1):
		granted = gateway.ok(
			"calls.extend", call_id=call, used_seconds=used, request_number=number, answered_at=answered
		)
		assert granted["granted_seconds"] == used + 60
		assert Decimal(granted["reserved_amount"]) == Decimal("0.007") * (used + 60) == reserved(company)
	assert call_fields(call, "status", "used_seconds", "request_number") == ["Active", 165, 3]
	assert str(call_fields(call, "answered_at")[0]) == "2026-11-22 14:05:00"
	ended = gateway.ok("calls.end", call_id=call, duration_sec=199.2)
	assert (ended["amount"], ended["balance"], ended["available"]) == ("1.400000", "48.600000", "48.600000")
	assert entries_of(company) == ["Bonus 50.0", "Call Charge -1.4"]


def test_a_repeated_request_number_gets_the_stored_answer_and_a_lower_one_is_ignored(gateway: Api) -> None:
	company, call = begin(gateway)
	first = gateway.ok("calls.extend", call_id=call, used_seconds=45, request_number=1)
	assert gateway.ok("calls.extend", call_id=call, used_seconds=45, request_number=1) == first
	third = gateway.ok("calls.extend", call_id=call, used_seconds=100, request_number=3)
	assert gateway.ok("calls.extend", call_id=call, used_seconds=300, request_number=2) == third
	assert reserved(company) == Decimal("0.007") * 160
	assert call_fields(call, "used_seconds") == [100]


def test_request_number_0_is_the_authorisation(gateway: Api) -> None:
	company, call = begin(gateway)
	answer = gateway.ok("calls.extend", call_id=call, used_seconds=45, request_number=0)
	assert (answer["granted_seconds"], reserved(company)) == (60, Decimal("0.42"))


def test_usage_that_goes_back_changes_nothing_that_is_known(gateway: Api) -> None:
	_company, call = begin(gateway)
	gateway.ok("calls.extend", call_id=call, used_seconds=45, request_number=1)
	assert (
		gateway.ok("calls.extend", call_id=call, used_seconds=10, request_number=2)["granted_seconds"] == 105
	)
	assert call_fields(call, "used_seconds") == [45]


def test_the_last_grant_is_final_and_a_top_up_lets_the_call_go_on(gateway: Api) -> None:
	company, call = begin(gateway, "0.63")
	final = gateway.ok("calls.extend", call_id=call, used_seconds=45, request_number=1)
	assert (final["granted_seconds"], final["final"], final["available"]) == (90, True, "0.000000")
	again = gateway.ok("calls.extend", call_id=call, used_seconds=60, request_number=2)
	assert (again["granted_seconds"], again["final"]) == (90, True)
	give(company, "10")
	goes_on = gateway.ok("calls.extend", call_id=call, used_seconds=80, request_number=3)
	assert (goes_on["granted_seconds"], goes_on["final"]) == (140, False)


def block(doctype: str, name: str, change: dict) -> None:
	doc = frappe.get_doc(doctype, name)
	doc.update(change)
	doc.save()
	frappe.db.commit()


@pytest.mark.parametrize(
	"stop",
	[
		lambda company: block("Billing Company", company, {"status": "Suspended"}),
		lambda company: block("Billing Company", company, {"prepaid_billing_enabled": 0}),
		lambda company: block("Prepaid Balance", company, {"status": "Frozen"}),
		lambda company: block(
			"Billing Rate", frappe.db.get_value("Billing Rate", {"company": company}), {"disabled": 1}
		),
	],
	ids=["suspended", "not enabled", "frozen", "rate withdrawn"],
)
def test_a_company_that_is_stopped_during_a_call_gets_no_new_grant_and_pays_what_was_talked(
	gateway: Api, stop: Callable[[str], None]
) -> None:
	company, call = begin(gateway)
	stop(company)
	final = gateway.ok("calls.extend", call_id=call, used_seconds=45, request_number=1)
	assert (final["granted_seconds"], final["final"], reserved(company)) == (60, True, Decimal("0.42"))
	assert gateway.ok("calls.end", call_id=call, duration_sec=60)["amount"] == "0.420000"


def test_a_call_goes_on_at_the_price_that_it_began_with(gateway: Api) -> None:
	company, call = begin(gateway)
	block(
		"Billing Rate", frappe.db.get_value("Billing Rate", {"company": company}), {"rate_per_minute": 0.84}
	)
	granted = gateway.ok("calls.extend", call_id=call, used_seconds=45, request_number=1)
	assert (granted["granted_seconds"], granted["reserved_amount"]) == (105, "0.735000")
	assert gateway.ok("calls.end", call_id=call, duration_sec=120)["amount"] == "0.840000"


def test_a_call_that_has_ended_or_expired_is_not_extended(gateway: Api) -> None:
	_company, call = begin(gateway)
	gateway.ok("calls.end", call_id=call, duration_sec=5)
	answer = gateway.post("calls.extend", call_id=call, used_seconds=45, request_number=1)
	assert (answer.status_code, answer.json()["code"]) == (409, "CALL_CLOSED")
	company, stale = begin(gateway)
	with site.later(181), pytest.raises(session.CallClosed):
		session.extend(stale, 45, 1)
	# what the next sweep frees is not promised again
	with site.later(181), pytest.raises(session.CallClosed):
		session.authorize(stale, company)
	assert reserved(company) == Decimal("0.42")
	answer = gateway.post("calls.extend", call_id=new_id(), used_seconds=45, request_number=1)
	assert (answer.status_code, answer.json()["code"]) == (404, "UNKNOWN_CALL")


def test_an_expired_call_is_charged_its_last_confirmed_usage_and_stands_in_the_queue(gateway: Api) -> None:
	company, call = begin(gateway)
	gateway.ok("calls.extend", call_id=call, used_seconds=45, request_number=1)
	with site.later(179):
		session.expire_stale()
		assert call_fields(call, "status") == ["Active"]
	with site.later(181):
		session.expire_stale()
	assert call_fields(call, "status", "review", "amount") == ["Expired", "Expired", 0.315]
	assert (balance_of(company).balance, balance_of(company).reserved) == (Decimal("49.685"), 0)


def test_an_end_after_expiry_corrects_the_charge_and_leaves_the_queue(gateway: Api) -> None:
	company, call = begin(gateway)
	gateway.ok("calls.extend", call_id=call, used_seconds=45, request_number=1)
	with site.later(181):
		session.expire_stale()
	ended = gateway.ok("calls.end", call_id=call, duration_sec=60)
	assert (ended["status"], ended["amount"], ended["balance"]) == ("Charged", "0.420000", "49.580000")
	assert call_fields(call, "review", "bookings") == ["", 2]
	assert balance_of(company).available == Decimal("49.58")


def test_an_answered_call_is_ended_not_released(gateway: Api) -> None:
	company, call = begin(gateway)
	gateway.ok("calls.extend", call_id=call, used_seconds=10, request_number=1)
	answer = gateway.post("calls.release", call_id=call)
	assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")
	assert reserved(company) > 0


def test_a_free_call_needs_no_money_and_writes_no_entry(gateway: Api) -> None:
	company, call = make_company(rate_per_minute=0), new_id()
	free = {"company": company, "currency": "EUR", "rate_per_minute": 0, "billing_increment": 1}
	frappe.get_doc({"doctype": "Billing Rate", **free}).insert()
	frappe.db.commit()
	assert gateway.ok("calls.authorize", call_id=call, company=company)["reserved_amount"] == "0.000000"
	assert (
		gateway.ok("calls.extend", call_id=call, used_seconds=60, request_number=1)["granted_seconds"] == 120
	)
	assert gateway.ok("calls.end", call_id=call, duration_sec=90)["amount"] == "0.000000"
	assert not frappe.db.exists("Balance Transaction", {"balance": company})


@pytest.mark.parametrize(
	"arguments",
	[
		{"used_seconds": -1, "request_number": 1},
		{"used_seconds": "1e3", "request_number": 1},
		{"used_seconds": 10, "request_number": -1},
		{"used_seconds": 10, "request_number": 1.5},
		{"used_seconds": 10, "request_number": True},
		{"used_seconds": 10},
		{"request_number": 1},
		{"used_seconds": 10, "request_number": 1, "answered_at": "yesterday"},
		{"used_seconds": 10, "request_number": 1, "answered_at": "2026-11-22T14:05:00"},
	],
)
def test_an_extension_that_is_not_understood_is_refused(gateway: Api, arguments: dict) -> None:
	company, call = begin(gateway)
	answer = gateway.post("calls.extend", call_id=call, **arguments)
	assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")
	assert reserved(company) == Decimal("0.42")


def test_neither_guests_nor_customers_drive_calls(gateway: Api, guest: Api) -> None:
	company, call = begin(gateway)
	customer = Api(factories.make_api_customer(company))
	for method in ("authorize", "extend", "end", "release", "record", "refund", "set_billable", "resolve"):
		assert guest.post(f"calls.{method}", call_id=call).status_code == 401
		assert customer.post(f"calls.{method}", call_id=call).status_code == 403
	for method in ("refund", "set_billable", "resolve"):
		assert gateway.post(f"calls.{method}", call_id=call).status_code == 403
	assert customer.get("desk.calls").status_code == gateway.get("desk.calls").status_code == 403


def test_the_api_key_of_a_disabled_user_opens_nothing() -> None:
	key, company = factories.make_gateway_key(), make_company("50")
	assert Api(key).get("balance.get", company=company).status_code == 200
	user = frappe.get_doc("User", {"api_key": key.split()[1].split(":")[0]})
	user.enabled = 0
	user.save()
	frappe.db.commit()
	answer = Api(key).post("calls.authorize", call_id=new_id(), company=company)
	assert (answer.status_code, answer.json()["code"]) == (401, "NOT_AUTHENTICATED")
	assert reserved(company) == 0
