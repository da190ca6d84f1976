"""What staff do about calls: give money back, mark a call as not billable, settle what the queue holds."""

from decimal import Decimal

import frappe
from frappe import _

from prepaid_billing import settings
from prepaid_billing.calls import record
from prepaid_billing.calls.session import with_call
from prepaid_billing.calls.settle import settle
from prepaid_billing.exceptions import CallClosed, InvalidInput, NotPermitted
from prepaid_billing.ledger import LockedBalance, clock
from prepaid_billing.log import log
from prepaid_billing.rating.money import as_text, from_database

# With the one just booked.
_GIVEN = """
	SELECT CAST(SUM(amount) AS CHAR) FROM `tabBalance Transaction`
	WHERE balance = %s AND booked_us > %s AND actor = %s AND transaction_type = 'Call Correction' AND amount > 0
"""
REASONS = ("Technical problem", "Quality", "Wrong number", "Complaint", "Test call", "Demo call", "Other")
"""Why money is given back; the options of the field on Call Charge."""


def refund(call_id: str, percent: Decimal, reason: str, note: str = "") -> dict[str, object]:
	"""Give back ``percent`` of what a call costs, in all (100: the whole call), as an entry of its own.

	A later CDR keeps the percentage. The same refund again changes nothing. Raises UnknownCall, CallClosed
	for a call still in progress, InvalidInput for less than was given back before, and NotPermitted above what
	one person may give back in a day.
	"""
	_check_reason(reason)
	limit = settings.amount("adjustment_limit")

	def work(account: LockedBalance, call: record.Call) -> dict[str, object]:
		if call.is_open:
			raise CallClosed(_("This call is still in progress. Refund it when it has ended."))
		if percent < call.refund_percent:
			raise InvalidInput(
				_(
					"More of this call was given back before. To take money, book an adjustment with its reason."
				)
			)
		if percent == call.refund_percent:
			return _state(call)
		changes = {
			"refund_percent": percent,
			"refund_reason": reason,
			"refund_note": note or call.refund_note,
		}
		return _settle(account, call, changes, reason, limit)

	state = with_call(call_id, work)
	log("call refunded", call=call_id, percent=percent, reason=reason, refunded=state["refunded_amount"])
	return state


def set_billable(call_id: str, billable: bool, reason: str, note: str = "") -> dict[str, object]:
	"""Say whether a call is charged at all, before or after its end. What was charged is given back or taken
	again by an entry of its own.

	Raises UnknownCall, and InvalidInput without a reason of the list.
	"""
	_check_reason(reason)
	limit = settings.amount("adjustment_limit")

	def work(account: LockedBalance, call: record.Call) -> dict[str, object]:
		if bool(call.not_billable) != billable:
			return _state(call)
		changes = {
			"not_billable": int(not billable),
			"refund_reason": reason,
			"refund_note": note or call.refund_note,
		}
		if call.is_open:
			record.update(call.name, changes)
			return _state(record.changed(call, changes))
		return _settle(account, call, changes, reason, limit)

	state = with_call(call_id, work)
	log("call marked", call=call_id, billable=billable, reason=reason)
	return state


def resolve(call_id: str) -> dict[str, object]:
	"""Take a call out of the staff's queue; what is charged stays as it is. Raises UnknownCall."""

	def work(account: LockedBalance, call: record.Call) -> dict[str, object]:
		if call.review:
			reviewed = {"review": "", "reviewed_by": frappe.session.user}
			record.update(call.name, reviewed | record.times(reviewed_at=account.now_us))
		return _state(record.changed(call, {"review": ""}))

	state = with_call(call_id, work)
	log("call resolved", call=call_id)
	return state


def _check_reason(reason: str) -> None:
	if reason not in REASONS:
		raise InvalidInput(_("Choose a reason of the list: {0}.").format(", ".join(map(_, REASONS))))


def _settle(
	account: LockedBalance, call: record.Call, changes: dict[str, object], reason: str, limit: Decimal
) -> dict[str, object]:
	columns = settle(account, call, changes, reason)
	day_ago = account.now_us - 86_400 * clock.SECOND
	given = frappe.db.sql(_GIVEN, (account.company, day_ago, frappe.session.user))[0][0]
	if columns["amount"] < call.amount and from_database(given) > limit:
		raise NotPermitted(
			_(
				"That is more than one person may give back to a company in a day. Ask for an adjustment instead."
			)
		)
	record.update(call.name, columns)
	return _state(record.changed(call, columns))


def _state(call: record.Call) -> dict[str, object]:
	return {
		"call_id": call.call_id,
		"status": call.status,
		"amount": as_text(call.amount),
		"refunded_amount": as_text(call.refunded_amount),
		"refund_percent": call.refund_percent,
		"not_billable": bool(call.not_billable),
		"review": call.review,
		"currency": call.currency,
	}
