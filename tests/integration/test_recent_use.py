"""What the pages say about use: the calls of the week and of the month, and how long a balance lasts."""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import frappe
import pytest

from prepaid_billing.calls import cdr, live, recent, session
from prepaid_billing.ledger import clock
from tests import site
from tests.client import Api
from tests.factories import make_api_customer, make_company, new_id


def call(company: str, seconds: int, days_ago: float = 0) -> None:
	"""Charge a call that began some days ago."""
	started = clock.now_us() - int(days_ago * recent.DAY_US)
	(answer,) = cdr.record([cdr.Cdr(new_id(), company, seconds, started_us=started)])
	assert answer["result"] == "accepted", answer


def test_the_week_counts_its_calls_alone_and_tells_how_long_the_balance_lasts() -> None:
	company = make_company("20")
	call(company, 600, days_ago=1)
	call(company, 300, days_ago=6.9)
	call(company, 600, days_ago=7.1)
	week = recent.use_of_days(company, 7)
	assert week == recent.Use(2, 900, Decimal("6.3"))
	assert recent.days_left(Decimal("9.5"), week) == 10
	assert recent.days_left(Decimal("-1"), week) == 0


def test_a_company_that_did_not_call_has_no_end_in_sight() -> None:
	assert recent.days_left(Decimal(5), recent.use_of_days(make_company("5"), 7)) is None


def test_calls_that_were_not_answered_are_no_use() -> None:
	company = make_company("20")
	call(company, 0)
	session.authorize(new_id(), company)
	assert recent.use_of_days(company, 7).calls == 0


@pytest.mark.parametrize(
	"now,begins,before,until",
	[
		("2026-11-25T14:05:00", "2026-11-01T00:00:00", "2026-10-01T00:00:00", "2026-10-25T14:05:00"),
		("2026-03-31T09:00:00", "2026-03-01T00:00:00", "2026-02-01T00:00:00", "2026-03-01T00:00:00"),
		("2026-01-01T00:00:00", "2026-01-01T00:00:00", "2025-12-01T00:00:00", "2025-12-01T00:00:00"),
	],
)
def test_the_month_before_is_counted_up_to_the_same_day_and_time(
	now: str, begins: str, before: str, until: str
) -> None:
	zone = ZoneInfo("Europe/Berlin")
	moments = [datetime.fromisoformat(text).replace(tzinfo=zone) for text in (now, begins, before, until)]
	assert list(recent._months(moments[0])) == moments[1:]


def test_a_month_begins_at_midnight_of_the_company() -> None:
	company = make_company("50", time_zone="Pacific/Auckland")
	month = recent.month_so_far(company)
	begins = month.now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
	for seconds in (-60, 60):
		started = clock.from_aware(begins + timedelta(seconds=seconds))
		cdr.record([cdr.Cdr(new_id(), company, 60, started_us=started)])
	with site.later(120):
		assert recent.month_so_far(company).use.calls == 1


def test_sums_of_use_agree_with_the_ledger_to_the_last_decimal() -> None:
	company = make_company("50")
	for seconds in (1, 7, 61, 333):
		call(company, seconds)
	booked = frappe.db.sql(
		"SELECT CAST(SUM(amount) AS CHAR) FROM `tabBalance Transaction` WHERE balance = %s AND amount < 0",
		(company,),
	)[0][0]
	assert recent.use_of_days(company, 1).cost == -Decimal(booked)


def test_use_is_read_from_its_index_alone() -> None:
	plan = frappe.db.sql(f"EXPLAIN {recent._USE}", ("Nobody", 0, clock.now_us()), as_dict=True)[0]
	assert (plan.key, "Using index" in plan.Extra) == ("pb_call_use", True)


def test_a_running_call_costs_what_it_has_talked_so_far_and_never_more_than_its_grant() -> None:
	company, name = make_company("50"), new_id()
	session.authorize(name, company, callee="+4930555")
	(ringing,) = live.running(company, 5)
	assert (ringing.is_answered, ringing.cost) == (False, 0)
	answered = clock.now_us()
	session.extend(name, 10, 1, answered_us=answered)
	(talking,) = live.running(company, 5)
	assert talking.is_answered and talking.seconds >= 10
	with site.later(3600):
		(long,) = live.running(company, 5)
		granted = frappe.db.get_value("Call Charge", {"call_id": name}, "granted_seconds")
		assert (long.seconds, long.cost) == (granted, Decimal("0.42") * granted / 60)
	session.end(name, 20)
	assert live.running(company, 5) == []


def test_a_customer_sees_running_calls_of_the_own_company_alone() -> None:
	company, other = make_company("50"), make_company("50")
	session.authorize(new_id(), company, callee="+4930555")
	customer = Api(make_api_customer(company))
	answer = customer.get("calls.running").json()["message"]
	assert [(row["callee"], row["amount"]) for row in answer["calls"]] == [("+4930555", "0.000000")]
	assert answer["available"] == "49.580000" and answer["reserved_balance"] == "0.420000"
	foreign, missing = (customer.get("calls.running", company=name) for name in (other, "None"))
	assert (foreign.status_code, foreign.json()) == (404, missing.json())
