"""Instants. The database's clock decides, as UTC microseconds in a whole number; the rest is display."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import frappe
from frappe.utils import get_system_timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
SECOND = 1_000_000
NOW = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))"
"""SQL for the present instant. Unlike UNIX_TIMESTAMP(NOW()) it is not ambiguous when clocks go back."""


def now_us() -> int:
	"""Return the present instant by the database's clock, in microseconds since 1970, UTC."""
	return frappe.db.sql(f"SELECT {NOW}")[0][0]


def site_time(instant_us: int) -> datetime:
	"""Return an instant as Frappe stores Datetimes: naive, in the time zone of the site."""
	return local_time(instant_us, ZoneInfo(get_system_timezone()))


def local_time(instant_us: int, zone: ZoneInfo) -> datetime:
	"""Return an instant as the clocks of a time zone show it, naive."""
	return (EPOCH + timedelta(microseconds=instant_us)).astimezone(zone).replace(tzinfo=None)


def from_site_time(moment: datetime) -> int:
	"""Return the instant of a naive Datetime of the site, in microseconds since 1970, UTC.

	An hour that the clocks repeat is taken for its first pass.
	"""
	return from_aware(moment.replace(tzinfo=ZoneInfo(get_system_timezone())))


def from_aware(moment: datetime) -> int:
	"""Return the instant of a Datetime that knows its offset, in microseconds since 1970, UTC."""
	return (moment - EPOCH) // timedelta(microseconds=1)


def iso(instant_us: int) -> str:
	"""Return an instant as API answers carry it: ISO 8601 in UTC, such as ``2026-11-22T14:05:00.000000+00:00``."""
	return (EPOCH + timedelta(microseconds=instant_us)).isoformat(timespec="microseconds")
