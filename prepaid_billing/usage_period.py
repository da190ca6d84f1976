"""The periods that usage is asked for, in words or in days; for the API and the pages alike."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from frappe import _

from prepaid_billing.exceptions import InvalidInput
from prepaid_billing.ledger.period import Period, today

THIS_MONTH, LAST_MONTH, LAST_7_DAYS, LAST_30_DAYS = "this_month", "last_month", "last_7_days", "last_30_days"
PERIODS = (THIS_MONTH, LAST_MONTH, LAST_7_DAYS, LAST_30_DAYS)
LONGEST = 366
"""Days of one report."""


def chosen(period: str | None, first: date | None, last: date | None, zone: ZoneInfo) -> Period:
	"""Return the days that were asked for; this month where nothing was. Today is the last of the last 7 or 30 days.

	Days beat words, and an open end is the present month's or today. Raises InvalidInput for more than LONGEST days.
	"""
	now = today(zone)
	if first or last:
		end = last or max(now, first or now)
		days = Period(first or end.replace(day=1), end, zone)
		if len(days.days) > LONGEST:
			raise InvalidInput(_("Usage is shown for up to {0} days at a time.").format(LONGEST))
		return days
	if period in (LAST_7_DAYS, LAST_30_DAYS):
		return Period(now - timedelta(days=6 if period == LAST_7_DAYS else 29), now, zone)
	if period == LAST_MONTH:
		end = now.replace(day=1) - timedelta(days=1)
		return Period(end.replace(day=1), end, zone)
	return Period(now.replace(day=1), now, zone)
