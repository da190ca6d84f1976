"""Calls counted by quarters of an hour, so that a year of usage is summed up without reading its calls.

A quarter is counted from its calls whenever one of them was settled since. Every settling of a call notes how many entries its
company had by then; so the quarters that are not up to date are those of the calls settled since the last count, and these
are counted afresh by whoever asks. The counts are written afterwards, in transactions of their own: no call waits for them,
and where they are missing, asking only takes longer.

Every time zone of today is whole quarters ahead of UTC, so quarters make up the days of them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import frappe

from prepaid_billing.batch import each
from prepaid_billing.ledger import clock, rows, transaction

QUARTER = 900
"""Seconds."""

LENGTHS = {
	"up_to_30s": "duration_sec <= 30",
	"up_to_1m": "duration_sec > 30 AND duration_sec <= 60",
	"up_to_3m": "duration_sec > 60 AND duration_sec <= 180",
	"up_to_10m": "duration_sec > 180 AND duration_sec <= 600",
	"up_to_30m": "duration_sec > 600 AND duration_sec <= 1800",
	"longer": "duration_sec > 1800",
}
COLUMNS = ("calls", "duration_sec", "billed_sec", "amount", *LENGTHS)

BEHIND = 200
"""Entries that were booked since the last count before a new one is due."""

_QUARTER_US = QUARTER * clock.SECOND
_USED = "status IN ('Charged', 'Expired') AND duration_sec > 0"
_BEGAN = f"started_us DIV {_QUARTER_US}"
_FROM_CALLS = (
	f"SELECT {_BEGAN} AS quarter, COUNT(*) AS calls, SUM(duration_sec) AS duration_sec, SUM(billed_sec) AS billed_sec, "
	"SUM(amount) AS amount, "
	+ ", ".join(f"SUM({condition}) AS {name}" for name, condition in LENGTHS.items())
	+ f" FROM `tabCall Charge` FORCE INDEX (pb_call_began) WHERE company = %s AND {_USED} AND ({{began}}) GROUP BY quarter"
)
_STORED = (
	f"SELECT quarter, {', '.join(COLUMNS)} FROM `tabCall Usage` "
	"WHERE company = %s AND quarter >= %s AND quarter < %s {but}"
)
_EXACT = (
	"SELECT quarter, "
	+ ", ".join(COLUMNS).replace("amount", "CAST(amount AS CHAR)")
	+ " FROM ({counted}) counted"
)
_COUNTED_UPTO = "SELECT counted_sequence FROM `tabCall Usage State` WHERE company = %s"
_STALE = f"""
	SELECT DISTINCT {_BEGAN} FROM `tabCall Charge` FORCE INDEX (pb_call_settled)
	WHERE company = %s AND settled_sequence >= %s
"""
_BEHIND_OF = """
	SELECT b.name FROM `tabPrepaid Balance` b LEFT JOIN `tabCall Usage State` s ON s.company = b.name
	WHERE b.last_sequence >= COALESCE(s.counted_sequence, 0) + %s ORDER BY b.name
"""
_NEVER = -1
_LOCK = f"{_COUNTED_UPTO} FOR UPDATE"
_NOTE = "UPDATE `tabCall Usage State` SET counted_sequence = %s WHERE company = %s"
_FORGET = "DELETE FROM `tabCall Usage` WHERE company = %s AND quarter IN %s"
_AT_ONCE = 500


def counted(company: str, start_us: int, end_us: int) -> tuple[str, list[object]]:
	"""Return the query of ``quarter`` and COLUMNS for the calls that began in a period, and its values.

	Both ends lie on a quarter. What is stored is taken from there, what has changed since from the calls.
	"""
	first, end = start_us // _QUARTER_US, end_us // _QUARTER_US
	state = frappe.db.sql(_COUNTED_UPTO, (company,))
	if not state or state[0][0] == _NEVER:
		return _from_calls([(first, end)]), [company]
	stale = [quarter for quarter in _stale(company, state[0][0]) if first <= quarter < end]
	if not stale:
		return _STORED.format(but=""), [company, first, end]
	query = f"{_STORED.format(but='AND quarter NOT IN %s')} UNION ALL {_from_calls(_runs(stale))}"
	return query, [company, first, end, stale, company]


def bring_forward() -> int:
	"""Count the calls of all companies of which enough was booked since the last count. Returns how many companies."""
	return len(each(frappe.db.sql_list(_BEHIND_OF, (BEHIND,)), _bring_forward))


def _bring_forward(company: str) -> None:
	"""Count what is stale. Two jobs at once: the later one waits for the lock, and then reads what is there."""
	state = {"name": rows.new_name(), "company": company, "counted_sequence": _NEVER}
	# The row to lock must be there before.
	transaction.run(lambda: rows.insert("Call Usage State", clock.now_us(), state, keep_twins=True))
	transaction.run(lambda: _count_stale(company))


def _count_stale(company: str) -> None:
	counted_upto = frappe.db.sql(_LOCK, (company,))[0][0]
	upto = frappe.db.sql("SELECT last_sequence FROM `tabPrepaid Balance` WHERE name = %s", (company,))[0][0]
	stale = iter(_stale(company, counted_upto))
	while some := list(islice(stale, _AT_ONCE)):
		_count(company, some)
	frappe.db.sql(_NOTE, (upto, company))


def _count(company: str, quarters: list[int]) -> None:
	"""Count quarters afresh. Read first, then written: INSERT ... SELECT would lock the calls that it reads."""
	found = frappe.db.sql(_EXACT.format(counted=_from_calls(_runs(quarters))), (company,))
	frappe.db.sql(_FORGET, (company, quarters))
	counts = [
		{"name": rows.new_name(), "company": company, **dict(zip(("quarter", *COLUMNS), row, strict=True))}
		for row in found
	]
	if counts:
		rows.insert("Call Usage", clock.now_us(), *counts)


def _stale(company: str, counted_upto: int) -> list[int]:
	return sorted(frappe.db.sql_list(_STALE, (company, counted_upto)))


def _runs(quarters: list[int]) -> Iterator[tuple[int, int]]:
	"""Yield (first, end) of each run of quarters without a gap."""
	first = end = quarters[0]
	for quarter in quarters:
		if quarter > end:
			yield first, end
			first = quarter
		end = quarter + 1
	yield first, end


def _from_calls(runs: Iterable[tuple[int, int]]) -> str:
	began = " OR ".join(
		f"started_us >= {first * _QUARTER_US} AND started_us < {end * _QUARTER_US}" for first, end in runs
	)
	return _FROM_CALLS.format(began=began)
