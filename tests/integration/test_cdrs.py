"""CDRs: what the switch knows in the end prices the call, however often and in whatever order it says so."""

from collections.abc import Callable
from decimal import Decimal

import frappe
import pymysql
import pytest

from prepaid_billing.calls import cdr, record, session
from prepaid_billing.calls.cdr import Cdr
from prepaid_billing.ledger import balance_of, clock
from prepaid_billing.permissions import MANAGER
from tests import factories, site
from tests.books import call_fields, entries_of
from tests.client import Api
from tests.factories import make_company, new_id


def report(gateway: Api, call: str, company: str, seconds: object, **more: object) -> dict:
	"""Send one CDR and return what became of it."""
	row = {"call_id": call, "company": company, "duration_sec": seconds, **more}
	return gateway.ok("calls.record", cdrs=[row])[0]


def test_a_cdr_of_a_call_that_was_never_authorised_charges_it_once(gateway: Api) -> None:
	company, call = make_company("50"), new_id()
	first = report(
		gateway, call, company, 157, callee="+49302", started_at="2026-11-22T14:05:00+01:00", caller="+49301"
	)
	assert first == {"call_id": call, "result": "accepted", "amount": "1.099000", "currency": "EUR"}
	assert report(gateway, call, company, 157) == {**first, "result": "duplicate"}
	assert entries_of(company)[1:] == ["Call Charge -1.099"]
	assert call_fields(call, "status", "duration_from", "callee", "billed_sec") == [
		"Charged",
		"CDR",
		"+49302",
		157,
	]
	assert str(call_fields(call, "started_at")[0]) == "2026-11-22 14:05:00"


def test_a_cdr_closes_a_call_in_progress(gateway: Api) -> None:
	company, call = make_company("50"), new_id()
	gateway.ok("calls.authorize", call_id=call, company=company)
	assert report(gateway, call, company, 30)["amount"] == "0.210000"
	assert (balance_of(company).reserved, balance_of(company).balance) == (0, Decimal("49.79"))


def test_a_late_cdr_corrects_a_charge_once(gateway: Api) -> None:
	company, call = make_company("50"), new_id()
	gateway.ok("calls.authorize", call_id=call, company=company)
	ended = gateway.ok("calls.end", call_id=call, duration_sec=60)
	assert report(gateway, call, company, 58)["result"] == "accepted"
	assert report(gateway, call, company, 58)["result"] == "duplicate"
	assert entries_of(company)[1:] == ["Call Charge -0.42", "Call Correction 0.014"]
	assert gateway.ok("calls.end", call_id=call, duration_sec=60) == ended
	assert gateway.post("calls.end", call_id=call, duration_sec=61).json()["code"] == "CALL_CLOSED"


def test_the_highest_revision_prices_the_call(gateway: Api) -> None:
	company, call = make_company("50"), new_id()
	for revision, seconds in ((0, 60), (2, 120), (1, 90), (2, 120)):
		report(gateway, call, company, seconds, revision=revision)
	assert entries_of(company)[1:] == ["Call Charge -0.42", "Call Correction -0.42"]
	assert call_fields(call, "duration_sec", "cdr_revision", "bookings") == [120, 2, 2]


def test_the_same_revision_with_another_duration_is_refused_and_a_person_looks_at_it(gateway: Api) -> None:
	company, call = make_company("50"), new_id()
	report(gateway, call, company, 60)
	refused = report(gateway, call, company, 61)
	assert (refused["result"], refused["code"]) == ("refused", "DUPLICATE")
	assert call_fields(call, "review", "duration_sec") == ["Conflicting CDR", 60]
	assert report(gateway, call, company, 61, revision=1)["result"] == "accepted"
	assert call_fields(call, "review") == [""]
	assert entries_of(company)[1:] == ["Call Charge -0.42", "Call Correction -0.007"]


def test_an_end_after_the_cdr_gets_the_price_of_the_cdr(gateway: Api) -> None:
	company, call = make_company("50"), new_id()
	gateway.ok("calls.authorize", call_id=call, company=company)
	report(gateway, call, company, 58)
	ended = gateway.ok("calls.end", call_id=call, duration_sec=60)
	assert (ended["amount"], ended["billed_sec"]) == ("0.406000", 58)
	assert gateway.ok("calls.end", call_id=call, duration_sec=60) == ended
	assert entries_of(company)[1:] == ["Call Charge -0.406"]


def test_a_cdr_of_a_released_call_charges_it_when_it_was_talked_after_all(gateway: Api) -> None:
	company, call = make_company("50"), new_id()
	gateway.ok("calls.authorize", call_id=call, company=company)
	gateway.ok("calls.release", call_id=call)
	assert report(gateway, call, company, 0)["amount"] == "0.000000"
	assert call_fields(call, "status") == ["Released"]
	assert report(gateway, call, company, 10, revision=1)["amount"] == "0.070000"
	assert call_fields(call, "status") == ["Charged"]


