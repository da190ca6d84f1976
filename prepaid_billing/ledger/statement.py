"""The history of a balance as people and programs ask for it: by days and by type, newest first, with its sums.

Times of booking never go backwards within a balance, so a period is a stretch of sequences: found by the index of
times, paged by the index of sequences, summed by checkpoints. None of it depends on how long the ledger is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import frappe

from prepaid_billing.ledger import checkpoints, clock
from prepaid_billing.ledger.checkpoints import Sums
from prepaid_billing.ledger.period import Period, midnight
from prepaid_billing.rating.money import ZERO, from_database

MONEY_IN = ("Top-up", "Bonus")
CALLS = ("Call Charge", "Call Correction")
OTHER = ("Refund", "Dispute", "Dispute Reversal", "Adjustment")
TYPES = (*MONEY_IN, *CALLS, *OTHER)

_FOR_EVER = 2**62

WINDOW = 2_000
"""Entries that an export reads at a time."""

_ENTRIES = """
	SELECT name, sequence, transaction_type, description, CAST(amount AS CHAR) AS amount,
		CAST(balance_after AS CHAR) AS balance_after, currency, booked_us, reference_doctype, reference_name
	FROM `tabBalance Transaction` FORCE INDEX ({index})
	WHERE balance = %(company)s AND sequence > %(after)s AND sequence <= %(upto)s {kinds}
	ORDER BY sequence {order} LIMIT %(limit)s
"""
_BEFORE = """(
	SELECT sequence FROM `tabBalance Transaction` WHERE balance = %s AND booked_us < %s
	ORDER BY booked_us DESC, sequence DESC LIMIT 1
)"""
_BALANCES = """
	SELECT sequence, CAST(balance_after AS CHAR) FROM `tabBalance Transaction` WHERE balance = %s AND sequence IN %s
