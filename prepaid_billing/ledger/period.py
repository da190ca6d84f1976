"""Days as a company counts them: from midnight to midnight of its own time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import frappe
from frappe.utils import get_system_timezone

from prepaid_billing.ledger import clock

MOST_MONTHS = 24
"""Months that are listed one by one."""


@dataclass(frozen=True, slots=True)
class Period:
	"""Whole days, both ends among them, in a time zone."""

	first: date
	last: date
	zone: ZoneInfo

	@property
	def start_us(self) -> int:
		"""The instant at which it begins."""
		return midnight(self.first, self.zone)

	@property
	def end_us(self) -> int:
		"""The instant at which it is over, itself outside."""
		return midnight(self.last + timedelta(days=1), self.zone)

	@property
	def days(self) -> list[date]:
		"""Its days, the first one first."""
		return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]

	@property
	def parts(self) -> list[Period]:
		"""Its calendar years where it has more than MOST_MONTHS months, else its months, or of one month its days."""
		months = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1
		part = 4 if months > MOST_MONTHS else 7 if months > 1 else 10
		# A day as ISO 8601 writes it begins with its month, which begins with its year.
		found = [[*days] for _name, days in groupby(self.days, lambda day: day.isoformat()[:part])]
		return [Period(days[0], days[-1], self.zone) for days in found]


def midnight(day: date, zone: ZoneInfo) -> int:
	"""Return the instant at which a day begins, in microseconds since 1970, UTC."""
	return clock.from_aware(datetime(day.year, day.month, day.day, tzinfo=zone))


def zone_of(company: str) -> ZoneInfo:
	"""Return the time zone of a company, which is the site's where it has none of its own."""
	own = frappe.db.sql("SELECT time_zone FROM `tabBilling Company` WHERE name = %s", (company,))
	return ZoneInfo((own and own[0][0]) or get_system_timezone())


def today(zone: ZoneInfo) -> date:
	"""Return the present day of a time zone, by the database's clock."""
	return clock.local_time(clock.now_us(), zone).date()
