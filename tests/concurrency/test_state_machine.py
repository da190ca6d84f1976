"""Anything that may happen to a balance, in any order, against a model that a person can check in a minute."""

import os
import secrets
from collections.abc import Callable
from decimal import Decimal

import frappe
from frappe.model.document import Document
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
	Bundle,
	RuleBasedStateMachine,
	invariant,
	multiple,
	rule,
	run_state_machine_as_test,
)

from prepaid_billing import ledger
from prepaid_billing.calls import session
from prepaid_billing.exceptions import BillingError
from prepaid_billing.ledger import adjustments, balance_at, clock, transaction
from prepaid_billing.rating.money import from_database
from tests.concurrency.conftest import FULL
from tests.factories import make_company, make_manager, new_id

EXAMPLES, STEPS = (1_000, 100) if FULL else (100, 50)
PER_SECOND = Decimal("0.007")
"""The price of a call of 0.42 a minute."""
ADJUSTMENT_LIMIT = 500
LONGEST_CALL = 86_400
LIMIT = 10**9
NO_MONEY, TOO_MUCH = "INSUFFICIENT_BALANCE", "INVALID_AMOUNT"
USED_KEY, CLOSED = "DUPLICATE", "CALL_CLOSED"

BALANCE = """
	SELECT CAST(balance AS CHAR), CAST(available AS CHAR), CAST(low_balance_threshold AS CHAR), is_low, last_sequence
	FROM `tabPrepaid Balance` WHERE name = %s
"""


class Model:
	"""A balance in the plainest words. Refusals are their codes, and change nothing."""

	def __init__(self) -> None:
		self.entries: list[Decimal] = []
		self.booked: dict[str, tuple[object, Decimal]] = {}
		self.holds: dict[str, Decimal] = {}
		self.closed: dict[str, tuple[str, int]] = {}

	@property
	def balance(self) -> Decimal:
		return sum(self.entries, Decimal(0))

	@property
	def available(self) -> Decimal:
		return self.balance - sum(self.holds.values())

	def book(self, key: str, content: object, amount: Decimal, forced: bool = False) -> Decimal | str:
		if key in self.booked:
			before, after = self.booked[key]
			return after if before == content else USED_KEY
		if max(abs(self.balance + amount), abs(self.available + amount)) >= LIMIT:
			return TOO_MUCH
		if amount < 0 and not forced and self.available + amount < 0:
			return NO_MONEY
		self.entries.append(amount)
		self.booked[key] = (content, self.balance)
		return self.balance

	def hold(self, call: str, amount: Decimal) -> Decimal | str:
		if call in self.closed:
			return CLOSED
		more = amount - self.holds.get(call, 0)
		if more > 0 and more > self.available:
			return NO_MONEY
		self.holds[call] = amount
		return self.available

	def close(self, call: str, how: tuple[str, int]) -> Decimal | str:
		cost = PER_SECOND * how[1]
		if call in self.closed:
			return cost if self.closed[call] == how else CLOSED
		held = self.holds.pop(call)
		if cost and self.book(call, how, -cost, forced=True) == TOO_MUCH:
			self.holds[call] = held
			return TOO_MUCH
		self.closed[call] = how
		return cost


def told(work: Callable[[], object]) -> object:
	"""What the caller gets: the answer of ``work`` or the code of its refusal."""
	try:
		return work()
	except BillingError as refusal:
		return refusal.code


KEYS = st.sampled_from("abcdef")
AMOUNTS = st.one_of(
	st.integers(1, 60_000_000),
	st.integers(1, 20).map(lambda n: n * 420_000),
	st.integers(1, 900_000_000),
	st.sampled_from((600_000_000_000_000, 999_999_999_999_999)),
).map(lambda micros: Decimal(micros).scaleb(-6))
SIGNS = st.sampled_from((1, -1))
SECONDS = st.integers(0, 5_000)