"""
_BOOKED = "SELECT booked_us FROM `tabBalance Transaction` WHERE balance = %s AND sequence IN %s"


@dataclass(frozen=True, slots=True)
class Stretch:
	"""Entries of a company after one sequence and up to another, of some types or of all."""

	company: str
	after: int
	upto: int
	kinds: tuple[str, ...] = ()


def between(
	company: str, first: date | None, last: date | None, zone: ZoneInfo, kinds: tuple[str, ...] = ()
) -> Stretch:
	"""Return the entries booked from one day to another, both among them; None leaves an end open."""
	ends = [
		midnight(first, zone) if first else 0,
		midnight(last + timedelta(days=1), zone) if last else _FOR_EVER,
	]
	after, upto = sequences_before(company, ends)
	return Stretch(company, after, upto, kinds)


def named(wanted: Stretch, first: date | None, last: date | None, zone: ZoneInfo) -> Period:
	"""Return the days asked for; an open end is that of the first or the last entry, else today."""
	ends = (wanted.after + 1, wanted.upto)
	found = frappe.db.sql_list(_BOOKED, (wanted.company, ends)) if ends[0] <= ends[1] else [clock.now_us()]
	days = [clock.local_time(booked_us, zone).date() for booked_us in found]
	begin = first or min([*days, *([last] if last else [])])
	return Period(begin, last or max([*days, begin]), zone)


def sequences_before(company: str, instants: Sequence[int]) -> list[int]:
	"""Return for each instant the sequence of the last entry booked before it, 0 where there is none."""
	values = [value for instant in instants for value in (company, instant)]
	return [
		found or 0 for found in frappe.db.sql("SELECT " + ", ".join([_BEFORE] * len(instants)), values)[0]
	]


def entries(wanted: Stretch, limit: int, before: int | None = None) -> list[frappe._dict]:
	"""Return at most ``limit`` entries, newest first, those below the sequence ``before`` where it is given.

	Amounts are Decimal, ``booked_us`` is UTC microseconds.
	"""
	upto = wanted.upto if before is None else min(wanted.upto, before - 1)
	return _read(wanted, wanted.after, upto, limit, "DESC")


def in_order(wanted: Stretch) -> Iterator[list[frappe._dict]]:
	"""Yield all entries, oldest first, a window at a time: memory does not grow with the ledger."""
	after = wanted.after
	while window := _read(wanted, after, wanted.upto, WINDOW, "ASC"):
		yield window
		after = window[-1].sequence


def sums(wanted: Stretch) -> Sums:
	"""Return count and amount of the entries for each type."""
	found = checkpoints.sums_upto(wanted.company, [wanted.after, wanted.upto])
	return _of(wanted.kinds, checkpoints.less(found[wanted.upto], found[wanted.after]))


def counts(wanted: Stretch, parts: Sequence[Period]) -> list[int]:
	"""Return how many of the entries were booked in each of these periods, which follow each other."""
	starts = [part.start_us for part in parts] + [parts[-1].end_us]
	ends = [
		min(max(sequence, wanted.after), wanted.upto) for sequence in sequences_before(wanted.company, starts)
	]
	found = checkpoints.sums_upto(wanted.company, ends)
	booked = [_of(wanted.kinds, found[end]) for end in ends]
	totals = [sum(total.entries for total in sums.values()) for sums in booked]
	return [total - before for before, total in pairwise(totals)]


def balances(wanted: Stretch) -> tuple[Decimal, Decimal]:
	"""Return the balance before the first entry and after the last one, whatever types are wanted."""
	found = balances_at(wanted.company, [wanted.after, wanted.upto])
	return found[wanted.after], found[wanted.upto]


def balances_at(company: str, sequences: Sequence[int]) -> dict[int, Decimal]:
	"""Return the balance after each of these entries; after number 0 it is zero."""
	known = frappe.db.sql(_BALANCES, (company, [0, *sequences]))
	return {0: ZERO} | {sequence: from_database(balance) for sequence, balance in known}


@dataclass(frozen=True, slots=True)
class Day:
	"""A day on which something was booked: its stretch of entries and their sums by type."""

	day: date
	entries: Stretch
	sums: Sums


DAYS, MOST_DAYS = 16, 64
"""Days that are looked through at first, and at most at a time, where few of them have entries."""


def days(wanted: Stretch, zone: ZoneInfo, limit: int, before: int | None = None) -> list[Day]:
	"""Return at most ``limit`` days of a time zone with entries, newest first, those below the sequence ``before``."""
	found: list[Day] = []
	upto, looked = wanted.upto if before is None else min(wanted.upto, before - 1), DAYS
	while len(found) < limit and upto > wanted.after:
		some = _days(wanted, zone, upto, looked)
		found += some
		upto, looked = some[-1].entries.after, min(2 * looked, MOST_DAYS)
	return found[:limit]


def _days(wanted: Stretch, zone: ZoneInfo, upto: int, count: int) -> list[Day]:
	"""Return the days with entries among ``count`` days, the last of which is that of the entry ``upto``."""
	newest = _read(wanted, upto - 1, upto, 1, "DESC")[0]
	last = clock.local_time(newest.booked_us, zone).date()
	looked = [last - timedelta(days=number) for number in reversed(range(count))]
	starts = [midnight(day, zone) for day in looked]
	ends = [max(sequence, wanted.after) for sequence in sequences_before(wanted.company, starts)] + [upto]
	totals = checkpoints.sums_upto(wanted.company, ends)
	return [
		Day(day, Stretch(wanted.company, after, end), checkpoints.less(totals[end], totals[after]))
		for day, after, end in reversed(list(zip(looked, ends, ends[1:], strict=False)))
		if end > after
	]


def _read(wanted: Stretch, after: int, upto: int, limit: int, order: str) -> list[frappe._dict]:
	query = _ENTRIES.format(
		# Nearly every entry is one of calls: where these are wanted, the next ones are found as they come.
		index="pb_entry_once" if not wanted.kinds or set(CALLS) <= set(wanted.kinds) else "pb_entry_type",
		kinds="AND transaction_type IN %(kinds)s" if wanted.kinds else "",
		order=order,
	)
	values = {"company": wanted.company, "after": after, "upto": upto, "kinds": wanted.kinds, "limit": limit}
	found = frappe.db.sql(query, values, as_dict=True)
	for entry in found:
		entry.amount = from_database(entry.amount)
		entry.balance_after = from_database(entry.balance_after)
	return found


def _of(kinds: tuple[str, ...], totals: Sums) -> Sums:
	return {kind: total for kind, total in totals.items() if not kinds or kind in kinds}
