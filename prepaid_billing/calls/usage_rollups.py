"""Usage rolled up from its quarters of an hour: a row for each day, and one for each hour of the clock in each month.

Days and months are those of the company's time zone. A row says which quarters it adds up, and is written together with
their counts; so it is right for whoever asks for just these quarters, where none of them has had a call settled since. What is
not rolled up is read by quarters, so nothing hangs on these rows but time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import frappe

from prepaid_billing.calls.usage_figures import COLUMNS, EXACTLY, STORED, Usage, sums_by
from prepaid_billing.calls.usage_quarters import QUARTER_US, Span, local_days, local_hours, span, within
from prepaid_billing.ledger import clock, rows
from prepaid_billing.ledger.period import Period

WHOLE_DAY = -1
"""Where other rows have the hour that they stand for, in a month."""

_ROWS = f"""
	SELECT first_quarter, end_quarter, hour, {EXACTLY} FROM `tabCall Usage Rollup`
	WHERE company = %s AND first_quarter >= %s AND first_quarter < %s AND {{which}}
"""
_FORGET = "DELETE FROM `tabCall Usage Rollup` WHERE company = %s"
_OF_MONTH = " AND first_quarter >= %s AND first_quarter < %s"

Row = tuple[Span, int, Usage]


def days(company: str, period: Period, stale: list[int]) -> dict[date, Usage]:
	"""Return the days of a period that are rolled up."""
	wanted = {_span(day, day, period.zone): day for day in period.days}
	return {wanted[part]: used for part, _hour, used in _found(company, f"hour = {WHOLE_DAY}", wanted, stale)}


def hours(company: str, period: Period, stale: list[int]) -> tuple[list[Span], list[tuple[int, Usage]]]:
	"""Return the months within a period that are rolled up, and the usage of their hours."""
	wanted = dict.fromkeys(
		_span(first, last, period.zone)
		for first, last in map(month_of, period.days)
		if first >= period.first and last <= period.last
	)
	found = list(_found(company, "hour >= 0", wanted, stale))
	return sorted({part for part, _hour, _used in found}), [(hour, used) for _part, hour, used in found]


def write(company: str, zone: ZoneInfo, quarters: Iterable[int]) -> None:
	"""Roll up again the months in which quarters lie that were counted afresh."""
	touched = {clock.local_time(quarter * QUARTER_US, zone).date() for quarter in quarters}
	for first, last in sorted(set(map(month_of, touched))):
		_write_month(company, Period(first, last, zone))


def forget(company: str) -> None:
	"""Drop what is rolled up of a company: its days are other ones now."""
	frappe.db.sql(_FORGET, (company,))


def month_of(day: date) -> tuple[date, date]:
	"""Return the first and the last day of a day's month."""
	first = day.replace(day=1)
	return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _span(first: date, last: date, zone: ZoneInfo) -> Span:
	return span(Period(first, last, zone))


def _found(company: str, which: str, wanted: dict[Span, object], stale: list[int]) -> Iterator[Row]:
	"""Yield the rows that add up just the quarters of a wanted stretch, none of which is stale; those are in order."""
	if not wanted:
		return
	first, end = min(wanted)[0], max(wanted)[0] + 1
	for start, stop, hour, *figures in frappe.db.sql(_ROWS.format(which=which), (company, first, end)):
		if (start, stop) in wanted and bisect_left(stale, start) == bisect_left(stale, stop):
			yield (start, stop), hour, Usage.read(figures)


def _write_month(company: str, month: Period) -> None:
	"""Read first, then written: INSERT ... SELECT would lock what it reads."""
	whole = span(month)
	stored = STORED.format(quarters=within("quarter", [whole]))
	of_days = {
		date.fromordinal(day): used for day, used in sums_by(local_days(month), stored, [company]).items()
	}
	of_hours = sums_by(local_hours(month), stored, [company])
	frappe.db.sql(_FORGET + _OF_MONTH, (company, *whole))
	written = [
		*(_row(company, _span(day, day, month.zone), WHOLE_DAY, used) for day, used in of_days.items()),
		*(_row(company, whole, hour, used) for hour, used in of_hours.items()),
	]
	if written:
		rows.insert("Call Usage Rollup", clock.now_us(), *written)


def _row(company: str, part: Span, hour: int, used: Usage) -> dict[str, object]:
	figures = {column: getattr(used, column) for column in COLUMNS}
	span_columns = dict(zip(("first_quarter", "end_quarter"), part, strict=True))
	return {"name": rows.new_name(), "company": company, **span_columns, "hour": hour, **figures}
