"""The call gateway's verbs. DESIGN.md section 9. Amounts are strings in major units, durations seconds."""

from typing import Any

import frappe

from prepaid_billing import inputs
from prepaid_billing.api.endpoint import endpoint
from prepaid_billing.calls import care, cdr, live, pricing, session
from prepaid_billing.exceptions import InvalidInput, UnknownCompany
from prepaid_billing.ledger import balance_of, clock
from prepaid_billing.permissions import GATEWAY, MANAGER, STAFF, has_role, visible_company
from prepaid_billing.portal.overview import figures_now, state_now
from prepaid_billing.rating.money import as_text


@frappe.whitelist(methods=["GET", "POST"])
@endpoint(GATEWAY, MANAGER, STAFF, own_company=True)
def quote(company: Any = None, duration_sec: Any = None, at: Any = None) -> dict:
	"""Return what a call would cost and how long the balance lasts now. Holds nothing, promises nothing."""
	name = visible_company(inputs.optional_company(company), GATEWAY, MANAGER, STAFF)
	quoted = pricing.quote(
		name, inputs.seconds(duration_sec, "duration_sec"), inputs.optional_instant(at, "at")
	)
	amounts = {key: as_text(quoted[key]) for key in ("amount", "rate_per_minute")}
	return {"company": name, **quoted, **amounts}


@frappe.whitelist(methods=["GET"])
@endpoint(MANAGER, STAFF, own_company=True)
def running(company: Any = None) -> dict:
	"""Return the calls of a company that are in progress, with what each would cost if it ended now."""
	view = balance_of(visible_company(inputs.optional_company(company), MANAGER, STAFF))
	rate, calls = pricing.rate_of(view), live.running(view.company, live.SHOWN)
	state = state_now(view, rate)
	_stop, level, _is_under_a_minute = state
	return {
		"company": view.company,
		"level": level or "Good",
		"minutes_left": pricing.minutes_of(rate, view.available) if rate else None,
		"available": as_text(view.available),
		"reserved_balance": as_text(view.reserved),
		"currency": view.currency,
		"in_words": figures_now(view, rate, calls, state),
		"calls": [
			{
				"caller": call.caller,
				"callee": call.callee,
				"started_at": clock.iso(call.started_us),
				"answered": call.is_answered,
				"seconds": call.seconds,
				"amount": as_text(call.cost),
			}
			for call in calls
		],
	}


@frappe.whitelist(methods=["POST"])
@endpoint(GATEWAY, MANAGER)
def authorize(
	call_id: Any = None,
	company: Any = None,
	caller: Any = None,
	callee: Any = None,
	requested_seconds: Any = None,
) -> dict:
	"""Hold money for a call before it is connected; what is granted is in the answer."""
	return session.authorize(
		inputs.key(call_id, "call_id"),
		# The ledger refuses a company that is not there.
		inputs.company(company) if has_role(GATEWAY) else visible_company(inputs.company(company), MANAGER),
		caller=inputs.number(caller, "caller"),
		callee=inputs.number(callee, "callee"),
		requested_seconds=inputs.optional_seconds(requested_seconds, "requested_seconds"),
	)


@frappe.whitelist(methods=["POST"])
@endpoint(GATEWAY, MANAGER)
def extend(
	call_id: Any = None, used_seconds: Any = None, request_number: Any = None, answered_at: Any = None
) -> dict:
	"""Let a call go on: hold money for the next slice, and tell what is granted in all."""
	return session.extend(
		_visible(call_id),
		inputs.seconds(used_seconds, "used_seconds"),
		inputs.whole_number(request_number, "request_number"),
		answered_us=inputs.optional_instant(answered_at, "answered_at"),
	)


@frappe.whitelist(methods=["POST"])
@endpoint(GATEWAY, MANAGER)
def end(call_id: Any = None, duration_sec: Any = None, answered_at: Any = None, ended_at: Any = None) -> dict:
	"""Charge a call, once, and free the rest of its hold. ``duration_sec`` beats the time stamps."""
	answered_us = inputs.optional_instant(answered_at, "answered_at")
	ended_us = inputs.optional_instant(ended_at, "ended_at")
	return session.end(
		_visible(call_id),
		inputs.duration(duration_sec, answered_us, ended_us),
		answered_us=answered_us,
		ended_us=ended_us,
	)


@frappe.whitelist(methods=["POST"])
@endpoint(GATEWAY, MANAGER)
def release(call_id: Any = None, reason: Any = None) -> dict:
	"""Free the hold of a call that was busy, not answered or never dialled. Charges nothing."""
	return session.release(_visible(call_id), inputs.text(reason, "reason"))


@frappe.whitelist(methods=["POST"])
@endpoint(GATEWAY, MANAGER)
def record(cdrs: Any = None) -> list[dict]:
	"""Let up to 1,000 CDRs price their calls; one answer for each, in their order, and 200 also when all are refused."""
	sent = inputs.cdrs(cdrs)
	answers: dict[int, dict] = {}
	read: dict[int, cdr.Cdr] = {}
	for number, row in enumerate(sent):
		try:
			read[number] = inputs.cdr(row)
			if not has_role(GATEWAY):
				visible_company(read[number].company, MANAGER)
		except (InvalidInput, UnknownCompany) as error:
			read.pop(number, None)
			call_id = row.get("call_id") if isinstance(row, dict) else None
			answers[number] = _told(cdr.Outcome(call_id, cdr.REFUSED, code=error.code, error=str(error)))
	booked = cdr.book(list(read.values()), may_shorten=has_role(GATEWAY))
	for number, outcome in zip(read, booked, strict=True):
		answers[number] = _told(outcome)
	return [answers[number] for number in range(len(sent))]


@frappe.whitelist(methods=["POST"])
@endpoint(MANAGER)
def refund(call_id: Any = None, percent: Any = None, reason: Any = None, note: Any = None) -> dict:
	"""Give back a part of what a call costs, or with 100 per cent all of it, to the balance."""
	return care.refund(
		_visible(call_id),
		inputs.percent(percent, "percent"),
		inputs.text(reason, "reason"),
		inputs.text(note, "note", 500),
	)


@frappe.whitelist(methods=["POST"])
@endpoint(MANAGER)
def set_billable(call_id: Any = None, billable: Any = None, reason: Any = None, note: Any = None) -> dict:
	"""Say whether a call is charged at all, before or after its end."""
	return care.set_billable(
		_visible(call_id),
		inputs.flag(billable, "billable"),
		inputs.text(reason, "reason"),
		inputs.text(note, "note", 500),
	)


@frappe.whitelist(methods=["POST"])
@endpoint(MANAGER, STAFF)
def resolve(call_id: Any = None) -> dict:
	"""Take a call that expired, outran its money or has contradicting records out of the staff's queue."""
	return care.resolve(_visible(call_id))


def _visible(call_id: object) -> str:
	"""Return the id of a call. For staff whom User Permissions keep to some companies the others' calls are not there."""
	checked = inputs.key(call_id, "call_id")
	company = None if has_role(GATEWAY) else session.company_of(checked)
	try:
		if company:
			visible_company(company, MANAGER, STAFF)
	except UnknownCompany as error:
		raise session.unknown() from error
	return checked


def _told(outcome: cdr.Outcome) -> dict:
	if outcome.result == cdr.REFUSED:
		return {
			"call_id": outcome.call_id,
			"result": outcome.result,
			"code": outcome.code,
			"error": outcome.error,
		}
	return {
		"call_id": outcome.call_id,
		"result": outcome.result,
		"amount": as_text(outcome.amount),
		"currency": outcome.currency,
	}
