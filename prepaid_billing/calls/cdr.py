"""Call detail records, one by one and by the thousand: what the switch knows in the end prices the call.

Grouped by company and sorted; up to CHUNK records share one lock and one commit, with one ledger entry a call.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from traceback import format_exception

import frappe
from frappe import _, _lt

from prepaid_billing import ledger
from prepaid_billing.calls import pricing, record
from prepaid_billing.calls.report import CDR, NEWS, Report, judge
from prepaid_billing.calls.report import CONFLICT as CONFLICTING
from prepaid_billing.calls.settle import CONFLICT, EXPIRED, OVERRUN, settle
from prepaid_billing.exceptions import (
	BillingError,
	Duplicate,
	InvalidAmount,
	NoRate,
	NotPermitted,
	OpenTransaction,
	TryAgain,
	UnknownCompany,
)
from prepaid_billing.ledger import LockedBalance, clock, transaction
from prepaid_billing.ledger.rows import new_name
from prepaid_billing.log import log
from prepaid_billing.rating.money import ZERO, AmountError
from prepaid_billing.rating.pricelist import PricedRate, applicable

CHUNK = 200
_FAILED = _lt("Something failed on our side. Send it again; nothing is booked twice.")
ACCEPTED, DUPLICATE, REFUSED = "accepted", "duplicate", "refused"


@dataclass(frozen=True, slots=True)
class Cdr:
	"""What the switch says of a call. Instants are UTC microseconds, None where it did not say."""

	call_id: str
	company: str
	duration_sec: int
	revision: int = 0
	caller: str = ""
	callee: str = ""
	started_us: int | None = None
	answered_us: int | None = None
	ended_us: int | None = None

	@property
	def begun_us(self) -> int | None:
		"""When the call began, as far as the record tells: that moment's price is the call's."""
		for instant in (self.started_us, self.answered_us):
			if instant is not None:
				return instant
		return None if self.ended_us is None else self.ended_us - self.duration_sec * clock.SECOND

	@property
	def over_us(self) -> int | None:
		"""When the call ended, as far as the record tells."""
		begun = self.started_us if self.answered_us is None else self.answered_us
		if self.ended_us is not None or begun is None:
			return self.ended_us
		return begun + self.duration_sec * clock.SECOND


@dataclass(frozen=True, slots=True)
class Outcome:
	"""What became of a record: ACCEPTED (it prices the call now), DUPLICATE (nothing new) or REFUSED.

	``amount`` is what the call has cost by then, in major units of ``currency``; a refusal has ``code`` and
	``error`` instead.
	"""

	call_id: str | None
	result: str
	amount: Decimal = ZERO
	currency: str = ""
	code: str = ""
	error: str = ""


def book(cdrs: Sequence[Cdr], may_shorten: bool = True) -> list[Outcome]:
	"""Let each record price its call, and return an outcome for each, in their order.

	A call is charged by the first record of the highest revision, or corrected by the difference; one that was
	never authorised is charged at the price of its beginning. The same record again changes nothing. The same
	revision with another duration is refused, and the call stands in the staff's queue. Where the caller
	may not shorten calls that were charged, such records are refused: that is a refund by another name.

	Raises TryAgain while the database is busy; then some records may have been booked, and all may be sent again.
	"""
	outcomes: dict[int, Outcome] = {}
	numbered = sorted(enumerate(cdrs), key=lambda item: (item[1].company, item[1].call_id, item[1].revision))
	for company, group in groupby(numbered, key=lambda item: item[1].company):
		for chunk in _chunks(list(group)):
			numbers = [number for number, _cdr in chunk]
			outcomes.update(
				zip(numbers, _safely(company, [cdr for _number, cdr in chunk], may_shorten), strict=True)
			)
	return [outcomes[number] for number in range(len(cdrs))]


def _chunks(items: list[tuple[int, Cdr]]) -> Iterator[list[tuple[int, Cdr]]]:
	for start in range(0, len(items), CHUNK):
		yield items[start : start + CHUNK]


def _safely(company: str, cdrs: list[Cdr], may_shorten: bool) -> list[Outcome]:
	"""Book a chunk; what fails is tried whole again, then record by record, so that one cannot stop the others."""
	failure: Exception | None = None
	for _attempt in range(2):
		try:
			return _chunk(company, cdrs, may_shorten)
		except UnknownCompany as error:
			return [_refused(cdr, error) for cdr in cdrs]
		except (OpenTransaction, TryAgain):
			raise
		except Exception as error:
			frappe.db.rollback()
			failure = error
	log("cdrs failed", company=company, records=len(cdrs), traceback="".join(format_exception(failure)))
	if len(cdrs) > 1:
		return [outcome for cdr in cdrs for outcome in _safely(company, [cdr], may_shorten)]
	known = InvalidAmount(_(str(failure))) if isinstance(failure, AmountError) else failure
	return [_refused(cdr, known if isinstance(known, BillingError) else TryAgain(_FAILED)) for cdr in cdrs]


def _chunk(company: str, cdrs: list[Cdr], may_shorten: bool) -> list[Outcome]:
	def work() -> list[Outcome]:
		with ledger.locked(company) as account:
			batch = _Batch(account, cdrs, may_shorten)
			outcomes = [batch.one(cdr) for cdr in cdrs]
			batch.write()
			return outcomes

	outcomes = transaction.run(work)
	counts = {
		result: sum(outcome.result == result for outcome in outcomes)
		for result in (ACCEPTED, DUPLICATE, REFUSED)
	}
	log("cdrs recorded", company=company, **counts)
	return outcomes


class _Batch:
	"""The calls of some records under the lock of their balance; their rows are written at the end."""

	def __init__(self, account: LockedBalance, cdrs: list[Cdr], may_shorten: bool) -> None:
		self.account, self.may_shorten = account, may_shorten
		# Nobody else writes calls of this company while its balance is locked.
		self.calls = record.find_all([cdr.call_id for cdr in cdrs])
		self.rates: list[PricedRate] | None = None
		self.withdrawn: list[PricedRate] | None = None
		self.new: dict[str, dict[str, object]] = {}
		self.known: dict[str, dict[str, object]] = {}

	def one(self, cdr: Cdr) -> Outcome:
		"""Book one record. A refusal has no effect on the others; what fails in booking fails the batch."""
		call, first = self.calls.get(cdr.call_id), {}
		try:
			if not call:
				call, first = self._begin(cdr)
			verdict = self._judge(call, cdr)
		except BillingError as error:
			return _refused(cdr, error)
		if verdict != NEWS:
			return Outcome(cdr.call_id, DUPLICATE, call.amount, call.currency)
		call = self._keep(
			call, {**first, **settle(self.account, call, _changes(call, cdr))}, is_new=bool(first)
		)
		return Outcome(cdr.call_id, ACCEPTED, call.amount, call.currency)

	def write(self) -> None:
		"""Write the rows of the calls that were changed."""
		if self.new:
			record.insert(self.account.now_us, *self.new.values())
		for name, columns in self.known.items():
			record.update(name, columns)

	def _begin(self, cdr: Cdr) -> tuple[record.Call, dict[str, object]]:
		"""Return a call that was never authorised, priced as of its beginning, and its first columns."""
		account = self.account
		if self.rates is None:
			self.rates = pricing.rates_of(account.company, account.currency)
		begun = account.now_us if cdr.begun_us is None else min(cdr.begun_us, account.now_us)
		found = applicable(self.rates, account.company, begun)
		if not (found and found.company) and self._is_withdrawn(begun):
			raise NoRate(
				_(
					"The rate of this call's time was disabled, so nobody can say its price. Add a rate for it."
				)
			)
		priced = pricing.required(found)
		call = record.Call(
			new_name(), cdr.call_id, account.company, account.currency, priced.rate, priced.name
		)
		return call, {
			"name": call.name,
			"call_id": call.call_id,
			"company": call.company,
			"currency": call.currency,
			"started_us": begun,
			"started_at": clock.site_time(begun),
			"answered_at": None,
			"ended_at": clock.site_time(account.now_us),
			"caller": "",
			"callee": "",
			**record.snapshot(priced),
		}

	def _is_withdrawn(self, begun: int) -> bool:
		"""Whether the company had a rate of its own then, which staff have disabled since."""
		account = self.account
		if self.withdrawn is None:
			self.withdrawn = pricing.rates_of(account.company, account.currency, disabled=True)
		found = applicable(self.withdrawn, account.company, begun)
		return bool(found and found.company)

	def _judge(self, call: record.Call, cdr: Cdr) -> str:
		if call.company != self.account.company:
			raise Duplicate(_("This call id belongs to another call. Nothing was booked."))
		verdict = judge(call.length, Report(CDR, cdr.duration_sec, cdr.revision))
		if verdict == NEWS and call.amount and cdr.duration_sec < call.duration_sec and not self.may_shorten:
			raise NotPermitted(
				_("Only the telephone system shortens a call that was charged. Give money back by a refund.")
			)
		if verdict == CONFLICTING:
			self._keep(call, {"review": CONFLICT}, is_new=False)
			raise Duplicate(
				_(
					"This revision was sent before with another duration. Nothing was booked; send a higher revision."
				)
			)
		return verdict

	def _keep(self, call: record.Call, columns: dict[str, object], is_new: bool) -> record.Call:
		target = self.new if is_new or call.name in self.new else self.known
		target[call.name] = {**target.get(call.name, {}), **columns}
		self.calls[call.call_id] = record.changed(call, columns)
		return self.calls[call.call_id]


def _changes(call: record.Call, cdr: Cdr) -> dict[str, object]:
	"""Return the columns that a record brings: the truth about the call, as far as it tells."""
	unanswered = call.status == "Released" and not cdr.duration_sec
	review = "" if call.review in (EXPIRED, CONFLICT) else call.review
	if call.review == CONFLICT and call.overrun and not call.reviewed_by:
		review = OVERRUN
	changes: dict[str, object] = {
		"status": call.status if unanswered else "Charged",
		"duration_sec": cdr.duration_sec,
		"duration_from": CDR,
		"cdr_revision": cdr.revision,
		"review": review,
		**record.times(answered_at=cdr.answered_us, ended_at=cdr.over_us),
	}
	numbers = {"caller": cdr.caller, "callee": cdr.callee}
	return changes | {column: number for column, number in numbers.items() if number}


def _refused(cdr: Cdr, error: BillingError) -> Outcome:
	return Outcome(cdr.call_id, REFUSED, code=error.code, error=str(error))
