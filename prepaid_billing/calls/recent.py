"""What the calls of a company have cost of late, for pages and mails. Never for a decision about money."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import frappe
from frappe.utils import get_system_timezone

from prepaid_billing.ledger import clock
from prepaid_billing.rating.money import from_database

WEEK = 7
"""Days that tell how long a balance will last."""

DAY_US = 86_400 * clock.SECOND

# Answered by the index pb_call_use alone, whatever the age of the company.
_USE = """
	SELECT COUNT(*), COALESCE(SUM(duration_sec), 0), CAST(SUM(amount) AS CHAR) FROM `tabCall Charge`
	WHERE company = %s AND started_us >= %s AND started_us < %s AND billed_sec > 0
"""


@dataclass(frozen=True, slots=True)
class Use:
	"""Calls that were answered, how long was talked in seconds, and what they cost in major units."""

	calls: int
	seconds: int
	cost: Decimal


@dataclass(frozen=True, slots=True)
class Month:
	"""A month up to now, beside the month before up to the same day and time, ``until``."""

	now: datetime
	use: Use
	until: datetime
	before: Use


def use_between(company: str, from_us: int, to_us: int) -> Use:
	"""Return the use by calls that began in a span of time: from an instant, up to but without another one."""
	calls, seconds, cost = frappe.db.sql(_USE, (company, from_us, to_us))[0]
	return Use(calls, int(seconds), from_database(cost))


def use_of_days(company: str, days: int) -> Use:
	"""Return the use of the last days, counted back from now."""
	now_us = clock.now_us()
	return use_between(company, now_us - days * DAY_US, now_us + 1)


def days_left(available: Decimal, week: Use) -> int | None:
	"""Return the whole days that a balance lasts at the use of a week, or None where that cost nothing."""
	return int(max(available, Decimal()) * WEEK / week.cost) if week.cost > 0 else None


def month_so_far(company: str) -> Month:
	"""Return this month of a company, by its own calendar, beside the month before up to the same day and time."""
	now_us = clock.now_us()
	now = (clock.EPOCH + timedelta(microseconds=now_us)).astimezone(zone_of(company))
	begins, before_begins, until = _months(now)
	return Month(
		now=now,
		use=use_between(company, clock.from_aware(begins), now_us + 1),
		until=until,
		before=use_between(company, clock.from_aware(before_begins), clock.from_aware(until)),
	)


def zone_of(company: str) -> ZoneInfo:
	"""Return the time zone by which a company counts its days: its own, else the site's."""
	return ZoneInfo(frappe.db.get_value("Billing Company", company, "time_zone") or get_system_timezone())


def _months(now: datetime) -> tuple[datetime, datetime, datetime]:
	"""Return when this month began, when the one before did, and the same day and time in that one."""
	begins = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
	last_day = begins.date() - timedelta(days=1)
	before_begins = begins.replace(year=last_day.year, month=last_day.month)
	until = begins if now.day > last_day.day else now.replace(year=last_day.year, month=last_day.month)
	return begins, before_begins, until
