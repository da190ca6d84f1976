"""Authorise, end, release and expire a call. Each is one transaction under the balance lock.

The answers that a gateway got are stored with the call, so that a repeated request gets the same one.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

import frappe
from frappe import _

from prepaid_billing import ledger, settings
from prepaid_billing.batch import each
from prepaid_billing.calls import pricing, record
from prepaid_billing.calls.grant import grant
from prepaid_billing.exceptions import (
	AccountBlocked,
	BillingError,
	CallClosed,
	Duplicate,
	InsufficientBalance,
	UnknownCall,
)
from prepaid_billing.ledger import LockedBalance, clock, transaction
from prepaid_billing.log import log
from prepaid_billing.rating.money import ZERO, as_text
from prepaid_billing.rating.price import billed_seconds, cost

T = TypeVar("T")


def authorize(
	call_id: str, company: str, *, caller: str = "", callee: str = "", requested_seconds: int = 0
) -> dict[str, object]:
	"""Hold money for a call that is about to start and return what is granted.

	``requested_seconds`` 0 means the slice of the settings. The same call again gets the same answer.
	Raises InsufficientBalance, AccountBlocked, NoRate, UnknownCompany, Duplicate, and CallClosed for a call
	that has ended; then nothing is written.
	"""
	asked = (company, caller, callee, requested_seconds)
	slice_seconds = requested_seconds or settings.number("hold_slice")
	longest = settings.number("longest_call")

	def work() -> dict[str, object]:
		with ledger.locked(company) as account:
			if known := record.find(call_id):
				return _first_answer(known, asked)
			return _authorize(account, call_id, asked, slice_seconds, longest)

	try:
		answer = transaction.run(work)
	except BillingError as refusal:
		log("call refused", company=company, call=call_id, reason=refusal.code)
		raise
	log("call authorised", company=company, call=call_id, granted=answer["granted_seconds"])
	return answer


def end(
	call_id: str, duration_sec: int, *, answered_us: int | None = None, ended_us: int | None = None
) -> dict[str, object]:
	"""Charge a call for its whole seconds, once, and free the rest of its hold, in one commit.

	A call that expired because this came late is charged what it cost beyond its last confirmed usage.
	The same end again gets the same answer. Raises UnknownCall, and CallClosed for a call that ended in
	another way or with another duration.
	"""

	def work(account: LockedBalance, call: record.Call) -> dict[str, object]:
		if call.status == "Charged" and call.duration_sec == duration_sec:
			return call.answers["end"]
		if not call.is_open and call.status != "Expired":
			raise CallClosed(_("This call has ended before. Nothing was changed."))
		times = {
			"answered_at": clock.site_time(answered_us) if answered_us is not None else None,
			"ended_at": clock.site_time(account.now_us if ended_us is None else ended_us),
		}
		return _close(account, call, "Charged", duration_sec, times)

	answer = _with_call(call_id, work)
	log("call charged", call=call_id, amount=answer["amount"], overrun=answer["overrun"])
	return answer


def release(call_id: str, reason: str = "") -> dict[str, object]:
	"""Free the hold of a call that was never answered, without a charge.

	The same release again gets the same answer. Raises UnknownCall, and CallClosed for a call that ended.
	"""

	def work(account: LockedBalance, call: record.Call) -> dict[str, object]:
		if call.status == "Released":
			return call.answers["end"]
		if not call.is_open:
			raise CallClosed(_("This call has ended before. Nothing was changed."))
		return _close(account, call, "Released", 0, {"release_reason": reason})

	answer = _with_call(call_id, work)
	log("call released", call=call_id)
	return answer


def expire_stale() -> int:
	"""Close the calls that nobody ended: charge the last confirmed usage, free the rest. Returns how many.

	A gateway that still knows better has its say later, by an end.
	"""
	names = frappe.db.sql_list(
		f"SELECT call_id FROM `tabCall Charge` WHERE status IN ('Authorized', 'Active') AND expires_us < {clock.NOW} ORDER BY company, call_id LIMIT 1000"
	)
	return sum(each(names, _expire))


def _expire(call_id: str) -> bool:
	def work(account: LockedBalance, call: record.Call) -> bool:
		if not call.is_open or call.expires_us >= account.now_us:
			return False
		_close(account, call, "Expired", call.used_seconds, {"ended_at": clock.site_time(account.now_us)})
		return True

	expired = _with_call(call_id, work)
	if expired:
		log("call expired", call=call_id)
	return expired


def _first_answer(call: record.Call, asked: tuple[str, str, str, int]) -> dict[str, object]:
	if (call.company, call.caller, call.callee, call.requested_seconds) != asked:
		raise Duplicate(_("This call id was used before for another call. Nothing was held."))
	if not call.is_open:
		raise CallClosed(
			_("This call has ended before. Nothing was held; a new call needs an id of its own.")
		)
	return call.answers["0"]


def _authorize(
	account: LockedBalance, call_id: str, asked: tuple[str, str, str, int], slice_seconds: int, longest: int
) -> dict[str, object]:
	company, caller, callee, requested_seconds = asked
	_refuse_blocked(account)
	priced = pricing.rate_for(account.company, account.currency, account.now_us)
	granted = grant(priced.rate, account.available, slice_seconds, longest)
	if not granted:
		raise InsufficientBalance(_("The available balance does not pay for this call. Top up first."))
	account.hold(granted.hold)
	valid_until_us = account.now_us + granted.validity * clock.SECOND
	answer = {
		"call_id": call_id,
		"granted_seconds": granted.granted_seconds,
		"max_seconds": granted.max_seconds,
		"valid_until": clock.iso(valid_until_us),
		"final": granted.final,
		"reserved_amount": as_text(granted.hold),
		**_balances(account),
	}
	_insert(
		{
			"call_id": call_id,
			"company": company,
			"currency": account.currency,
			"status": "Authorized",
			"caller": caller,
			"callee": callee,
			"started_at": clock.site_time(account.now_us),
			"started_us": account.now_us,
			"rate": priced.name,
			"rate_per_minute": priced.rate.rate_per_minute,
			"billing_increment": priced.rate.billing_increment,
			"minimum_duration": priced.rate.minimum_duration,
			"connection_fee": priced.rate.connection_fee,
			"minimum_charge": priced.rate.minimum_charge,
			"requested_seconds": requested_seconds,
			"granted_seconds": granted.granted_seconds,
			"reserved_amount": granted.hold,
			"valid_until": clock.site_time(valid_until_us),
			"valid_until_us": valid_until_us,
			"expires_us": account.now_us + 2 * granted.validity * clock.SECOND,
			"answers": {"0": answer},
		}
	)
	return answer


def _insert(values: dict[str, object]) -> None:
	try:
		record.insert(values)
	except Exception as error:
		if not frappe.db.is_unique_key_violation(error) or "call_id" not in str(error):
			raise
		# A call of the same company would have been found under its lock: this one is another company's.
		raise Duplicate(_("This call id was used before for another call. Nothing was held.")) from error


def _refuse_blocked(account: LockedBalance) -> None:
	status, enabled = frappe.db.get_value(
		"Billing Company", account.company, ["status", "prepaid_billing_enabled"]
	)
	if status != "Active":
		raise AccountBlocked(_("This company is suspended, so it starts no calls. Its balance is untouched."))
	if not enabled:
		raise AccountBlocked(_("Prepaid billing is switched off for this company, so it starts no calls."))
	if account.status != "Active":
		raise AccountBlocked(_("The balance of this company is frozen, so it starts no calls."))


def _close(
	account: LockedBalance, call: record.Call, status: str, seconds: int, columns: dict[str, object]
) -> dict[str, object]:
	"""Take what the call cost, free its hold and give it its final status."""
	amount = cost(call.rate, seconds)
	account.hold(-call.reserved)
	due = amount - call.amount
	overrun = due > account.available and due > 0
	if due != ZERO:
		_charge(account, call, due, seconds, overrun)
	answer = {
		"call_id": call.call_id,
		"status": status,
		"amount": as_text(amount),
		"billed_sec": billed_seconds(call.rate, seconds),
		"overrun": overrun,
		**_balances(account),
	}
	values = {
		"status": status,
		"duration_sec": seconds,
		"billed_sec": answer["billed_sec"],
		"amount": amount,
		"reserved_amount": ZERO,
		"overrun": int(overrun),
		"answers": {**call.answers, "end": answer},
		**columns,
	}
	record.update(call.name, values)
	return answer


def _charge(account: LockedBalance, call: record.Call, due: Decimal, seconds: int, overrun: bool) -> None:
	"""Book what is due: the charge of a call, or the difference where it was charged before."""
	operation = "correction" if call.amount else "charge"
	account.post(
		"Call Correction" if call.amount else "Call Charge",
		-due,
		key=f"{operation}:{call.company}:{call.call_id}",
		reference=("Call Charge", call.name),
		description=f"{call.callee or call.call_id} ({seconds // 60}:{seconds % 60:02d})",
		forced=overrun,
	)


def _balances(account: LockedBalance) -> dict[str, object]:
	return {
		"balance": as_text(account.balance),
		"available": as_text(account.available),
		"currency": account.currency,
	}


def _with_call(call_id: str, work: Callable[[LockedBalance, record.Call], T]) -> T:
	"""Run ``work(account, call)`` with the call's balance and then the call locked. Raises UnknownCall."""
	known = record.find(call_id)
	if not known:
		raise UnknownCall(_("There is no call with this id."))

	def locked_work() -> T:
		with ledger.locked(known.company) as account:
			return work(account, record.lock(known.name))

	return transaction.run(locked_work)
