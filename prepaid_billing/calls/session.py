"""Authorise, extend, end, release and expire a call. Each is one transaction under the balance lock.

The answers that a gateway got are stored with the call, so that a repeated request gets the same one.
"""

from collections.abc import Callable
from typing import TypeVar

import frappe
from frappe import _

from prepaid_billing import ledger, settings
from prepaid_billing.batch import each
from prepaid_billing.calls import pricing, record, stops
from prepaid_billing.calls.grant import Grant, Running, grant, no_more
from prepaid_billing.calls.grant import extend as next_grant
from prepaid_billing.calls.report import END, NEWS, USAGE, Report, judge
from prepaid_billing.calls.settle import EXPIRED, answer_of, balances, settle
from prepaid_billing.exceptions import (
	AccountBlocked,
	BillingError,
	CallClosed,
	Duplicate,
	InsufficientBalance,
	InvalidInput,
	UnknownCall,
)
from prepaid_billing.ledger import LockedBalance, clock, transaction
from prepaid_billing.ledger.rows import new_name
from prepaid_billing.log import log
from prepaid_billing.rating.money import as_text

T = TypeVar("T")

_RATE_DISABLED = "SELECT disabled FROM `tabBilling Rate` WHERE name = %s"
_OF_CALL = "SELECT name, company FROM `tabCall Charge` WHERE call_id = %s"
_BATCH = 1_000
_STALE = f"""
	SELECT call_id FROM `tabCall Charge` WHERE status IN ('Authorized', 'Active') AND expires_us < {clock.NOW}
	ORDER BY expires_us LIMIT {_BATCH}
"""


def authorize(
	call_id: str, company: str, *, caller: str = "", callee: str = "", requested_seconds: int = 0
) -> dict[str, object]:
	"""Hold money for a call that is about to start and return what is granted.

	``requested_seconds`` 0 means the slice of the settings. The same call again gets the same answer.
	Raises InsufficientBalance, AccountBlocked, NoRate, UnknownCompany, Duplicate, and CallClosed for a call
	that has ended; then nothing is written.
	"""
	asked = (company, caller, callee, requested_seconds)
	slice_seconds, longest = _slice(requested_seconds), settings.number("longest_call")

	def work() -> dict[str, object]:
		with ledger.locked(company) as account:
			if known := record.find(call_id):
				return _first_answer(account, known, asked)
			return _authorize(account, call_id, asked, slice_seconds, longest)

	try:
		answer = transaction.run(work)
	except BillingError as refusal:
		log("call refused", company=company, call=call_id, reason=refusal.code)
		raise
	log("call authorised", company=company, call=call_id, granted=answer["granted_seconds"])
	return answer


def extend(
	call_id: str, used_seconds: int, request_number: int, *, answered_us: int | None = None
) -> dict[str, object]:
	"""Let a call go on: hold money for the next slice beyond ``used_seconds`` and return what is granted in all.

	``used_seconds`` counts from the answer; ``request_number`` rises from 1. A number that was seen, or one
	below it, changes nothing and gets the last answer. Where nothing more can be granted the answer is
	``final`` and what was granted before stands: a call is never cut short of it.

	Raises UnknownCall, and CallClosed for a call that ended or expired.
	"""
	longest = settings.number("longest_call")

	def work(account: LockedBalance, call: record.Call) -> dict[str, object]:
		if _is_over(account, call):
			raise CallClosed(_("This call has ended or expired. Nothing was held."))
		if request_number <= call.request_number:
			return call.answer("last") or call.answer("0")
		used = max(used_seconds, call.used_seconds)
		running = Running(call.granted_seconds, call.reserved_amount, used)
		if _blocked(account) or _is_withdrawn(call.rate_name):
			granted = no_more(running)
		else:
			slice_seconds = _slice(call.requested_seconds)
			granted = next_grant(call.rate, running, account.available, slice_seconds, longest)
		account.hold(granted.hold - call.reserved_amount)
		columns, answer = _granted(account, call.call_id, granted)
		columns |= {
			"used_seconds": used,
			"request_number": request_number,
			"answers": {"0": call.answer("0"), "last": answer},
			**record.times(answered_at=answered_us),
		}
		if answered_us is not None or used:
			columns["status"] = "Active"
		record.update(call.name, columns)
		return answer

	answer = with_call(call_id, work)
	log("call extended", call=call_id, granted=answer["granted_seconds"], final=answer["final"])
	return answer


