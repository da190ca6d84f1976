"""Bringing what is booked for a call in line with what it owes: the one function behind end, expiry, CDR and refund."""

from decimal import Decimal

from prepaid_billing.calls import record
from prepaid_billing.calls.booked import charge_key, describe
from prepaid_billing.calls.report import owed
from prepaid_billing.ledger import LockedBalance
from prepaid_billing.rating.money import ZERO, as_text
from prepaid_billing.rating.price import billed_seconds, cost

EXPIRED, OVERRUN, CONFLICT = "Expired", "Overrun", "Conflicting CDR"
REVIEWS = (EXPIRED, OVERRUN, CONFLICT)
"""Why a call stands in the staff's queue."""


def settle(
	account: LockedBalance, call: record.Call, changes: dict[str, object], reason: str = ""
) -> dict[str, object]:
	"""Free the hold of a call and book the difference between what it owes after ``changes`` and what was booked.

	Returns the columns to write, ``changes`` among them. What a call owes is booked in full, also beyond what
	is available; then it is marked as overrun and stands in the queue. ``reason`` goes to the entry.
	"""
	after = record.changed(call, changes)
	amount = owed(call.rate, after.duration_sec, after.refund_percent, bool(after.not_billable))
	account.hold(-call.reserved_amount)
	due = amount - call.amount
	overrun = due > account.available and due > 0
	if due:
		_book(account, after, due, reason, overrun)
	return {
		"billed_sec": billed_seconds(call.rate, after.duration_sec),
		"amount": amount,
		"refunded_amount": cost(call.rate, after.duration_sec) - amount,
		"reserved_amount": ZERO,
		"bookings": call.bookings + bool(due),
		"overrun": int(call.overrun or overrun),
		"settled_sequence": account.last_sequence,
		"review": OVERRUN if overrun else after.review,
		**{column: value for column, value in changes.items() if column != "review"},
	}


def answer_of(account: LockedBalance, call: record.Call, columns: dict[str, object]) -> dict[str, object]:
	"""Return what a gateway is told of a call that has ended."""
	return {
		"call_id": call.call_id,
		"status": columns["status"],
		"amount": as_text(Decimal(str(columns["amount"]))),
		"billed_sec": columns["billed_sec"],
		"overrun": bool(columns["overrun"]),
		**balances(account),
	}


def balances(account: LockedBalance) -> dict[str, object]:
	"""Return the amounts of a balance as answers carry them."""
	return {
		"balance": as_text(account.balance),
		"available": as_text(account.available),
		"currency": account.currency,
	}


def _book(account: LockedBalance, call: record.Call, due: Decimal, reason: str, forced: bool) -> None:
	"""Book the charge of a call; where something was booked for it before, a correction."""
	account.post(
		"Call Correction" if call.bookings else "Call Charge",
		-due,
		key=charge_key(call.company, call.call_id, call.bookings),
		reference=("Call Charge", call.name),
		description=describe(call.callee or call.call_id, call.duration_sec, reason),
		forced=forced,
	)
