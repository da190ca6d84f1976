"""The calls in progress with the money they hold, for staff and for their company, and those that need a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import frappe
from frappe.desk.reportview import build_match_conditions

from prepaid_billing.calls.record import OPEN
from prepaid_billing.calls.settle import REVIEWS
from prepaid_billing.ledger import clock
from prepaid_billing.rating.money import as_text, from_database
from prepaid_billing.rating.price import Rate, cost

SHOWN = 200
"""Calls that are listed at most; the totals count all of them."""

_RUNNING = f"""
	SELECT callee, caller, started_us, answered_at, COALESCE(used_seconds, 0), COALESCE(granted_seconds, 0),
		CAST(rate_per_minute AS CHAR), billing_increment, minimum_duration, CAST(connection_fee AS CHAR),
		CAST(minimum_charge AS CHAR), {clock.NOW}
	FROM `tabCall Charge` WHERE company = %s AND status IN %s ORDER BY started_us DESC LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Running:
	"""A call in progress as its company sees it. ``cost``, in major units, is what its seconds so far would cost.

	Seconds count from the answer, as far as the telephone system has told of it, and never beyond the grant.
	"""

	callee: str
	caller: str
	started_us: int
	is_answered: bool
	seconds: int
	cost: Decimal


def running(company: str, limit: int) -> list[Running]:
	"""Return the calls of a company that are in progress, the latest first."""
	return [_seen_by_company(*row) for row in frappe.db.sql(_RUNNING, (company, OPEN, limit))]


def how_many(company: str) -> int:
	"""Return how many calls of a company are in progress."""
	query = "SELECT COUNT(*) FROM `tabCall Charge` WHERE company = %s AND status IN %s"
	return frappe.db.sql(query, (company, OPEN))[0][0]


def in_progress() -> dict[str, object]:
	"""Return the calls in progress that the user may read, the latest first, and per currency how many there are and what they hold.

	Instants are ISO 8601, amounts text in major units. ``now`` is the same clock's present moment.
	"""
	filters = {"status": ["in", OPEN]}
	calls = frappe.get_list(
		"Call Charge",
		filters,
		[
			*("name", "call_id", "company", "caller", "callee", "status", "currency", "reserved_amount"),
			*("started_us", "answered_at", "used_seconds", "granted_seconds", "valid_until_us"),
		],
		order_by="started_us desc",
		limit=SHOWN,
	)
	return {
		"now": clock.iso(clock.now_us()),
		"calls": [_running(call) for call in calls],
		"totals": [
			{"currency": currency, "calls": count, "held": as_text(from_database(held))}
			for currency, count, held in _counted("status", OPEN)
		],
	}


def queue() -> dict[str, object]:
	"""Return the calls that expired, outran their money or have contradicting records, the latest first."""
	filters = {"review": ["in", REVIEWS]}
	calls = frappe.get_list(
		"Call Charge",
		filters,
		[
			*("name", "call_id", "company", "caller", "callee", "review", "currency", "amount"),
			*("duration_sec", "granted_seconds", "ended_at"),
		],
		order_by="ended_at desc",
		limit=SHOWN,
	)
	return {
		"waiting": sum(count for _currency, count, _held in _counted("review", REVIEWS)),
		"calls": [{**call, "amount": as_text(from_database(call.amount))} for call in calls],
	}


def _counted(column: str, values: Sequence[str]) -> tuple[tuple[str, int, str], ...]:
	"""Return (currency, calls, money held) of all calls that the user may read and whose column has such a value."""
	readable = build_match_conditions("Call Charge").replace("%", "%%") or "TRUE"
	return frappe.db.sql(
		f"""
		SELECT currency, COUNT(*), CAST(SUM(reserved_amount) AS CHAR) FROM `tabCall Charge`
		WHERE `{column}` IN %s AND {readable} GROUP BY currency ORDER BY currency
		""",
		(values,),
	)


def _seen_by_company(
	callee: str,
	caller: str,
	started_us: int,
	answered_at: datetime | None,
	used: int,
	granted: int,
	*rate: object,
) -> Running:
	per_minute, increment, minimum, fee, least, now_us = rate
	seconds = used
	if answered_at:
		ago_us = now_us - _answered_us(answered_at, started_us)
		seconds = min(max(used, ago_us // clock.SECOND), granted)
	price = Rate(
		from_database(per_minute), increment or 1, minimum or 0, from_database(fee), from_database(least)
	)
	is_answered = bool(answered_at or used)
	return Running(callee or "", caller or "", started_us, is_answered, seconds, cost(price, seconds))


def _answered_us(answered_at: datetime, started_us: int) -> int:
	"""Return the instant of an answer. In the hour that clocks repeat it is the pass that is nearer to the call's beginning."""
	passes = [clock.from_site_time(answered_at.replace(fold=fold)) for fold in (0, 1)]
	return min(passes, key=lambda instant: abs(instant - started_us))


def _running(call: frappe._dict) -> dict[str, object]:
	answered = clock.iso(_answered_us(call.answered_at, call.started_us)) if call.answered_at else None
	return {
		**{
			key: call[key] for key in ("name", "call_id", "company", "caller", "callee", "status", "currency")
		},
		"used_seconds": call.used_seconds,
		"granted_seconds": call.granted_seconds,
		"started_at": clock.iso(call.started_us),
		"answered_at": answered,
		"valid_until": clock.iso(call.valid_until_us),
		"reserved_amount": as_text(from_database(call.reserved_amount)),
	}
