"""What each booking of a call stands for: the call, and the seconds that this very booking brought.

A Call Charge knows how its call stands now; an entry of the ledger says for ever how it stood then. So the seconds are
read from the entries: a charge has those it was booked for, a correction the difference to the booking before it. The
seconds of all bookings of a call add up to those that it was last booked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import frappe
from frappe import _

from prepaid_billing.display import length
from prepaid_billing.ledger.statement import CALLS
from prepaid_billing.rating.money import from_database
from prepaid_billing.rating.price import Rate, billed_seconds

_LENGTH = re.compile(r".* \((\d+):([0-5]\d)\)(?:, (.*))?", re.DOTALL)
_RATE = ("rate_per_minute", "connection_fee", "minimum_charge")
_CALLS = """
	SELECT name, call_id, company, caller, callee, started_us, duration_sec, bookings, billing_increment,
		minimum_duration, CAST(rate_per_minute AS CHAR) AS rate_per_minute,
		CAST(connection_fee AS CHAR) AS connection_fee, CAST(minimum_charge AS CHAR) AS minimum_charge
	FROM `tabCall Charge` WHERE name IN %s
"""
_BOOKINGS = """
	SELECT name, reference_name, description FROM `tabBalance Transaction` WHERE idempotency_key IN %s
	ORDER BY balance, sequence
"""


@dataclass(frozen=True, slots=True)
class Booking:
	"""A booking of a call. ``duration_sec`` and ``billed_sec`` are those of a charge, the difference of a correction.

	``rate_per_minute`` is in major units; ``reason`` says in the user's words why a call was corrected.
	"""

	call_id: str
	caller: str
	callee: str
	started_us: int
	rate_per_minute: Decimal
	known_sec: int
	duration_sec: int
	billed_sec: int
	reason: str

	@property
	def description(self) -> str:
		"""Whom the call went to, its length as it was known then, and why it was corrected."""
		text = f"{self.callee or self.call_id} ({length(self.known_sec)})"
		return f"{text}, {self.reason}" if self.reason else text


def charge_key(company: str, call_id: str, bookings: int) -> str:
	"""Return the key of a booking of a call that was booked so often before."""
	operation = "correction" if bookings else "charge"
	return f"{operation}:{company}:{call_id}" + (f":{bookings}" if bookings else "")


def describe(callee: str, seconds: int, reason: str) -> str:
	"""Return what the entry of a call says: its length among it, which is read from there again."""
	text = f"{callee} ({seconds // 60}:{seconds % 60:02d})"
	return f"{text}, {reason}" if reason else text


def bookings_of(entries: Sequence[frappe._dict]) -> dict[str, Booking]:
	"""Return what those entries that book calls stand for, by the name of the entry."""
	own = [entry for entry in entries if entry.transaction_type in CALLS and entry.reference_name]
	calls = _calls({entry.reference_name for entry in own})
	before = _lengths_before([calls[entry.reference_name] for entry in own if _is_correction(entry, calls)])
	return {
		entry.name: _booking(entry.description, calls[entry.reference_name], before.get(entry.name))
		for entry in own
		if entry.reference_name in calls
	}


def _is_correction(entry: frappe._dict, calls: dict[str, frappe._dict]) -> bool:
	return entry.transaction_type == "Call Correction" and entry.reference_name in calls


def _calls(names: set[str]) -> dict[str, frappe._dict]:
	found = frappe.db.sql(_CALLS, (list(names),), as_dict=True) if names else []
	for call in found:
		call |= {column: from_database(call[column]) for column in _RATE}
	return {call.name: call for call in found}


def _lengths_before(calls: list[frappe._dict]) -> dict[str, int]:
	"""Return the seconds that each correction of these calls was preceded by, by the name of its entry."""
	keys = {
		charge_key(call.company, call.call_id, number) for call in calls for number in range(call.bookings)
	}
	lengths: dict[str, int] = {}
	latest: dict[str, int] = {}
	for name, call, description in frappe.db.sql(_BOOKINGS, (list(keys),)) if keys else ():
		if call in latest:
			lengths[name] = latest[call]
		latest[call] = _read(description)[0]
	return lengths


def _booking(description: str, call: frappe._dict, before: int | None) -> Booking:
	known, reason = _read(description)
	rate = Rate(
		call.rate_per_minute,
		call.billing_increment or 1,
		call.minimum_duration,
		call.connection_fee,
		call.minimum_charge,
	)
	billed_before = billed_seconds(rate, before) if before else 0
	return Booking(
		call_id=call.call_id,
		caller=call.caller or "",
		callee=call.callee or "",
		started_us=call.started_us,
		rate_per_minute=call.rate_per_minute,
		known_sec=known,
		duration_sec=known - (before or 0),
		billed_sec=billed_seconds(rate, known) - billed_before,
		reason=_reason(known, before, reason),
	)


def _read(description: str) -> tuple[int, str]:
	"""Return the seconds and the reason that an entry of a call says; 0 where it was booked without its length."""
	found = _LENGTH.fullmatch(description or "")
	return (int(found[1]) * 60 + int(found[2]), found[3] or "") if found else (0, "")


def _reason(known: int, before: int | None, reason: str) -> str:
	if reason or before is None or known == before:
		return _(reason) if reason else ""
	return _("length corrected from {0} to {1}").format(length(before), length(known))