def test_a_cdr_beyond_the_money_is_charged_in_full_and_flagged(gateway: Api) -> None:
	company, call = make_company("0.10"), new_id()
	assert report(gateway, call, company, 60)["amount"] == "0.420000"
	assert call_fields(call, "overrun", "review") == [1, "Overrun"]
	assert balance_of(company).balance == Decimal("-0.32")


def test_a_cdr_is_priced_by_the_rate_of_its_beginning(gateway: Api) -> None:
	company = make_company("50")
	before = clock.iso(clock.now_us())
	report(gateway, new_id(), company, 60)
	rate = frappe.get_doc("Billing Rate", {"company": company})
	rate.rate_per_minute = 0.84
	rate.save()
	frappe.db.commit()
	assert report(gateway, new_id(), company, 60, started_at=before)["amount"] == "0.420000"
	assert report(gateway, new_id(), company, 60)["amount"] == "0.840000"
	# a clock that runs ahead gets today's price, not one of the future
	assert report(gateway, new_id(), company, 60, started_at="2099-01-01T00:00:00Z")["amount"] == "0.840000"


def test_a_blocked_company_pays_for_what_was_talked(gateway: Api) -> None:
	company = make_company("50")
	doc = frappe.get_doc("Billing Company", company)
	doc.status = "Suspended"
	doc.save()
	frappe.db.commit()
	assert report(gateway, new_id(), company, 60)["result"] == "accepted"


def test_two_records_of_a_call_that_is_not_known_are_booked_together(
	caplog: pytest.LogCaptureFixture,
) -> None:
	company, call = make_company("50"), new_id()
	first, second = cdr.book([Cdr(call, company, 10), Cdr(call, company, 20, revision=1)])
	assert (first.amount, second.amount) == (Decimal("0.07"), Decimal("0.14"))
	assert entries_of(company)[1:] == ["Call Charge -0.07", "Call Correction -0.07"]
	assert "cdrs failed" not in caplog.text


def test_each_record_gets_its_own_answer_in_its_place(gateway: Api) -> None:
	company, other, call = make_company("50"), make_company("50"), new_id()
	free_of_rate = make_company("50", currency="USD", rate_per_minute=0)
	first = {"call_id": call, "company": company, "duration_sec": 60}
	answers = gateway.ok(
		"calls.record",
		cdrs=[
			{**first, "company": "No such company"},
			first,
			"not a record",
			{**first, "duration_sec": -1},
			{"call_id": new_id(), "company": company},
			{**first, "call_id": "with blank"},
			{**first, "durationsec": 60},
			{**first, "call_id": new_id(), "company": free_of_rate},
			{**first, "call_id": new_id(), "company": company.upper()},
			first,
		],
	)
	assert [answer["result"] for answer in answers] == [
		"refused",
		"accepted",
		*["refused"] * 7,
		"duplicate",
	]
	assert [answer.get("code") for answer in answers] == [
		"UNKNOWN_COMPANY",
		None,
		*["INVALID_INPUT"] * 5,
		"NO_RATE",
		"UNKNOWN_COMPANY",
		None,
	]
	assert gateway.ok("calls.record", cdrs=[{**first, "company": other}])[0]["code"] == "DUPLICATE"
	assert entries_of(company)[1:] == ["Call Charge -0.42"]
	assert entries_of(other)[1:] == []


@pytest.mark.parametrize("cdrs", [None, [], {}, "no list", [{}] * 1001], ids=repr)
def test_a_request_without_records_or_with_too_many_is_refused(gateway: Api, cdrs: object) -> None:
	answer = gateway.post("calls.record", cdrs=cdrs)
	assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")


def test_records_may_come_as_json_in_a_form(gateway: Api) -> None:
	company = make_company("50")
	row = {"call_id": new_id(), "company": company, "duration_sec": 60}
	url = f"{site.WEB_URL}/api/method/prepaid_billing.api.calls.record"
	answer = gateway.session.post(url, data={"cdrs": frappe.as_json([row])}, timeout=30)
	assert answer.json()["message"][0]["amount"] == "0.420000"


def test_a_thousand_records_of_several_companies_are_as_exact_as_one_by_one(gateway: Api) -> None:
	companies = [make_company("1000", rate_per_minute=f"0.{n}7", billing_increment=n * 6) for n in (1, 2, 3)]
	calls = [new_id() for _n in range(500)]
	rows = [
		{
			"call_id": calls[n % 500],
			"company": companies[n % 500 % 3],
			"duration_sec": n % 500,
			"revision": n // 500,
		}
		for n in range(1000)
	]
	answers = gateway.ok("calls.record", cdrs=rows)
	assert {answer["result"] for answer in answers} == {"accepted"}
	again = gateway.ok("calls.record", cdrs=list(reversed(rows)))
	assert {answer["result"] for answer in again} == {"duplicate"}
	for row, answer in zip(rows, answers, strict=True):
		quoted = (
			gateway.ok("calls.quote", company=row["company"], duration_sec=row["duration_sec"])
			if row["duration_sec"] % 50 == 0
			else None
		)
		assert not quoted or answer["amount"] == quoted["amount"]
	# a call of no seconds has no charge, and an unchanged duration no correction
	assert sum(len(entries_of(company)) for company in companies) == 499 + len(companies)


