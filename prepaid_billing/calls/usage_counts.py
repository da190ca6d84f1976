"""Calls counted by quarters of an hour, so that a year of usage is summed up without reading its calls.

A quarter is counted from its calls whenever one of them was settled since. Every settling of a call notes how many entries its
company had by then; so the quarters that are not up to date are those of the calls settled since the last count, and these
are counted afresh by whoever asks. The counts are written afterwards, in transactions of their own: no call waits for them,
and where they are missing, asking only takes longer.
"""

from __future__ import annotations

from itertools import islice

import frappe
from frappe.utils import get_system_timezone

from prepaid_billing.batch import each
from prepaid_billing.calls import usage_rollups
from prepaid_billing.calls.usage_figures import COLUMNS, EXACTLY, LENGTHS, STORED, Usage, sums_by
from prepaid_billing.calls.usage_quarters import QUARTER_US, Span, runs, within
from prepaid_billing.ledger import clock, rows, transaction
from prepaid_billing.ledger.period import zone_of

BEHIND = 200
"""Entries that were booked since the last count before a new one is due."""

_USED = "status IN ('Charged', 'Expired') AND duration_sec > 0"
_BEGAN = f"started_us DIV {QUARTER_US}"
_FROM_CALLS = (
	f"SELECT {_BEGAN} AS quarter, COUNT(*) AS calls, SUM(duration_sec) AS duration_sec, SUM(billed_sec) AS billed_sec, "
	"SUM(amount) AS amount, "
	+ ", ".join(f"SUM({condition}) AS {name}" for name, condition in LENGTHS.items())
	+ f" FROM `tabCall Charge` FORCE INDEX (pb_call_began) WHERE company = %s AND {_USED} AND ({{began}}) GROUP BY quarter"
)
_FIRST = f"""
	SELECT started_us FROM `tabCall Charge` FORCE INDEX (pb_call_began)
	WHERE company = %s AND {_USED} AND started_us >= %s ORDER BY started_us LIMIT 1
"""
_BEFORE = f"""
	SELECT 1 FROM `tabCall Charge` FORCE INDEX (pb_call_began)
	WHERE company = %s AND {_USED} AND started_us < %s ORDER BY started_us DESC LIMIT 1
"""
_STATE = "SELECT counted_sequence, time_zone FROM `tabCall Usage State` WHERE company = %s"
_STALE = f"""
	SELECT DISTINCT {_BEGAN} FROM `tabCall Charge` FORCE INDEX (pb_call_settled)
	WHERE company = %s AND settled_sequence >= %s
"""
_DUE = """
	SELECT b.name FROM `tabPrepaid Balance` b LEFT JOIN `tabCall Usage State` s ON s.company = b.name
	JOIN `tabBilling Company` c ON c.name = b.name
	WHERE b.last_sequence >= COALESCE(s.counted_sequence, 0) + %s
		OR (s.name IS NOT NULL AND NOT s.time_zone <=> COALESCE(NULLIF(c.time_zone, ''), %s)) ORDER BY b.name
"""
_NEVER = -1
_LOCK = f"{_STATE} FOR UPDATE"
_NOTE = "UPDATE `tabCall Usage State` SET counted_sequence = %s, time_zone = %s WHERE company = %s"
_FORGET = "DELETE FROM `tabCall Usage` WHERE company = %s AND quarter IN %s"
_COUNTED = "SELECT quarter FROM `tabCall Usage` WHERE company = %s"
_AT_ONCE = 500


def is_used_before(company: str, before_us: int) -> bool:
	"""Whether a call that was used began before an instant."""
	return bool(frappe.db.sql(_BEFORE, (company, before_us)))


def first_since(company: str, since_us: int) -> int | None:
	"""Return when the first call that was used since an instant began, in UTC microseconds, or None."""
	found = frappe.db.sql(_FIRST, (company, since_us))
	return found[0][0] if found else None


class Counts:
	"""What is counted of a company's calls, as the present transaction sees it.

	``stale`` are the quarters with a call settled since, ``time_zone`` names the zone in which they are rolled up.
	"""

	def __init__(self, company: str) -> None:
		self.company = company
		state = frappe.db.sql(_STATE, (company,))
		counted_upto, self.time_zone = state[0] if state else (_NEVER, None)
		self.is_there = counted_upto != _NEVER
		self.stale = _stale(company, counted_upto) if self.is_there else []

	def sums_by(self, key: str, spans: list[Span]) -> dict[int, Usage]:
		"""Return the usage of some stretches by an SQL expression of ``quarter``.

		What is stored is taken from there, what has changed since from the calls.
		"""
		if not spans:
			return {}
		stored = STORED.format(quarters=within("quarter", spans))
		stale = [quarter for quarter in self.stale if any(first <= quarter < end for first, end in spans)]
		if not self.is_there:
			return sums_by(key, _from_calls(spans), [self.company])
		if not stale:
			return sums_by(key, stored, [self.company])
		query = f"{stored} AND quarter NOT IN %s UNION ALL {_from_calls([*runs(stale)])}"
		return sums_by(key, query, [self.company, stale, self.company])


def bring_forward() -> int:
	"""Count the calls of all companies of which enough was booked since the last count, or whose clocks are others now.

	Returns how many companies.
	"""
	return len(each(frappe.db.sql_list(_DUE, (BEHIND, get_system_timezone())), _bring_forward))


def _bring_forward(company: str) -> None:
	"""Count what is stale. Two jobs at once: the later one waits for the lock, and then reads what is there."""
	state = {"name": rows.new_name(), "company": company, "counted_sequence": _NEVER}
	# The row to lock must be there before.
	transaction.run(lambda: rows.insert("Call Usage State", clock.now_us(), state, keep_twins=True))
	transaction.run(lambda: _count_stale(company))


def _count_stale(company: str) -> None:
	counted_upto, rolled_up_in = frappe.db.sql(_LOCK, (company,))[0]
	upto = frappe.db.sql("SELECT last_sequence FROM `tabPrepaid Balance` WHERE name = %s", (company,))[0][0]
	zone, fresh = zone_of(company), _stale(company, counted_upto)
	remaining = iter(fresh)
	while some := list(islice(remaining, _AT_ONCE)):
		_count(company, some)
	if rolled_up_in != zone.key:
		usage_rollups.forget(company)
		fresh = frappe.db.sql_list(_COUNTED, (company,))
	usage_rollups.write(company, zone, fresh)
	frappe.db.sql(_NOTE, (upto, zone.key, company))


def _count(company: str, quarters: list[int]) -> None:
	"""Count quarters afresh. Read first, then written: INSERT ... SELECT would lock the calls that it reads."""
	counted = _from_calls([*runs(quarters)])
	found = frappe.db.sql(f"SELECT quarter, {EXACTLY} FROM ({counted}) counted", (company,))
	frappe.db.sql(_FORGET, (company, quarters))
	counts = [
		{"name": rows.new_name(), "company": company, **dict(zip(("quarter", *COLUMNS), row, strict=True))}
		for row in found
	]
	if counts:
		rows.insert("Call Usage", clock.now_us(), *counts)


def _stale(company: str, counted_upto: int) -> list[int]:
	return sorted(frappe.db.sql_list(_STALE, (company, counted_upto)))


def _from_calls(spans: list[Span]) -> str:
	return _FROM_CALLS.format(began=within("started_us", spans, QUARTER_US))
