"""The call gateway's verbs. DESIGN.md section 9. Amounts are strings in major units, durations seconds."""

from typing import Any

import frappe
from frappe import _

from prepaid_billing.api import inputs
from prepaid_billing.api.endpoint import endpoint
from prepaid_billing.calls import pricing, session
from prepaid_billing.exceptions import InvalidInput
from prepaid_billing.ledger import clock
from prepaid_billing.permissions import GATEWAY, MANAGER, STAFF, visible_company
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
		visible_company(inputs.company(company), GATEWAY, MANAGER),
		caller=inputs.number(caller, "caller"),
		callee=inputs.number(callee, "callee"),
		requested_seconds=inputs.optional_seconds(requested_seconds, "requested_seconds"),
	)


@frappe.whitelist(methods=["POST"])
@endpoint(GATEWAY, MANAGER)
def end(call_id: Any = None, duration_sec: Any = None, answered_at: Any = None, ended_at: Any = None) -> dict:
	"""Charge a call, once, and free the rest of its hold. ``duration_sec`` beats the time stamps."""
	answered_us = inputs.optional_instant(answered_at, "answered_at")
	ended_us = inputs.optional_instant(ended_at, "ended_at")
	return session.end(
		inputs.key(call_id, "call_id"),
		_duration(duration_sec, answered_us, ended_us),
		answered_us=answered_us,
		ended_us=ended_us,
	)


@frappe.whitelist(methods=["POST"])
@endpoint(GATEWAY, MANAGER)
def release(call_id: Any = None, reason: Any = None) -> dict:
	"""Free the hold of a call that was busy, not answered or never dialled. Charges nothing."""
	return session.release(inputs.key(call_id, "call_id"), inputs.text(reason, "reason"))


def _duration(duration_sec: object, answered_us: int | None, ended_us: int | None) -> int:
	if duration_sec is not None:
		return inputs.seconds(duration_sec, "duration_sec")
	if answered_us is None or ended_us is None:
		raise InvalidInput(_("Send duration_sec, or both answered_at and ended_at."))
	if ended_us < answered_us:
		raise InvalidInput(_("ended_at lies before answered_at."))
	return inputs.seconds(-(-(ended_us - answered_us) // clock.SECOND), "ended_at")
