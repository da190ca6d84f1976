"""Races for the last cent: whoever comes together, exactly one gets it, and nobody sees an error of the database."""

from collections import Counter
from decimal import Decimal
from itertools import chain

import frappe
import pytest

from prepaid_billing import ledger
from prepaid_billing.calls import session
from prepaid_billing.exceptions import InsufficientBalance
from prepaid_billing.ledger import balance_of
from tests import site
from tests.concurrency.at_once import at_once, at_once_in_rounds, outcome
from tests.concurrency.conftest import FULL
from tests.factories import make_company, new_id

ROUNDS = 100 if FULL else 10
THREADS = 20
CENT = Decimal("0.01")


def debit(company: str, key: object, amount: Decimal) -> ledger.Entry:
	return ledger.debit(company, amount, transaction_type="Adjustment", key=f"adjustment:{company}:{key}")


def companies(balance: str, rounds: int = ROUNDS) -> list[str]:
	return [make_company(balance) for _round in range(rounds)]


def call_without_hold(company: str) -> str:
	"""An open call that holds nothing yet; return its name."""
	call = new_id()
	session.authorize(call, company, requested_seconds=1)
	name = frappe.db.get_value("Call Charge", {"call_id": call})
	ledger.release(company, name)
	return name


def test_of_a_hundred_debits_of_one_against_one_exactly_one_passes() -> None:
	contested = companies("1")

	def five_debits(turn: int, number: int) -> list[str]:
		company = contested[turn]
		return [
			outcome(lambda n=n: debit(company, f"{number}-{n}", Decimal(1))) for n in range(100 // THREADS)
		]

	for outcomes in at_once_in_rounds(five_debits, THREADS, ROUNDS):
		assert Counter(chain.from_iterable(outcomes)) == {"done": 1, "INSUFFICIENT_BALANCE": 99}
	site.fresh()
	assert [balance_of(company).balance for company in contested] == [0] * ROUNDS


def test_of_two_holds_for_the_last_cent_exactly_one_passes() -> None:
	contested = companies("0.01", 4 * ROUNDS)
	calls = [(call_without_hold(company), call_without_hold(company)) for company in contested]

	def hold(turn: int, number: int) -> str:
		return outcome(lambda: ledger.reserve(contested[turn], calls[turn][number], CENT))

	for outcomes in at_once_in_rounds(hold, 2, 4 * ROUNDS):
		assert sorted(outcomes) == ["INSUFFICIENT_BALANCE", "done"]
	site.fresh()
	assert {balance_of(company).reserved for company in contested} == {CENT}


def test_of_a_debit_and_a_hold_for_the_last_cent_exactly_one_passes() -> None:
	contested = companies("0.01", 4 * ROUNDS)
	calls = [call_without_hold(company) for company in contested]

	def take(turn: int, number: int) -> str:
		company = contested[turn]
		# each thread debits in every other round
		if (turn + number) % 2:
			return outcome(lambda: debit(company, "last", CENT))
		return outcome(lambda: ledger.reserve(company, calls[turn], CENT))

	for outcomes in at_once_in_rounds(take, 2, 4 * ROUNDS):
		assert sorted(outcomes) == ["INSUFFICIENT_BALANCE", "done"]
	site.fresh()
	assert {balance_of(company).available for company in contested} == {0}


def test_of_thirty_authorisations_on_money_for_one_call_exactly_one_passes() -> None:
	contested = companies("0.42", 200 if FULL else 5)

	def authorize(turn: int, number: int) -> str:
		return outcome(lambda: session.authorize(new_id(), contested[turn], requested_seconds=60))

	for outcomes in at_once_in_rounds(authorize, 30, len(contested)):
		assert Counter(outcomes) == {"done": 1, "INSUFFICIENT_BALANCE": 29}


def test_one_authorisation_sent_ten_times_at_once_gets_one_answer(snapshot_isolation: bool) -> None:
	paying = companies("10")
	calls = [new_id() for _company in paying]

	def authorize(turn: int, _number: int) -> str:
		try:
			return str(session.authorize(calls[turn], paying[turn]))
		except Exception as error:
			return repr(error)

	for answers in at_once_in_rounds(authorize, 10, ROUNDS):
		assert len(set(answers)) == 1 and "granted_seconds" in answers[0], set(answers)
	site.fresh()
	assert {str(balance_of(company).reserved) for company in paying} == {"0.420000"}


def test_one_key_from_ten_at_once_books_once_and_answers_all_alike() -> None:
	company = make_company()

	def credit(_number: int) -> ledger.Entry:
		return ledger.credit(company, Decimal(5), transaction_type="Bonus", key=f"bonus:{company}:one")

	assert len(set(at_once(credit, 10))) == 1
	site.fresh()
	assert balance_of(company).balance == 5


def test_two_bookings_with_one_key_at_once_never_both_stand() -> None:
	contested = companies("10")

	def book(turn: int, number: int) -> str:
		return outcome(lambda: debit(contested[turn], "same", Decimal(number + 1)))

	for outcomes in at_once_in_rounds(book, 4, ROUNDS):
		assert Counter(outcomes) == {"done": 1, "DUPLICATE": 3}


@pytest.mark.parametrize("amount", [Decimal("1.000001"), Decimal("999999999")])
def test_a_millionth_more_than_available_is_refused_to_everybody(amount: Decimal) -> None:
	company = make_company("1")

	def refused(number: int) -> bool:
		with pytest.raises(InsufficientBalance):
			debit(company, number, amount)
		return True

	assert all(at_once(refused, 4))
	site.fresh()
	assert balance_of(company).balance == 1
