"""What the calls of a company have cost of late, for pages and mails. Never for a decision about money."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from prepaid_billing.calls import usage
from prepaid_billing.calls.usage_counts import first_since, is_used_before
from prepaid_billing.calls.usage_figures import Usage
from prepaid_billing.ledger import clock
from prepaid_billing.ledger.period import Period, midnight, today, zone_of

WEEK = 7
"""Days that tell how long a balance will last."""

MONTH = 30
"""Days that tell what a top-up should be worth."""

_DAY_US = 86_400 * clock.SECOND


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


def per_day(company: str, week: Usage) -> Decimal:
	"""Return what a day costs at the use of the last seven days, ``week``, or 0 where that cost nothing.

	Measured over the seven days up to now, because today is not over; for who has called for the first time since, over
	the time since then, at least a day: they have not had days without calls, as others have theirs.
	"""
	if week.amount <= 0:
		return Decimal()
	zone = zone_of(company)
	begins_us = midnight(today(zone) - timedelta(days=WEEK - 1), zone)
	since_us = begins_us
	if not is_used_before(company, begins_us):
		since_us = first_since(company, begins_us) or begins_us
	return week.amount / max(Decimal(clock.now_us() - since_us) / _DAY_US, Decimal(1))


def days_left(available: Decimal, a_day: Decimal) -> int | None:
	"""Return the whole days that a balance lasts where a day costs ``a_day``, or None where it costs nothing."""
	return int(max(available, Decimal()) / a_day) if a_day > 0 else None


def same_day_of_month_before(day: date) -> date:
	"""Return the same day of the month before, or its last day where it is shorter."""
	last = day.replace(day=1) - timedelta(days=1)
	return last.replace(day=min(day.day, last.day))