@pytest.fixture
def failing_insert(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
	"""Let the database refuse whatever is inserted for one call, as a full disk or a broken index would."""
	genuine = record.insert

	def break_for(call_id: str) -> None:
		def insert(now_us: int, *calls: dict[str, object]) -> None:
			if any(columns["call_id"] == call_id for columns in calls):
				raise pymysql.err.InternalError(1114, "The table is full")
			genuine(now_us, *calls)

		monkeypatch.setattr(record, "insert", insert)

	return break_for


def test_one_record_that_fails_does_not_stop_the_others(failing_insert: Callable[[str], None]) -> None:
	company, calls = make_company("50"), [new_id() for _n in range(5)]
	failing_insert(calls[2])
	outcomes = cdr.book([Cdr(call, company, 60) for call in calls])
	assert [outcome.result for outcome in outcomes] == [
		"accepted",
		"accepted",
		"refused",
		"accepted",
		"accepted",
	]
	assert outcomes[2].code == "TRY_AGAIN"
	assert entries_of(company)[1:] == ["Call Charge -0.42"] * 4


def test_a_cdr_for_an_expired_call_corrects_it_and_takes_it_out_of_the_queue(gateway: Api) -> None:
	company, call = make_company("50"), new_id()
	session.authorize(call, company)
	session.extend(call, 45, 1)
	with site.later(181):
		session.expire_stale()
	assert report(gateway, call, company, 52)["amount"] == "0.364000"
	assert call_fields(call, "status", "review") == ["Charged", ""]
	assert entries_of(company)[1:] == ["Call Charge -0.315", "Call Correction -0.049"]


def test_an_overrun_stays_in_the_queue_when_a_conflict_of_its_records_is_solved(gateway: Api) -> None:
	company, call = make_company("0.10"), new_id()
	for seconds, revision in ((60, 0), (61, 0), (60, 1)):
		report(gateway, call, company, seconds, revision=revision)
	assert call_fields(call, "review", "overrun") == ["Overrun", 1]


def test_a_cdr_under_a_rate_that_was_disabled_since_is_not_priced_by_the_default_list(gateway: Api) -> None:
	company, call = make_company("50", rate_per_minute=0.1), new_id()
	begun = clock.iso(clock.now_us())
	rate = frappe.get_doc("Billing Rate", {"company": company})
	rate.disabled = 1
	rate.save()
	frappe.db.commit()
	assert report(gateway, call, company, 60, started_at=begun)["code"] == "NO_RATE"
	assert entries_of(company) == ["Bonus 50.0"]


@pytest.mark.parametrize(
	"sent,seconds",
	[(60.00000000000001, 60), ("59.9999999999", 60), (60.001, 61), (0.4, 1), ("158.1234567", 159), (1e-7, 0)],
)
def test_the_noise_of_a_float_is_no_second(gateway: Api, sent: object, seconds: int) -> None:
	company, call = make_company("50"), new_id()
	report(gateway, call, company, sent)
	assert call_fields(call, "duration_sec") == [seconds]


def test_a_cdr_without_times_ends_now_and_one_with_a_start_when_it_was_over(gateway: Api) -> None:
	company, calls = make_company("50"), [new_id(), new_id()]
	report(gateway, calls[0], company, 60)
	assert call_fields(calls[0], "ended_at")[0] is not None
	report(gateway, calls[1], company, 60, started_at="2026-11-22T14:05:00+01:00")
	assert str(call_fields(calls[1], "ended_at")[0]) == "2026-11-22 14:06:00"


def test_records_that_are_nested_without_end_are_refused(gateway: Api) -> None:
	url = f"{site.WEB_URL}/api/method/prepaid_billing.api.calls.record"
	answer = gateway.session.post(url, data={"cdrs": "[" * 100_000}, timeout=30)
	assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")


def test_a_manager_shortens_no_charged_call_by_a_cdr(gateway: Api) -> None:
	company, call = make_company("50"), new_id()
	manager = Api(factories.api_key_of(factories.make_user(MANAGER)))
	assert report(manager, call, company, 60)["amount"] == "0.420000"
	refused = report(manager, call, company, 0, revision=1)
	assert (refused["result"], refused["code"]) == ("refused", "NOT_PERMITTED")
	assert report(manager, call, company, 61, revision=1)["amount"] == "0.427000"
	assert report(gateway, call, company, 0, revision=2)["amount"] == "0.000000"
	assert balance_of(company).balance == 50
