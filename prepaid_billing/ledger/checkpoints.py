"""Sums of long ledgers without reading them: every so many entries, what was booked up to there, by type.

An entry never changes and sequences have no gaps, so what a checkpoint says stays true for ever. They are written
afterwards, in transactions of their own: no booking waits for them, and where they are missing, sums only take longer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import frappe

from prepaid_billing.batch import each
from prepaid_billing.ledger import clock, rows, transaction
from prepaid_billing.rating.money import ZERO

EVERY = 100
"""Entries from one checkpoint to the next; a sum reads fewer entries than that at each of its ends."""

_BLOCKS = 1_000
"""Checkpoints that are written in one transaction."""

_BEHIND = """
	SELECT b.name FROM `tabPrepaid Balance` b LEFT JOIN (
		SELECT company, MAX(sequence) AS sequence FROM `tabLedger Checkpoint` GROUP BY company
	) c ON c.company = b.name
	WHERE b.last_sequence >= COALESCE(c.sequence, 0) + %s ORDER BY b.name
"""
_LAST = "SELECT COALESCE(MAX(sequence), 0) FROM `tabLedger Checkpoint` WHERE company = %s"
_BEFORE = (
	"(SELECT COALESCE(MAX(sequence), 0) FROM `tabLedger Checkpoint` WHERE company = %s AND sequence <= %s)"
)
_THERE = """
	SELECT sequence, transaction_type, entries, CAST(amount AS CHAR) FROM `tabLedger Checkpoint`
	WHERE company = %s AND sequence IN %s
"""
_BOOKED = """
	SELECT CEIL(sequence / %(every)s) * %(every)s AS upto, transaction_type, COUNT(*), CAST(SUM(amount) AS CHAR)
	FROM `tabBalance Transaction` FORCE INDEX (pb_entry_once)
	WHERE balance = %(company)s AND sequence > %(after)s AND sequence <= %(last)s
	GROUP BY upto, transaction_type ORDER BY upto
"""
_PART = """
	SELECT %s, transaction_type, COUNT(*), CAST(SUM(amount) AS CHAR)
	FROM `tabBalance Transaction` FORCE INDEX (pb_entry_once)
	WHERE balance = %s AND sequence > %s AND sequence <= %s GROUP BY transaction_type
"""


@dataclass(frozen=True, slots=True)
class Sum:
	"""How many entries, and what they come to in major units. Beyond the limit of a single amount, too."""

	entries: int = 0
	amount: Decimal = ZERO

	def __add__(self, other: Sum) -> Sum:
		return Sum(self.entries + other.entries, self.amount + other.amount)

	def __sub__(self, other: Sum) -> Sum:
		return Sum(self.entries - other.entries, self.amount - other.amount)


Sums = dict[str, Sum]
"""A Sum for each transaction type that was booked."""


def added(one: Sums, other: Sums) -> Sums:
	"""Return both together."""
	return {kind: one.get(kind, Sum()) + other.get(kind, Sum()) for kind in {**one, **other}}


def less(all_of_it: Sums, part: Sums) -> Sums:
	"""Return what is left without ``part``; types of which nothing is left are not in it."""
	left = {kind: total - part.get(kind, Sum()) for kind, total in all_of_it.items()}
	return {kind: total for kind, total in left.items() if total.entries}


def sums_upto(company: str, sequences: Sequence[int]) -> dict[int, Sums]:
	"""Return for each sequence what was booked up to it, itself included.

	Reads the checkpoint before each of them, and the entries since; three queries, however many are asked for.
	"""
	wanted = sorted(set(sequences))
	before = _checkpoints_before(company, wanted)
	known = _there(company, set(before))
	parts = list(_parts(wanted, before))
	booked = _booked(company, [part for part in parts if part[0] < part[1]])
	found: dict[int, Sums] = {0: {}}
	for start, end in parts:
		base = found[start] if start in found else known[start]
		found[end] = added(base, booked.get(end, {}))
	return found


def _checkpoints_before(company: str, sequences: list[int]) -> list[int]:
	"""Return for each sequence that of the checkpoint at or before it, 0 where there is none."""
	values = [value for sequence in sequences for value in (company, sequence)]
	return list(frappe.db.sql("SELECT " + ", ".join([_BEFORE] * len(sequences)), values)[0])


def _parts(wanted: list[int], before: list[int]) -> Iterator[tuple[int, int]]:
	"""Yield for each sequence where to count from: its checkpoint, or the one before it in the list."""
	last = 0
	for sequence, checkpoint in zip(wanted, before, strict=True):
		yield max(checkpoint, last), sequence
		last = sequence


def _there(company: str, sequences: set[int]) -> dict[int, Sums]:
	found: dict[int, Sums] = {}
	for sequence, kind, entries, amount in frappe.db.sql(_THERE, (company, tuple(sequences | {0}))):
		found.setdefault(sequence, {})[kind] = Sum(entries, _exact(amount))
	return found


def _booked(company: str, parts: list[tuple[int, int]]) -> dict[int, Sums]:
	if not parts:
		return {}
	values = [value for start, end in parts for value in (end, company, start, end)]
	found: dict[int, Sums] = {}
	for end, kind, entries, amount in frappe.db.sql(" UNION ALL ".join([_PART] * len(parts)), values):
		found.setdefault(end, {})[kind] = Sum(entries, _exact(amount))
	return found


def bring_forward() -> int:
	"""Write the checkpoints that are due, of all companies. Returns how many companies had any."""
	return len(each(frappe.db.sql_list(_BEHIND, (EVERY,)), _bring_forward))


def _bring_forward(company: str) -> None:
	# A million entries are more than one transaction.
	while transaction.run(lambda: _next(company)):
		pass


def _next(company: str) -> bool:
	"""Write the checkpoints of the next stretch, and say whether there was one."""
	after = frappe.db.sql(_LAST, (company,))[0][0]
	last = frappe.db.sql("SELECT last_sequence FROM `tabPrepaid Balance` WHERE name = %s", (company,))[0][0]
	last = min(last // EVERY * EVERY, after + EVERY * _BLOCKS)
	if last > after:
		_write(company, after, last)
	return last > after


def _write(company: str, after: int, last: int) -> None:
	"""Write the checkpoints of a stretch. Two jobs at once would write the same ones, so a twin is left alone."""
	booked: dict[int, Sums] = {}
	values = {"company": company, "after": after, "last": last, "every": EVERY}
	for upto, kind, entries, amount in frappe.db.sql(_BOOKED, values):
		booked.setdefault(int(upto), {})[kind] = Sum(entries, _exact(amount))
	sums, written = _there(company, {after}).get(after, {}), []
	for sequence in sorted(booked):
		sums = added(sums, booked[sequence])
		written += [
			{
				"name": rows.new_name(),
				"company": company,
				"sequence": sequence,
				"transaction_type": kind,
				"entries": total.entries,
				"amount": total.amount,
			}
			for kind, total in sums.items()
		]
	rows.insert("Ledger Checkpoint", clock.now_us(), *written, keep_twins=True)


def _exact(text: str) -> Decimal:
	return Decimal(text).quantize(ZERO)
