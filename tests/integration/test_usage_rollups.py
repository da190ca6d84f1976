"""Usage that is rolled up by days and months is to the last decimal what the calls themselves come to."""

import random
import secrets
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import frappe
import pytest

from prepaid_billing.calls import cdr, usage, usage_counts
from prepaid_billing.calls.cdr import Cdr
from prepaid_billing.calls.usage_figures import Usage
from prepaid_billing.ledger import clock
from prepaid_billing.ledger.period import Period, today
from prepaid_billing.ledger.verify import verify
from tests import factories, site
from tests.integration.test_usage import booked_for, forget

ZONES = ("Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "America/Havana")
DAYS = 400
STEPS = 30


class Caller:
	"""A company that calls, corrects, counts and asks at random."""

	def __init__(self, zone: str, seed: str) -> None:
		self.random = random.Random(seed)
		self.company = factories.make_company("900000", time_zone=zone)
		self.zone = ZoneInfo(zone)
		self.calls: list[Cdr] = []

	def moment(self) -> int:
		"""Return an instant of the last year, often one close to a change of the clocks or to midnight."""
		day = today(self.zone) - timedelta(days=self.random.randrange(2, DAYS))
		if self.random.random() < 0.5:
			day = self.random.choice(changes(self.zone))
		midnight = Period(day, day, self.zone).start_us
		return (
			midnight
			+ self.random.choice((-1, 0, 899, 7_199, 9_000, 10_800, self.random.randrange(86_400)))
			* clock.SECOND
		)

	def call(self) -> None:
		"""Book some calls, of lengths on both sides of each border."""
		made = [
			Cdr(
				factories.new_id(),
				self.company,
				self.random.choice((1, 30, 31, 60, 61, 180, 181, 600, 601, 1800, 1801, 4000)),
				started_us=self.moment(),
			)
			for _n in range(self.random.randrange(1, 12))
		]
		self.book(made)
		self.calls += made

	def correct(self) -> None:
		"""Correct one of the calls; it may turn out to have been none."""
		if self.calls:
			old = self.calls.pop(self.random.randrange(len(self.calls)))
			new = replace(old, duration_sec=self.random.choice((0, 10, 500)), revision=old.revision + 1)
			self.book([new])
			self.calls.append(new)

	def book(self, cdrs: list[Cdr]) -> None:
		assert {outcome.result for outcome in cdr.book(cdrs)} == {cdr.ACCEPTED}

	def count(self) -> None:
		"""Bring the counts forward, as the job does."""
		site.fresh()
		usage_counts._bring_forward(self.company)

	def move(self) -> None:
		"""Live by other clocks from now on."""
		self.zone = ZoneInfo(self.random.choice(ZONES))
		doc = frappe.get_doc("Billing Company", self.company)
		doc.time_zone = self.zone.key
		doc.save()
		frappe.db.commit()

	def ask(self) -> None:
		"""Ask for the usage of a period, and compare it with what the calls come to."""
		first = today(self.zone) - timedelta(days=self.random.randrange(DAYS + 5))
		last = first + timedelta(days=self.random.choice((0, 1, 29, 100, 365)))
		period = Period(first, last, self.zone)
		site.fresh()
		days, hours = plainly(self.company, period)
		assert usage.by_day(self.company, period) == {day: days[day] for day in period.days}
		assert usage.by_hour(self.company, period) == [hours[hour] for hour in range(24)]
		assert sum((used.amount for used in days.values()), Decimal(0)) == booked_for(self.company, period)


def changes(zone: ZoneInfo) -> list[date]:
	"""Return the days of the last year on which clocks change, or else the first of the months."""
	days = [today(zone) - timedelta(days=number) for number in range(2, DAYS)]
	of_24_hours = 86_400 * clock.SECOND
	changed = [day for day in days if (one := Period(day, day, zone)).end_us - one.start_us != of_24_hours]
	return changed or [day for day in days if day.day == 1]


def plainly(company: str, period: Period) -> tuple[dict[date, Usage], dict[int, Usage]]:
	"""Return the usage of each day and hour by adding up the calls, one by one."""
	days, hours = defaultdict(Usage), defaultdict(Usage)
	for started_us, *figures in frappe.db.sql(
		"SELECT started_us, duration_sec, billed_sec, CAST(amount AS CHAR) FROM `tabCall Charge` "
		"WHERE company = %s AND status IN ('Charged', 'Expired') AND duration_sec > 0",
		(company,),
	):
		moment = datetime.fromtimestamp(started_us // clock.SECOND, period.zone)
		if period.first <= moment.date() <= period.last:
			days[moment.date()] += one_call(*figures)
			hours[moment.hour] += one_call(*figures)
	return days, hours


def one_call(seconds: int, billed: int, amount: str) -> Usage:
	border = next((number for number, most in enumerate((30, 60, 180, 600, 1800)) if seconds <= most), 5)
	lengths = [int(number == border) for number in range(6)]
	return Usage(1, seconds, billed, Decimal(amount).quantize(Decimal("0.000001")), *lengths)


@pytest.mark.parametrize("zone", ZONES)
def test_usage_is_what_the_calls_come_to_whatever_happened_in_which_order(zone: str) -> None:
	seed = secrets.token_hex(4)
	print("seed", zone, seed)
	caller = Caller(zone, seed)
	for _step in range(STEPS):
		kinds = (caller.call, caller.correct, caller.count, caller.ask, caller.ask)
		caller.random.choices(kinds, (4, 3, 3, 2, 2))[0]()
		if caller.random.random() < 0.05:
			caller.move()
	caller.ask()
	caller.count()
	for _time in range(5):
		caller.ask()
	site.fresh()
	assert verify() == []


@pytest.fixture
def counted() -> Iterator[Caller]:
	"""A company with calls of a year, all of them counted and rolled up."""
	caller = Caller("Europe/Berlin", "calm")
	for _n in range(5):
		caller.call()
	caller.count()
	yield caller
	forget(caller.company)


def year(zone: ZoneInfo) -> Period:
	last = today(zone)
	return Period(last - timedelta(days=365), last, zone)


def test_days_and_months_are_read_from_what_is_rolled_up(counted: Caller) -> None:
	"""Without the quarters of the months within, the figures are still there: nobody reads them."""
	before = (
		usage.by_day(counted.company, year(counted.zone)),
		usage.by_hour(counted.company, year(counted.zone)),
	)
	last_month = (today(counted.zone).replace(day=1) - timedelta(days=1)).replace(day=1)
	until = Period(last_month, last_month, counted.zone).start_us // clock.SECOND // 900
	since = year(counted.zone).start_us // clock.SECOND // 900 + 32 * 96
	frappe.db.sql(
		"DELETE FROM `tabCall Usage` WHERE company = %s AND quarter >= %s AND quarter < %s",
		(counted.company, since, until),
	)
	assert frappe.db.sql("SELECT ROW_COUNT()")[0][0] > 0
	after = (
		usage.by_day(counted.company, year(counted.zone)),
		usage.by_hour(counted.company, year(counted.zone)),
	)
	assert before == after


def test_other_clocks_are_counted_again_by_the_next_job_though_nothing_was_booked(counted: Caller) -> None:
	counted.zone = ZoneInfo("Australia/Lord_Howe")
	frappe.db.sql(
		"UPDATE `tabBilling Company` SET time_zone = %s WHERE name = %s", (counted.zone.key, counted.company)
	)
	frappe.db.commit()
	counted.ask()
	site.fresh()
	usage_counts.bring_forward()
	state = frappe.get_all("Call Usage State", {"company": counted.company}, pluck="time_zone")
	assert state == ["Australia/Lord_Howe"]
	counted.ask()
	site.fresh()
	assert verify() == []


@pytest.mark.parametrize("column", ["calls", "amount", "billed_sec", "longer"])
@pytest.mark.parametrize("hour", ["hour < 0", "hour >= 0"])
def test_rollup_that_was_tampered_with_is_found(counted: Caller, column: str, hour: str) -> None:
	oldest = f"SELECT MIN(first_quarter) FROM (SELECT * FROM `tabCall Usage Rollup`) r WHERE company = %s AND {hour}"
	frappe.db.sql(
		f"UPDATE `tabCall Usage Rollup` SET {column} = {column} + 1 "
		f"WHERE company = %s AND {hour} AND first_quarter = ({oldest})",
		(counted.company, counted.company),
	)
	frappe.db.commit()
	assert [counted.company in finding.subject for finding in verify()] == [True]