class Balance(RuleBasedStateMachine):
	"""The real ledger on the real database, every step committed, and the model beside it."""

	calls = Bundle("calls")
	waiting = Bundle("waiting")
	forms = Bundle("forms")

	def __init__(self) -> None:
		super().__init__()
		frappe.set_user("Administrator")
		self.company = make_company(low_balance_threshold=20)
		self.model = Model()
		self.threshold = Decimal(20)
		self.saves = 0
		self.moments: list[tuple[int, Decimal]] = []
		self.adjusted: dict[str, tuple[Decimal, str]] = {}
		# a person of this example alone: what one books without a second counts over all companies of a day
		self.asker = f"{new_id('asker')}@example.com"
		self.booked_alone = Decimal(0)

	@rule(key=KEYS, amount=AMOUNTS)
	def credit(self, key: str, amount: Decimal) -> None:
		expected = self.model.book(key, ("Bonus", amount), amount)
		assert self._book(ledger.credit, "Bonus", key, amount) == expected

	@rule(key=KEYS, amount=AMOUNTS)
	def debit(self, key: str, amount: Decimal) -> None:
		expected = self.model.book(key, ("Adjustment", -amount), -amount)
		assert self._book(ledger.debit, "Adjustment", key, amount) == expected

	@rule(key=KEYS, amount=AMOUNTS, sign=SIGNS)
	def say_it_twice(self, key: str, amount: Decimal, sign: int) -> None:
		for _time in range(2):
			self.credit(key, amount) if sign > 0 else self.debit(key, amount)

	@rule(key=KEYS, amount=AMOUNTS)
	def take_back_by_force(self, key: str, amount: Decimal) -> None:
		def work() -> ledger.Entry:
			with ledger.locked(self.company) as account:
				return account.post("Dispute", -amount, key=f"test:{self.company}:{key}", forced=True)

		expected = self.model.book(key, ("Dispute", -amount), -amount, forced=True)
		assert told(lambda: transaction.run(work).balance_after) == expected

	@rule(target=calls, number=st.integers(1, 9), seconds=st.integers(1, 3_000))
	def authorize(self, number: int, seconds: int) -> object:
		call = f"call-{number}-{seconds}-{self.company}".replace(" ", "-")
		if call in self.model.holds or call in self.model.closed:
			return multiple()
		granted = min(seconds, int(max(self.model.available, 0) // PER_SECOND), LONGEST_CALL)
		answer = told(lambda: session.authorize(call, self.company, requested_seconds=seconds))
		if not granted:
			assert answer == NO_MONEY
			return multiple()
		self.model.hold(call, PER_SECOND * granted)
		assert (answer["granted_seconds"], Decimal(answer["available"])) == (granted, self.model.available)
		assert session.authorize(call, self.company, requested_seconds=seconds) == answer
		return call

	@rule(call=calls, seconds=SECONDS)
	def end(self, call: str, seconds: int) -> None:
		expected = self.model.close(call, ("Charged", seconds))
		answer = told(lambda: session.end(call, seconds))
		assert (Decimal(answer["amount"]) if isinstance(answer, dict) else answer) == expected

	@rule(call=calls)
	def release_call(self, call: str) -> None:
		expected = self.model.close(call, ("Released", 0))
		answer = told(lambda: session.release(call))
		assert (Decimal(answer["amount"]) if isinstance(answer, dict) else answer) == expected

	@rule(call=calls, amount=AMOUNTS)
	def reserve(self, call: str, amount: Decimal) -> None:
		self._hold(call, amount, lambda balance, name: balance.reserve(name, amount))

	@rule(call=calls)
	def release_hold(self, call: str) -> None:
		self._hold(call, Decimal(0), lambda balance, name: balance.release(name))

	@rule(target=waiting, key=KEYS, amount=AMOUNTS, sign=SIGNS)
	def adjust(self, key: str, amount: Decimal, sign: int) -> object:
		amount *= sign
		if key in self.adjusted:
			before, name = self.adjusted[key]
			answer = self._as(self.asker, lambda: adjustments.adjust(self.company, amount, "goodwill", key))
			assert answer == USED_KEY if before != amount else answer.name == name
			return multiple()
		answer = self._as(self.asker, lambda: adjustments.adjust(self.company, amount, "goodwill", key))
		if self.booked_alone + abs(amount) > ADJUSTMENT_LIMIT:
			assert answer.status == "Waiting"
			self.adjusted[key] = (amount, answer.name)
			return answer.name, amount
		expected = self.model.book(f"adjusted {key}", amount, amount)
		if isinstance(expected, str):
			assert answer == expected
		else:
			assert (answer.status, answer.balance) == ("Booked", expected)
			self.adjusted[key] = (amount, answer.name)
			self.booked_alone += abs(amount)
		return multiple()

	@rule(adjustment=waiting, second=st.booleans())
	def confirm(self, adjustment: tuple[str, Decimal], second: bool) -> None:
		name, amount = adjustment
		person = colleague() if second else self.asker
		answer = self._as(person, lambda: adjustments.confirm(name).balance)
		if name in self.model.closed:
			assert answer == "INVALID_INPUT"
		elif not second and name not in self.model.booked:
			assert answer == "NOT_PERMITTED"
		else:
			assert answer == self.model.book(name, amount, amount)

	@rule(adjustment=waiting)
	def refuse(self, adjustment: tuple[str, Decimal]) -> None:
		name = adjustment[0]
		answer = told(lambda: adjustments.refuse(name).status)
		assert answer == ("INVALID_INPUT" if name in self.model.booked else "Refused")
		if name not in self.model.booked:
			self.model.closed[name] = ("Refused", 0)

	@rule(target=forms)
	def open_form(self) -> tuple[Document, int]:
		return frappe.get_doc("Prepaid Balance", self.company), self.saves

	@rule(form=forms, threshold=AMOUNTS)
	def save_form(self, form: tuple[Document, int], threshold: Decimal) -> None:
		document, saves = form
		document.low_balance_threshold = threshold
		document.balance = document.available = 10**6
		try:
			document.save()
		except frappe.TimestampMismatchError:
			frappe.db.rollback()
			assert saves < self.saves
			return
		frappe.db.commit()
		self.threshold = threshold
		self.saves += 1

	@rule()
	def remember_this_moment(self) -> None:
		self.moments.append((clock.now_us(), self.model.balance))

	@rule(data=st.data())
	def statement_at_a_past_moment(self, data: st.DataObject) -> None:
		if self.moments:
			instant, balance = data.draw(st.sampled_from(self.moments))
			assert balance_at(self.company, instant) == balance

	@invariant()
	def the_balance_is_what_the_model_says(self) -> None:
		frappe.db.rollback()
		*amounts, is_low, entries = frappe.db.sql(BALANCE, (self.company,))[0]
		model = self.model
		assert [from_database(text) for text in amounts] == [model.balance, model.available, self.threshold]
		low = model.available < self.threshold or model.available < 1
		assert (bool(is_low), entries) == (low, len(model.entries))

	def teardown(self) -> None:
		frappe.set_user("Administrator")
		frappe.db.rollback()
		amounts = frappe.db.sql_list(
			"SELECT CAST(amount AS CHAR) FROM `tabBalance Transaction` WHERE balance = %s ORDER BY sequence",
			(self.company,),
		)
		assert [from_database(amount) for amount in amounts] == self.model.entries
		for instant, balance in self.moments:
			assert balance_at(self.company, instant) == balance

	def _as(self, person: str, work: Callable[[], object]) -> object:
		frappe.set_user(person)
		try:
			return told(work)
		finally:
			frappe.set_user("Administrator")

	def _book(self, book: Callable[..., ledger.Entry], kind: str, key: str, amount: Decimal) -> object:
		full_key = f"test:{self.company}:{key}"
		return told(lambda: book(self.company, amount, transaction_type=kind, key=full_key).balance_after)

	def _hold(self, call: str, amount: Decimal, work: Callable[[object, str], None]) -> None:
		name = frappe.db.get_value("Call Charge", {"call_id": call})
		answer = told(lambda: work(frappe.get_doc("Prepaid Balance", self.company), name))
		expected = self.model.hold(call, amount)
		assert answer == (expected if expected in (NO_MONEY, CLOSED) else None)


COLLEAGUES: list[str] = []


def colleague() -> str:
	"""A second person who may confirm, made once."""
	if not COLLEAGUES:
		user = frappe.session.user
		COLLEAGUES.append(make_manager()[0])
		frappe.set_user(user)
	return COLLEAGUES[0]


def test_whatever_happens_to_a_balance_it_is_what_the_model_says() -> None:
	number = int(os.environ.get("SEED") or (secrets.randbelow(10**9) if FULL else 0))
	print(f"seed {number}: SEED={number} repeats every step")
	colleague()
	run_state_machine_as_test(
		seed(number)(Balance),
		settings=settings(
			max_examples=EXAMPLES,
			stateful_step_count=STEPS,
			deadline=None,
			database=None,
			suppress_health_check=list(HealthCheck),
		),
	)
