"""What staff see of calls: those in progress with the money they hold, and those that need a person."""

from decimal import Decimal

import frappe

from prepaid_billing.calls.record import OPEN
from prepaid_billing.calls.settle import REVIEWS
from prepaid_billing.ledger import clock
from prepaid_billing.rating.money import as_text, from_database

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
	totals = frappe.get_list(
		"Call Charge",
		filters,
		["currency", "count(name) as calls", "sum(reserved_amount) as held"],
		group_by="currency",
		order_by="currency",
	)
	return {
		"now": clock.iso(clock.now_us()),
		"calls": [_running(call) for call in calls],
		"totals": [
			# A sum over all companies may be larger than any amount of one.
			{"currency": row.currency, "calls": row.calls, "held": as_text(Decimal(str(row.held)))}
			for row in totals
		],
	}


def queue() -> dict[str, object]:
	"""Return the calls that expired, outran their money or have contradicting records, the oldest first."""
	filters = {"review": ["in", REVIEWS]}
	calls = frappe.get_list(
		"Call Charge",
		filters,
		[
			*("name", "call_id", "company", "caller", "callee", "review", "currency", "amount"),
			*("duration_sec", "granted_seconds", "ended_at"),
		],
		order_by="ended_at",
		limit=SHOWN,
	)
	waiting = frappe.get_list("Call Charge", filters, ["count(name) as calls"], order_by=None)
	return {
		"waiting": waiting[0].calls,
		"calls": [{**call, "amount": as_text(from_database(call.amount))} for call in calls],
	}


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
