"""Usage says what the calls of a period cost by the ledger, to the last decimal, counted before or not."""

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import frappe
import pytest

from prepaid_billing.calls import usage, usage_counts, usage_figures
from prepaid_billing.ledger import clock
from prepaid_billing.ledger.period import Period, zone_of
from prepaid_billing.ledger.verify import verify
from prepaid_billing.usage_period import chosen
from tests import factories, site
from tests.client import Api
from tests.integration.test_transactions import get
from tests.pdf import text_of

Record = Callable[..., str]

HOUR = 3600


@pytest.fixture
def company() -> str:
	return factories.make_company("500")


@pytest.fixture
def customer(company: str) -> Api:
	return Api(factories.make_api_customer(company))


@pytest.fixture
def record(company: str, gateway: Api) -> Record:
	"""Charge calls that began some hours ago, by their records."""

	def make(seconds: int, hours_ago: float = 1, call_id: str = "", revision: int = 0) -> str:
		call_id = call_id or factories.new_id()
		began = clock.iso(clock.now_us() - int(hours_ago * HOUR) * clock.SECOND)
		row = {"call_id": call_id, "company": company, "duration_sec": seconds, "started_at": began}
		[outcome] = gateway.ok("calls.record", cdrs=[{**row, "revision": revision}])
		assert outcome["result"] == "accepted", outcome
		return call_id

	return make


def last_days(company: str, days: int) -> Period:
	site.fresh()
	zone = zone_of(company)
	now = datetime.now(zone).date()
	return Period(now - timedelta(days=days - 1), now, zone)


def booked_for(company: str, period: Period) -> Decimal:
	"""Return what the ledger holds for the calls that began in a period."""
	site.fresh()
	return -Decimal(
		frappe.db.sql(
			"SELECT CAST(COALESCE(SUM(t.amount), 0) AS CHAR) FROM `tabBalance Transaction` t "
			"JOIN `tabCall Charge` c ON c.name = t.reference_name AND t.reference_doctype = 'Call Charge' "
			"WHERE t.balance = %s AND c.started_us >= %s AND c.started_us < %s",
			(company, period.start_us, period.end_us),
		)[0][0]
	)


def of(company: str, period: Period) -> usage.Usage:
	"""Return the usage of a period, which its days and its hours must both come to."""
	site.fresh()
	total = usage.total([*usage.by_day(company, period).values()])
	assert usage.total(usage.by_hour(company, period)) == total
	assert total.amount == booked_for(company, period)
	assert sum(total.lengths.values()) == total.calls
	return total


def count(company: str) -> None:
	site.fresh()
	usage_counts._bring_forward(company)


def forget(company: str) -> None:
	"""Drop what is counted: the invariants hold again."""
	for doctype in ("Call Usage", "Call Usage Rollup", "Call Usage State"):
		frappe.db.delete(doctype, {"company": company})
	frappe.db.commit()


def test_cost_of_a_period_is_what_the_ledger_holds_for_its_calls(company: str, record: Record) -> None:
	record(20), record(61, 30), record(3_000, 50), record(95, 24 * 45)
	assert (of(company, last_days(company, 7)).calls, of(company, last_days(company, 60)).calls) == (3, 4)
	count(company)
	assert of(company, last_days(company, 7)).lengths == {
		**dict.fromkeys(usage_figures.LENGTHS, 0),
		"up_to_30s": 1,
		"up_to_3m": 1,
		"longer": 1,
	}
	assert of(company, last_days(company, 60)).duration_sec == 20 + 61 + 3_000 + 95


def test_correction_counts_with_its_call_and_at_once(company: str, gateway: Api, record: Record) -> None:
	call_id = record(60, 26)
	count(company)
	month = last_days(company, 30)
	assert of(company, month).amount == Decimal("0.42")
	record(120, 26, call_id, revision=1)
	assert (of(company, month).amount, of(company, month).duration_sec) == (Decimal("0.84"), 120)
	manager = Api(factories.api_key_of(factories.make_manager()[0]))
	manager.ok("calls.refund", call_id=call_id, percent=50, reason="Quality")
	assert of(company, month).amount == Decimal("0.42")
	count(company)
	assert of(company, month).amount == Decimal("0.42")


def test_call_settled_without_an_entry_counts_at_once(company: str, record: Record, gateway: Api) -> None:
	"""A longer call within the same billed step, a free one, and one that turns out to have been none."""
	free, none = record(30, 20), record(40, 20)
	count(company)
	manager = Api(factories.api_key_of(factories.make_manager()[0]))
	manager.ok("calls.set_billable", call_id=free, billable=0, reason="Test call")
	record(50, 20, free, revision=1)
	record(0, 20, none, revision=1)
	month = last_days(company, 30)
	assert (of(company, month).calls, of(company, month).duration_sec) == (1, 50)
	count(company)
	assert (of(company, month).calls, of(company, month).duration_sec) == (1, 50)