def end(
	call_id: str, duration_sec: int, *, answered_us: int | None = None, ended_us: int | None = None
) -> dict[str, object]:
	"""Charge a call for its whole seconds, once, and free the rest of its hold, in one commit.

	A call that expired because this came late is charged what it cost beyond its last confirmed usage; one
	that a CDR has priced stays as it is. The same end again gets the same answer. Raises UnknownCall, and
	CallClosed for a call that was released, or ended with another duration.
	"""

	def work(account: LockedBalance, call: record.Call) -> dict[str, object]:
		answered = call.answer("end")
		if answered and call.end_duration_sec == duration_sec:
			return answered
		if answered or call.status == "Released":
			raise CallClosed(_("This call has ended before. Nothing was changed."))
		columns: dict[str, object] = {"status": "Charged", "end_duration_sec": duration_sec}
		if judge(call.length, Report(END, duration_sec)) == NEWS:
			ended = account.now_us if ended_us is None else ended_us
			columns |= {
				"duration_sec": duration_sec,
				"duration_from": END,
				"review": "" if call.review == EXPIRED else call.review,
				**record.times(answered_at=answered_us, ended_at=ended),
			}
		return _close(account, call, columns, "end")

	answer = with_call(call_id, work)
	log("call charged", call=call_id, amount=answer["amount"], overrun=answer["overrun"])
	return answer


def release(call_id: str, reason: str = "") -> dict[str, object]:
	"""Free the hold of a call that was never answered, without a charge.

	The same release again gets the same answer. Raises UnknownCall, CallClosed for a call that ended, and
	InvalidInput for one that was answered: that one is ended.
	"""

	def work(account: LockedBalance, call: record.Call) -> dict[str, object]:
		if answered := call.answer("release"):
			return answered
		if not call.is_open:
			raise CallClosed(_("This call has ended before. Nothing was changed."))
		if call.status == "Active":
			raise InvalidInput(_("This call was answered, so it is not released. End it with its duration."))
		columns: dict[str, object] = {"status": "Released", "release_reason": reason}
		return _close(account, call, columns | record.times(ended_at=account.now_us), "release")

	answer = with_call(call_id, work)
	log("call released", call=call_id)
	return answer


def expire_stale() -> int:
	"""Close the calls that nobody ended: charge the last confirmed usage, free the rest. Returns how many.

	A gateway that still knows better has its say later, by an end or a CDR.
	"""
	expired = 0
	while names := frappe.db.sql_list(_STALE):
		expired += sum(each(names, _expire))
		if len(names) < _BATCH:
			break
		frappe.db.rollback()
	return expired


def company_of(call_id: str) -> str:
	"""Return the company of a call. Raises UnknownCall."""
	return _located(call_id)[1]


def unknown() -> UnknownCall:
	"""Return the refusal for a call that is not there, or not for the user to see: the answers are alike."""
	return UnknownCall(_("There is no call with this id."))


def with_call(call_id: str, work: Callable[[LockedBalance, record.Call], T]) -> T:
	"""Run ``work(account, call)`` with the call's balance and then the call locked. Raises UnknownCall."""
	name, company = _located(call_id)

	def locked_work() -> T:
		with ledger.locked(company) as account:
			return work(account, record.lock(name))

	return transaction.run(locked_work)


def _located(call_id: str) -> tuple[str, str]:
	found = frappe.db.sql(_OF_CALL, (call_id,))
	if not found:
		raise unknown()
	return found[0]


def _expire(call_id: str) -> bool:
	def work(account: LockedBalance, call: record.Call) -> bool:
		if not call.is_open or call.expires_us >= account.now_us:
			return False
		columns: dict[str, object] = {
			"status": "Expired",
			"duration_sec": call.used_seconds,
			"duration_from": USAGE,
			"review": EXPIRED,
		}
		_close(account, call, columns | record.times(ended_at=account.now_us), None)
		return True

	expired = with_call(call_id, work)
	if expired:
		log("call expired", call=call_id)
	return expired


