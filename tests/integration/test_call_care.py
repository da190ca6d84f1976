"""What staff do about calls: refunds and "not billable" are entries, never edits; the queue empties by one click."""

from decimal import Decimal

import frappe
import pytest

from prepaid_billing.calls import session
from prepaid_billing.ledger import balance_of
from tests import factories, site
from tests.books import call_fields, entries_of
from tests.client import Api
from tests.factories import make_company, new_id


@pytest.fixture(scope="module")
def manager() -> Api:
	"""A manager with an API key."""
	return Api(factories.api_key_of(factories.make_manager()[0]))


@pytest.fixture(scope="module")
def clerk() -> Api:
	"""Staff without the manager's rights."""
	return Api(factories.api_key_of(factories.make_user("Prepaid Billing User")))


def charged(seconds: int = 60, balance: str = "50") -> tuple[str, str]:
	"""A company and its call of so many seconds at 0.007 each."""
	company, call = make_company(balance), new_id()
	session.authorize(call, company)
	session.end(call, seconds)
	return company, call


def record(gateway: Api, call: str, company: str, seconds: int, revision: int) -> dict:
	row = {"call_id": call, "company": company, "duration_sec": seconds, "revision": revision}
	return gateway.ok("calls.record", cdrs=[row])[0]


def test_a_refund_gives_back_a_part_once(manager: Api) -> None:
	company, call = charged()
	state = manager.ok("calls.refund", call_id=call, percent=50, reason="Quality", note="echo on the line")
	assert (state["amount"], state["refunded_amount"]) == ("0.210000", "0.210000")
	assert manager.ok("calls.refund", call_id=call, percent=50, reason="Quality") == state
	assert entries_of(company)[1:] == ["Call Charge -0.42", "Call Correction 0.21"]
	entry = frappe.get_last_doc("Balance Transaction", {"balance": company})
	assert entry.description.endswith("(1:00), Quality") and entry.actor != "Administrator"
	fields = ["refund_reason", "refund_note", "status"]
	assert frappe.db.get_value("Call Charge", {"call_id": call}, fields) == (
		"Quality",
		"echo on the line",
		"Charged",
	)


def test_the_rest_may_follow_and_less_than_before_is_refused(manager: Api) -> None:
	company, call = charged()
	manager.ok("calls.refund", call_id=call, percent="12.5", reason="Other")
	answer = manager.post("calls.refund", call_id=call, percent=10, reason="Other")
	assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")
	manager.ok("calls.refund", call_id=call, percent=100, reason="Complaint")
	assert entries_of(company)[1:] == [
		"Call Charge -0.42",
		"Call Correction 0.0525",
		"Call Correction 0.3675",
	]


def test_a_later_cdr_keeps_the_percentage(gateway: Api, manager: Api) -> None:
	company, call = charged()
	manager.ok("calls.refund", call_id=call, percent=50, reason="Quality")
	assert record(gateway, call, company, 30, 0)["amount"] == "0.105000"
	assert record(gateway, call, company, 120, 1)["amount"] == "0.420000"
	assert balance_of(company).balance == Decimal("49.58")


@pytest.mark.parametrize(
	"arguments",
	[
		{"percent": 0, "reason": "Quality"},
		{"percent": 101, "reason": "Quality"},
		{"percent": -5, "reason": "Quality"},
		{"percent": "1e1", "reason": "Quality"},
		{"percent": "12.345", "reason": "Quality"},
		{"percent": True, "reason": "Quality"},
		{"reason": "Quality"},
		{"percent": 50},
		{"percent": 50, "reason": "because"},
		{"percent": 50, "reason": "Quality", "note": "x" * 501},
	],
)
def test_a_refund_that_is_not_understood_books_nothing(manager: Api, arguments: dict) -> None:
	company, call = charged()
	answer = manager.post("calls.refund", call_id=call, **arguments)
	assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")
	assert entries_of(company)[1:] == ["Call Charge -0.42"]


def test_a_call_in_progress_is_not_refunded(manager: Api) -> None:
	call = new_id()
	session.authorize(call, make_company("50"))
	answer = manager.post("calls.refund", call_id=call, percent=100, reason="Quality")
	assert (answer.status_code, answer.json()["code"]) == (409, "CALL_CLOSED")
	assert manager.post("calls.refund", call_id=new_id(), percent=100, reason="Quality").status_code == 404


def test_a_call_marked_before_its_end_is_never_charged(gateway: Api, manager: Api) -> None:
	company, call = make_company("50"), new_id()
	session.authorize(call, company)
	assert manager.ok("calls.set_billable", call_id=call, billable=False, reason="Test call")["not_billable"]
	assert balance_of(company).reserved == Decimal("0.42")
	ended = gateway.ok("calls.end", call_id=call, duration_sec=60)
	assert (ended["amount"], ended["billed_sec"], ended["available"]) == ("0.000000", 60, "50.000000")
	assert record(gateway, call, company, 70, 0)["amount"] == "0.000000"
	assert entries_of(company)[1:] == []