def test_call_in_progress_and_released_call_are_no_usage(company: str, gateway: Api, record: Record) -> None:
	record(60)
	for verb in ("", "calls.release"):
		call_id = factories.new_id()
		gateway.ok("calls.authorize", call_id=call_id, company=company)
		if verb:
			gateway.ok(verb, call_id=call_id)
	assert of(company, last_days(company, 7)).calls == 1


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Pacific/Auckland"])
def test_days_and_hours_are_those_of_the_companys_clocks(company: str, record: Record, zone: str) -> None:
	frappe.db.sql("UPDATE `tabBilling Company` SET time_zone = %s WHERE name = %s", (zone, company))
	frappe.db.commit()
	for hours_ago in (1, 7.5, 13.25, 31, 24 * 100, 24 * 200 + 0.75):
		record(60, hours_ago)
	count(company)
	period = last_days(company, 220)
	days, hours = usage.by_day(company, period), usage.by_hour(company, period)
	began = frappe.get_all("Call Charge", {"company": company}, pluck="started_us")
	local = [clock.local_time(instant, period.zone) for instant in began]
	assert sorted(day for day, part in days.items() for _n in range(part.calls)) == sorted(
		moment.date() for moment in local
	)
	assert sorted(hour for hour, part in enumerate(hours) for _n in range(part.calls)) == sorted(
		moment.hour for moment in local
	)
	assert usage.total([*days.values()]).calls == 6


def test_count_is_due_only_when_enough_was_booked_and_does_nothing_twice(
	company: str, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
	record(60)
	monkeypatch.setattr(usage_counts, "BEHIND", 3)
	counted = f"SELECT counted_sequence FROM `tabCall Usage State` WHERE company = '{company}'"
	site.fresh()
	usage_counts.bring_forward()
	assert frappe.db.sql(counted) == ()
	record(60), record(60, 2)
	site.fresh()
	usage_counts.bring_forward()
	assert frappe.db.sql(counted) == ((4,),)
	before = frappe.get_all("Call Usage", {"company": company}, ["quarter", "calls"], order_by="quarter")
	usage_counts._bring_forward(company)
	after = frappe.get_all("Call Usage", {"company": company}, ["quarter", "calls"], order_by="quarter")
	assert before == after and sum(row.calls for row in after) == 3


@pytest.mark.parametrize("column", ["calls", "amount", "duration_sec", "billed_sec", "up_to_3m"])
def test_count_that_was_tampered_with_is_found(company: str, record: Record, column: str) -> None:
	record(61, 20)
	record(61)
	count(company)
	assert verify() == []
	oldest = "SELECT MIN(quarter) FROM (SELECT * FROM `tabCall Usage`) counted WHERE company = %s"
	frappe.db.sql(
		f"UPDATE `tabCall Usage` SET {column} = {column} + 1 WHERE company = %s AND quarter = ({oldest})",
		(company, company),
	)
	frappe.db.commit()
	# The quarter, and the day and the hours that it was rolled up into.
	assert [company in finding.subject for finding in verify()] == [True] * 3
	forget(company)


def test_summary_by_api_agrees_with_its_parts(company: str, customer: Api, record: Record) -> None:
	record(61), record(90, 26)
	answer = get(customer, "usage.summary", period="last_7_days")
	assert (answer["calls"], answer["duration_sec"], answer["average_sec"]) == (2, 151, 76)
	assert answer["cost"] == "1.057000"
	assert sum(Decimal(day["cost"]) for day in answer["per_day"]) == Decimal("1.057")
	assert len(answer["per_day"]) == 7 and len(answer["per_hour"]) == 24
	assert sum(hour["calls"] for hour in answer["per_hour"]) == 2
	assert sum(answer["per_length"].values()) == 2


def test_table_and_report_agree_with_the_summary(company: str, customer: Api, record: Record) -> None:
	record(61), record(90, 26)
	cost = get(customer, "usage.summary", period="last_7_days")["cost"]
	rows = csv.DictReader(
		io.StringIO(customer.get("usage.export", period="last_7_days", format="csv").content.decode())
	)
	assert sum(Decimal(row["amount"]) for row in rows) == Decimal(cost)
	answer = customer.get("usage.export", period="last_7_days", format="pdf")
	assert "Cost €1.057" in text_of(answer.content)


def test_periods_are_the_months_and_days_of_the_calendar() -> None:
	zone = zone_of("")
	now = datetime.now(zone).date()
	last_month = chosen("last_month", None, None, zone)
	assert (chosen(None, None, None, zone).first, chosen("this_month", None, None, zone).last) == (
		now.replace(day=1),
		now,
	)
	assert last_month.last == now.replace(day=1) - timedelta(days=1) and last_month.first.day == 1
	assert len(chosen("last_7_days", None, None, zone).days) == 7
	assert len(chosen("last_30_days", None, None, zone).days) == 30


@pytest.mark.parametrize(
	"arguments", [{"period": "ever"}, {"from_date": "2020-01-01"}, {"to_date": "2026-02-30"}]
)
def test_period_that_is_not_understood_or_too_long_is_refused(
	customer: Api, arguments: dict[str, str]
) -> None:
	answer = customer.get("usage.summary", **arguments)
	assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")
