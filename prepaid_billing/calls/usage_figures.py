"""What calls of a stretch of time come to, and how it is read from the database."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import ROUND_HALF_UP, Decimal

import frappe

from prepaid_billing.rating.money import ZERO

LENGTHS = {
	"up_to_30s": "duration_sec <= 30",
	"up_to_1m": "duration_sec > 30 AND duration_sec <= 60",
	"up_to_3m": "duration_sec > 60 AND duration_sec <= 180",
	"up_to_10m": "duration_sec > 180 AND duration_sec <= 600",
	"up_to_30m": "duration_sec > 600 AND duration_sec <= 1800",
	"longer": "duration_sec > 1800",
}
COLUMNS = ("calls", "duration_sec", "billed_sec", "amount", *LENGTHS)

EXACTLY = ", ".join(COLUMNS).replace("amount", "CAST(amount AS CHAR)")
"""COLUMNS of a query that groups nothing."""

_SUMS = ", ".join(
	f"CAST(SUM({column}) AS CHAR)" if column == "amount" else f"SUM({column})" for column in COLUMNS
)
_BY = "SELECT {key} AS part, " + _SUMS + " FROM ({counted}) counted GROUP BY part"

STORED = f"SELECT quarter, {', '.join(COLUMNS)} FROM `tabCall Usage` WHERE company = %s AND ({{quarters}})"
"""The query of what is counted by quarters of an hour."""


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

	@classmethod
	def read(cls, row: tuple) -> Usage:
		"""Return the usage of COLUMNS as the database gives them, the amount as text."""
		calls, duration, billed, amount, *lengths = row
		return cls(int(calls), int(duration), int(billed), Decimal(amount).quantize(ZERO), *map(int, lengths))


def sums_by(key: str, query: str, values: list[object]) -> dict[int, Usage]:
	"""Return the sums of a query of COLUMNS by an SQL expression of its rows."""
	found = frappe.db.sql(_BY.format(key=key, counted=query), values)
	return {int(part): Usage.read(row) for part, *row in found}
