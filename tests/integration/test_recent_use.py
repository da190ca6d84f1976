"""What the pages say about use: the calls of the week and of the month, and how long a balance lasts."""

from datetime import date, timedelta
from decimal import Decimal

import frappe
import pytest

from prepaid_billing.calls import cdr, live, recent, session
from prepaid_billing.ledger import clock
from prepaid_billing.ledger.period import midnight, today, zone_of
from prepaid_billing.portal import overview
from tests import site
from tests.client import Api
from tests.factories import make_api_customer, make_company, new_id


def call(company: str, seconds: int, days_ago: int = 0) -> None:
	"""Charge a call that began some days ago, at the company's midnight."""
	zone = zone_of(company)
	started = midnight(today(zone) - timedelta(days=days_ago), zone)
	(answer,) = cdr.book([cdr.Cdr(new_id(), company, seconds, started_us=started)])
	assert answer.result == cdr.ACCEPTED, answer


def test_the_week_counts_its_calls_alone_and_tells_how_long_the_balance_lasts() -> None:
	company = make_company("20")
	call(company, 600)
	call(company, 300, days_ago=6)
	call(company, 600, days_ago=7)
	week = recent.recent(company).week
	assert (week.calls, week.amount) == (2, Decimal("6.3"))
	assert week == recent.of_last_days(company, recent.WEEK)
	a_day = recent.per_day(company, week)
	assert Decimal("6.3") / 7 <= a_day < Decimal("6.3") / 6
	assert recent.days_left(Decimal("9.5"), a_day) == int(Decimal("9.5") / a_day)
	assert recent.days_left(Decimal("-1"), a_day) == 0


def test_days_without_calls_count_for_who_has_called_before() -> None:
	company = make_company("20")
	call(company, 600, days_ago=20)
	call(company, 600)
	a_day = recent.per_day(company, recent.of_last_days(company, recent.WEEK))
	assert Decimal("4.2") / 7 <= a_day < Decimal("4.2") / 6


def test_a_company_that_did_not_call_has_no_end_in_sight() -> None:
	company = make_company("5")
	a_day = recent.per_day(company, recent.of_last_days(company, recent.WEEK))
	assert (a_day, recent.days_left(Decimal(5), a_day)) == (0, None)


def lasts(company: str) -> str:
	site.fresh()
	return str(overview.overview(company)["days"])


def test_use_is_measured_over_the_time_since_its_first_call_and_at_least_a_day() -> None:
	company = make_company("28")
	ago_us = clock.now_us() - 2 * 3600 * clock.SECOND
	(answer,) = cdr.book([cdr.Cdr(new_id(), company, 2000, started_us=ago_us)])
	assert answer.result == cdr.ACCEPTED
	# 14 of 28 were spent within two hours: what is left lasts one such day, not seven.
	assert lasts(company) == "about 1 day"
	for days, words in ((1, "about 1 day"), (3, "about 3 days"), (5, "about 5 days")):
		with site.later(days * 86_400):
			assert lasts(company) == words


@pytest.mark.parametrize(
	"day,before",
	[("2026-11-25", "2026-10-25"), ("2026-03-31", "2026-02-28"), ("2026-01-01", "2025-12-01")],
)
def test_the_month_before_ends_on_the_same_day_or_on_its_last_one(day: str, before: str) -> None:
	assert recent.same_day_of_month_before(date.fromisoformat(day)) == date.fromisoformat(before)


def test_this_month_and_the_month_before_up_to_the_same_day_are_told_apart() -> None:
	company = make_company("50", time_zone="Pacific/Auckland")
	day = today(zone_of(company))
	until = recent.same_day_of_month_before(day)
	call(company, 60, days_ago=day.day - 1)
	call(company, 120, days_ago=day.day)
	call(company, 180, days_ago=(day - until).days)
	found = recent.recent(company)
	assert found.month.calls == 1
	# Both calls lie within the month before where its last day counts as well.
	assert found.month_before.calls == (2 if (until + timedelta(days=1)).day == 1 else 1)


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
