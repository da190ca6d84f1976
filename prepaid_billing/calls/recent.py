"""What the calls of a company have cost of late, for pages and mails. Never for a decision about money."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from prepaid_billing.calls import usage
from prepaid_billing.calls.usage_figures import Usage
from prepaid_billing.ledger.period import Period, today, zone_of

WEEK = 7
"""Days that tell how long a balance will last."""

MONTH = 30
"""Days that tell what a top-up should be worth."""


@dataclass(frozen=True, slots=True)
class Recent:
	"""This month up to ``day``, the month before up to the same day (``until``), and the last seven days."""

	day: date
	month: Usage
	until: date
	month_before: Usage
	week: Usage


def recent(company: str) -> Recent:
	"""Return the use of a company up to today, by its own calendar, in one query."""
	zone = zone_of(company)
	day = today(zone)
	begins, until = day.replace(day=1), same_day_of_month_before(day)
	days = usage.by_day(company, Period(until.replace(day=1), day, zone))

	def total(first: date, last: date) -> Usage:
		return usage.total([use for when, use in days.items() if first <= when <= last])

	return Recent(
		day=day,
		month=total(begins, day),
		until=until,
		month_before=total(until.replace(day=1), until),
		week=total(day - timedelta(days=WEEK - 1), day),
	)


def of_last_days(company: str, days: int) -> Usage:
	"""Return the use of the last days, today among them."""
	zone = zone_of(company)
	day = today(zone)
	return usage.total(
		list(usage.by_day(company, Period(day - timedelta(days=days - 1), day, zone)).values())
	)


def days_left(available: Decimal, week: Usage) -> int | None:
	"""Return the whole days that a balance lasts at the use of a week, or None where that cost nothing."""
	return int(max(available, Decimal()) * WEEK / week.amount) if week.amount > 0 else None


def same_day_of_month_before(day: date) -> date:
	"""Return the same day of the month before, or its last day where it is shorter."""
	last = day.replace(day=1) - timedelta(days=1)
	return last.replace(day=min(day.day, last.day))
