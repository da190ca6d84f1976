"""Usage: how many calls, how long and what they cost, by day, by hour of day and by length.

A call counts on the day on which it began. Its cost is what is booked for it, corrections included, so the cost of all
calls of a period is exactly what the ledger holds for them; nothing is priced again. Calls without talk are no usage.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from prepaid_billing.calls import usage_rollups
from prepaid_billing.calls.usage_counts import Counts
from prepaid_billing.calls.usage_figures import Usage
from prepaid_billing.calls.usage_quarters import between, local_days, local_hours, span
from prepaid_billing.ledger.period import Period


def by_day(company: str, period: Period) -> dict[date, Usage]:
	"""Return the usage of each day of a period, also of those without calls."""
	counts = Counts(company)
	known = usage_rollups.days(company, period, counts.stale) if counts.is_there else {}
	rest = between(span(period), [span(Period(day, day, period.zone)) for day in sorted(known)])
	parts = counts.sums_by(local_days(period), rest)
	return {day: known.get(day) or parts.get(day.toordinal(), Usage()) for day in period.days}


def by_hour(company: str, period: Period) -> list[Usage]:
	"""Return the usage of each of the 24 hours that clocks show, over all days of a period."""
	counts = Counts(company)
	months, known = [], []
	if counts.time_zone == period.zone.key:
		months, known = usage_rollups.hours(company, period, counts.stale)
	parts = counts.sums_by(local_hours(period), between(span(period), months))
	hours = [parts.get(hour, Usage()) for hour in range(24)]
	for hour, used in known:
		hours[hour] += used
	return hours


def total(parts: Iterable[Usage]) -> Usage:
	"""Return all of them together."""
	return sum(parts, Usage())
