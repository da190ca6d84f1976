"""Quarters of an hour since 1970, and the days and hours that clocks make of them.

Every time zone of today is whole quarters ahead of UTC and changes its clocks on one, so quarters make up the days of them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

from prepaid_billing.ledger import clock
from prepaid_billing.ledger.period import Period

QUARTER = 900
"""Seconds."""

QUARTER_US = QUARTER * clock.SECOND

_EPOCH = clock.EPOCH.toordinal()

Span = tuple[int, int]
"""A stretch of quarters: the first, and the one after its last."""


def span(period: Period) -> Span:
	"""Return the quarters of a period."""
	return period.start_us // QUARTER_US, period.end_us // QUARTER_US


def runs(quarters: list[int]) -> Iterator[Span]:
	"""Yield each run without a gap of quarters that are in order."""
	first = end = quarters[0]
	for quarter in quarters:
		if quarter > end:
			yield first, end
			first = quarter
		end = quarter + 1
	yield first, end


def between(whole: Span, parts: list[Span]) -> list[Span]:
	"""Return what is left of a stretch without some parts of it that are in order."""
	ends = [whole[0], *(end for _first, end in parts)]
	firsts = [*(first for first, _end in parts), whole[1]]
	return [(end, first) for end, first in zip(ends, firsts, strict=True) if end < first]


def within(column: str, spans: list[Span], unit: int = 1) -> str:
	"""Return the SQL that says whether a column, in units of which a quarter has so many, lies in one of the spans."""
	return " OR ".join(f"{column} >= {first * unit} AND {column} < {end * unit}" for first, end in spans)


def local_days(period: Period) -> str:
	"""Return the SQL of the day on which a quarter of a period lies, counted from year 1 as Python does."""
	return f"({_local_seconds(period)}) DIV 86400 + {_EPOCH}"


def local_hours(period: Period) -> str:
	"""Return the SQL of the hour that clocks show at a quarter of a period."""
	return f"({_local_seconds(period)}) DIV 3600 MOD 24"


def _local_seconds(period: Period) -> str:
	"""Return the SQL of what the clocks of the period's zone show at a quarter, in seconds since 1970."""
	cases = "".join(f" WHEN quarter >= {quarter} THEN {offset}" for quarter, offset in _offsets(period))
	return f"quarter * {QUARTER} + CASE{cases} END"


def _offsets(period: Period) -> Iterator[tuple[int, int]]:
	"""Yield from which quarter on the clocks are how many seconds ahead of UTC, the latest change first."""
	changes: list[tuple[int, int]] = []
	for quarter in _candidates(period):
		offset = _ahead(quarter, period.zone)
		if not changes or changes[-1][1] != offset:
			changes.append((quarter, offset))
	yield from reversed(changes)


def _ahead(quarter: int, zone: ZoneInfo) -> int:
	moment = clock.EPOCH + timedelta(seconds=quarter * QUARTER)
	return int(moment.astimezone(zone).utcoffset().total_seconds())


def _candidates(period: Period) -> Iterator[int]:
	"""Yield the first quarter of each day of a period, and every quarter of a day on which the clocks change."""
	for day in period.days:
		first, end = span(Period(day, day, period.zone))
		yield from range(first, end) if end - first != 86_400 // QUARTER else [first]