def _first_answer(
	account: LockedBalance, call: record.Call, asked: tuple[str, str, str, int]
) -> dict[str, object]:
	if call.company == account.company and _is_over(account, call):
		raise CallClosed(
			_("This call has ended before. Nothing was held; a new call needs an id of its own.")
		)
	if (call.company, call.caller, call.callee, call.requested_seconds) != asked:
		raise Duplicate(_("This call id was used before for another call. Nothing was held."))
	return call.answer("0") or {}


def _is_over(account: LockedBalance, call: record.Call) -> bool:
	"""Whether a call has ended, or will be expired by the next sweep."""
	return not call.is_open or call.expires_us < account.now_us


def _authorize(
	account: LockedBalance, call_id: str, asked: tuple[str, str, str, int], slice_seconds: int, longest: int
) -> dict[str, object]:
	company, caller, callee, requested_seconds = asked
	if refusal := _blocked(account):
		raise AccountBlocked(refusal)
	priced = pricing.rate_for(account.company, account.currency, account.now_us)
	granted = grant(priced.rate, account.available, slice_seconds, longest)
	if not granted:
		raise InsufficientBalance(_("The available balance does not pay for this call. Top up first."))
	account.hold(granted.hold)
	columns, answer = _granted(account, call_id, granted)
	columns |= {
		"name": new_name(),
		"call_id": call_id,
		"company": company,
		"currency": account.currency,
		"status": "Authorized",
		"caller": caller,
		"callee": callee,
		"started_us": account.now_us,
		"requested_seconds": requested_seconds,
		"answers": {"0": answer},
		**record.times(started_at=account.now_us),
		**record.snapshot(priced),
	}
	_insert(account.now_us, columns)
	return answer


def _granted(
	account: LockedBalance, call_id: str, granted: Grant
) -> tuple[dict[str, object], dict[str, object]]:
	"""Return the columns and the answer of a grant whose money is held."""
	valid_until_us = account.now_us + granted.validity * clock.SECOND
	columns = {
		"granted_seconds": granted.granted_seconds,
		"reserved_amount": granted.hold,
		"valid_until": clock.site_time(valid_until_us),
		"valid_until_us": valid_until_us,
		"expires_us": account.now_us + 2 * granted.validity * clock.SECOND,
	}
	answer = {
		"call_id": call_id,
		"granted_seconds": granted.granted_seconds,
		"max_seconds": granted.max_seconds,
		"valid_until": clock.iso(valid_until_us),
		"final": granted.final,
		"reserved_amount": as_text(granted.hold),
		**balances(account),
	}
	return columns, answer


def _insert(now_us: int, columns: dict[str, object]) -> None:
	try:
		record.insert(now_us, columns)
	except Exception as error:
		if not frappe.db.is_unique_key_violation(error) or "call_id" not in str(error):
			raise
		# A call of the same company would have been found under its lock: this one is another company's.
		raise Duplicate(_("This call id was used before for another call. Nothing was held.")) from error


def _blocked(account: LockedBalance) -> str:
	"""Return why this company gets no money held for calls, or ""."""
	return {
		"": "",
		stops.SUSPENDED: _("This company is suspended, so it starts no calls. Its balance is untouched."),
		stops.SWITCHED_OFF: _("Prepaid billing is switched off for this company, so it starts no calls."),
		stops.FROZEN: _("The balance of this company is frozen, so it starts no calls."),
		stops.DISPUTED: _(
			"A payment of this company is disputed, so it starts no calls until that is settled."
		),
	}[stops.stop_of(account.company, account.status)]


def _is_withdrawn(rate: str) -> bool:
	"""Whether staff have disabled the rate that a call began with. One that only ended, or has a successor,
	goes on for the calls that it began with."""
	found = frappe.db.sql(_RATE_DISABLED, (rate,))
	return not found or bool(found[0][0])


def _close(
	account: LockedBalance, call: record.Call, changes: dict[str, object], request: str | None
) -> dict[str, object]:
	"""Settle a call, and keep what the gateway is told as the answer to its ``request``."""
	columns = settle(account, call, changes)
	answer = answer_of(account, call, columns)
	if request:
		columns["answers"] = {**(call.answers or {}), request: answer}
	record.update(call.name, columns)
	return answer


def _slice(requested_seconds: int) -> int:
	return requested_seconds or settings.number("hold_slice")