def test_a_call_marked_after_its_charge_gets_it_back_and_may_be_charged_again(manager: Api) -> None:
	company, call = charged()
	state = manager.ok("calls.set_billable", call_id=call, billable=0, reason="Test call")
	assert (state["amount"], state["refunded_amount"]) == ("0.000000", "0.420000")
	manager.ok("calls.set_billable", call_id=call, billable=0, reason="Test call")
	manager.ok("calls.set_billable", call_id=call, billable=1, reason="Other")
	assert entries_of(company)[1:] == ["Call Charge -0.42", "Call Correction 0.42", "Call Correction -0.42"]


def test_staff_see_calls_in_progress_and_the_queue_empties_by_one_click(gateway: Api, clerk: Api) -> None:
	company, running, expired = make_company("50"), new_id(), new_id()
	gateway.ok("calls.authorize", call_id=expired, company=company)
	gateway.ok("calls.extend", call_id=expired, used_seconds=45, request_number=1)
	with site.later(181):
		session.expire_stale()
	gateway.ok("calls.authorize", call_id=running, company=company, caller="+49301", callee="+49302")
	seen = clerk.get("desk.calls").json()["message"]
	mine = [call for call in seen["in_progress"]["calls"] if call["company"] == company]
	assert [(call["call_id"], call["reserved_amount"], call["callee"]) for call in mine] == [
		(running, "0.420000", "+49302")
	]
	assert mine[0]["started_at"] <= seen["in_progress"]["now"] < mine[0]["valid_until"]
	total = next(row for row in seen["in_progress"]["totals"] if row["currency"] == "EUR")
	site.fresh()
	held = frappe.db.sql("SELECT SUM(reserved_balance) FROM `tabPrepaid Balance` WHERE currency = 'EUR'")
	assert Decimal(total["held"]) == Decimal(repr(held[0][0]))
	waiting = [call for call in seen["queue"]["calls"] if call["company"] == company]
	assert [(call["call_id"], call["review"], call["amount"]) for call in waiting] == [
		(expired, "Expired", "0.315000")
	]
	assert clerk.ok("calls.resolve", call_id=expired)["review"] == ""
	assert clerk.ok("calls.resolve", call_id=expired)["review"] == ""
	after = clerk.get("desk.calls").json()["message"]["queue"]
	assert after["waiting"] == seen["queue"]["waiting"] - 1
	site.fresh()
	reviewed = frappe.db.get_value("Call Charge", {"call_id": expired}, ["status", "amount", "reviewed_by"])
	assert reviewed[:2] == ("Expired", 0.315) and reviewed[2].startswith("test-")
	assert clerk.post("calls.refund", call_id=expired, percent=100, reason="Quality").status_code == 403
	assert clerk.post("calls.set_billable", call_id=expired, billable=0, reason="Other").status_code == 403


def test_staff_kept_to_some_companies_touch_no_calls_of_others(gateway: Api) -> None:
	email = factories.make_manager()[0]
	permission = {"user": email, "allow": "Billing Company", "for_value": make_company()}
	frappe.get_doc({"doctype": "User Permission", **permission}).insert()
	frappe.db.commit()
	limited = Api(factories.api_key_of(email))
	company, call = charged()
	refused = [
		limited.post("calls.refund", call_id=call, percent=100, reason="Quality"),
		limited.post("calls.set_billable", call_id=call, billable=0, reason="Quality"),
		limited.post("calls.resolve", call_id=call),
		limited.post("calls.end", call_id=call, duration_sec=60),
	]
	assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(404, "UNKNOWN_CALL")] * 4
	row = {"call_id": call, "company": company, "duration_sec": 90}
	assert limited.ok("calls.record", cdrs=[row])[0]["code"] == "UNKNOWN_COMPANY"
	assert entries_of(company)[1:] == ["Call Charge -0.42"]


def test_one_person_gives_back_so_much_a_day_and_no_more(manager: Api) -> None:
	company, calls = make_company("2000", rate_per_minute=40), [new_id(), new_id()]
	for call in calls:
		session.authorize(call, company)
		session.end(call, 600)
	manager.ok("calls.refund", call_id=calls[0], percent=100, reason="Quality")
	refused = [
		manager.post("calls.refund", call_id=calls[1], percent=50, reason="Quality"),
		manager.post("calls.set_billable", call_id=calls[1], billable=0, reason="Quality"),
	]
	assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(403, "NOT_PERMITTED")] * 2
	manager.ok("calls.refund", call_id=calls[1], percent=25, reason="Quality")
	assert entries_of(company)[-2:] == ["Call Correction 400.0", "Call Correction 100.0"]


def test_a_note_stays_until_another_one_is_written(manager: Api) -> None:
	_company, call = charged()
	manager.ok("calls.refund", call_id=call, percent=50, reason="Quality", note="echo on the line")
	manager.ok("calls.set_billable", call_id=call, billable=0, reason="Complaint")
	assert call_fields(call, "refund_note", "refund_reason") == ["echo on the line", "Complaint"]
