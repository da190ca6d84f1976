"""Usage: how many calls, how long and what they cost, by day, by hour of day and by length.

A call counts on the day on which it began. Its cost is what is booked for it, corrections included, so the cost of all
calls of a period is exactly what the ledger holds for them; nothing is priced again. Calls without talk are no usage.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import frappe

from prepaid_billing.calls import usage_counts
from prepaid_billing.calls.usage_counts import COLUMNS, LENGTHS
from prepaid_billing.ledger import clock
from prepaid_billing.ledger.period import Period
from prepaid_billing.rating.money import ZERO

EPOCH = date(1970, 1, 1)

_SUMS = ", ".join(
	f"CAST(SUM({column}) AS CHAR)" if column == "amount" else f"SUM({column})" for column in COLUMNS
)
_BY = "SELECT {key} AS part, " + _SUMS + " FROM ({counted}) counted GROUP BY part ORDER BY part"


@dataclass(frozen=True, slots=True)
class Usage:
	"""Calls with their real and billed seconds, their cost in major units, and how many were of each length."""

	calls: int = 0
	duration_sec: int = 0
	billed_sec: int = 0
	amount: Decimal = ZERO
	up_to_30s: int = 0
	up_to_1m: int = 0
	up_to_3m: int = 0
	up_to_10m: int = 0
	up_to_30m: int = 0
	longer: int = 0

	def __add__(self, other: Usage) -> Usage:
		return Usage(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

	@property
	def lengths(self) -> dict[str, int]:
		"""How many calls were of each length."""
		return {name: getattr(self, name) for name in LENGTHS}

	@property
	def minutes(self) -> Decimal:
		"""The billed seconds in minutes, rounded half up to six decimals."""
		return (Decimal(self.billed_sec) / 60).quantize(ZERO, ROUND_HALF_UP)

	@property
	def average_sec(self) -> int:
		"""Their average real length in whole seconds, half a second up."""
		return (2 * self.duration_sec + self.calls) // (2 * self.calls) if self.calls else 0


def by_day(company: str, period: Period) -> dict[date, Usage]:
	"""Return the usage of each day of a period, also of those without calls."""
	parts = _by(company, period, f"({_local_seconds(period)}) DIV 86400")
	return {day: parts.get((day - EPOCH).days, Usage()) for day in period.days}


def by_hour(company: str, period: Period) -> list[Usage]:
	"""Return the usage of each of the 24 hours that clocks show, over all days of a period."""
	parts = _by(company, period, f"({_local_seconds(period)}) DIV 3600 MOD 24")
	return [parts.get(hour, Usage()) for hour in range(24)]


def total(parts: list[Usage]) -> Usage:
	"""Return all of them together."""
	return sum(parts, Usage())


def _by(company: str, period: Period, key: str) -> dict[int, Usage]:
	counted, values = usage_counts.counted(company, period.start_us, period.end_us)
	found = {}
	for part, *sums in frappe.db.sql(_BY.format(key=key, counted=counted), values):
		columns = dict(zip(COLUMNS, sums, strict=True))
		amount = Decimal(columns.pop("amount")).quantize(ZERO)
		found[int(part)] = Usage(amount=amount, **{name: int(value) for name, value in columns.items()})
	return found


def _local_seconds(period: Period) -> str:
	"""Return the SQL of what the clocks of the period's zone show at a quarter, in seconds since 1970."""
	cases = "".join(
		f" WHEN quarter >= {quarter} THEN {offset}" for quarter, offset in _offsets(period.zone, period)
	)
	return f"quarter * {usage_counts.QUARTER} + CASE{cases} END"


def _offsets(zone: ZoneInfo, period: Period) -> Iterator[tuple[int, int]]:
	"""Yield from which quarter on the clocks are how many seconds ahead of UTC, the latest change first.

	Clocks change on the quarter in every zone of today, so a quarter has one offset.
	"""
	changes: list[tuple[int, int]] = []
	for quarter in _candidates(period):
		moment = clock.EPOCH + timedelta(seconds=quarter * usage_counts.QUARTER)
		offset = int(moment.astimezone(zone).utcoffset().total_seconds())
		if not changes or changes[-1][1] != offset:
			changes.append((quarter, offset))
	yield from reversed(changes)


def _candidates(period: Period) -> Iterator[int]:
	"""Yield the first quarter of each day of a period, and every quarter of a day on which the clocks change."""
	quarter_us = usage_counts.QUARTER * clock.SECOND
	for day in period.days:
		one = Period(day, day, period.zone)
		first, end = one.start_us // quarter_us, one.end_us // quarter_us
		yield from range(first, end) if end - first != 86_400 // usage_counts.QUARTER else [first]
