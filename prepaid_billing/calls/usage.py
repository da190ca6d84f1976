"""Usage: how many calls, how long and what they cost, by day, by hour of day and by length.

A call counts on the day on which it began. Its cost is what is booked for it, corrections included, so the cost of all
calls of a period is exactly what the ledger holds for them; nothing is priced again. Calls without talk are no usage.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import frappe

from prepaid_billing.calls import usage_rollups
from prepaid_billing.calls.usage_counts import Counts
from prepaid_billing.calls.usage_figures import Usage
from prepaid_billing.calls.usage_quarters import between, local_days, local_hours, span
from prepaid_billing.ledger.period import Period
from prepaid_billing.rating.money import from_database

_DETAILS = """
	SELECT name, call_id, caller, callee, started_us, duration_sec, billed_sec, not_billable, overrun,
		CAST(rate_per_minute AS CHAR) AS rate_per_minute
	FROM `tabCall Charge` WHERE name IN %s
"""


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


def details(names: list[str]) -> dict[str, frappe._dict]:
	"""Return what a customer sees of calls, by the name of their Call Charge."""
	found = frappe.db.sql(_DETAILS, (names,), as_dict=True) if names else []
	for call in found:
		call.rate_per_minute = from_database(call.rate_per_minute)
	return {call.name: call for call in found}
