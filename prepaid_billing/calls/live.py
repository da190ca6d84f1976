"""What staff see of calls: those in progress with the money they hold, and those that need a person."""

from itertools import groupby

import frappe

from prepaid_billing.calls.record import OPEN
from prepaid_billing.calls.settle import REVIEWS
from prepaid_billing.ledger import clock
from prepaid_billing.rating.money import ZERO, as_text, from_database

SHOWN = 200
"""Calls that are listed at most; the totals count all of them."""


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
	held = frappe.get_list("Call Charge", filters, ["currency", "reserved_amount"], order_by="currency")
	return {
		"now": clock.iso(clock.now_us()),
		"calls": [_running(call) for call in calls],
		"totals": [
			_total(currency, list(rows)) for currency, rows in groupby(held, lambda row: row.currency)
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
		"waiting": len(frappe.get_list("Call Charge", filters, pluck="name")),
		"calls": [{**call, "amount": as_text(from_database(call.amount))} for call in calls],
	}


def _total(currency: str, calls: list[frappe._dict]) -> dict[str, object]:
	held = sum((from_database(call.reserved_amount) for call in calls), ZERO)
	return {"currency": currency, "calls": len(calls), "held": as_text(held)}


def _running(call: frappe._dict) -> dict[str, object]:
	answered = clock.iso(clock.from_site_time(call.answered_at)) if call.answered_at else None
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
