"""Everybody at the same few calls at once: gateways, the switch, staff and the scheduler.

Nobody sees an error of the database, whichever way the server isolates; every call that has ended costs what its
length says, and the books prove themselves.
"""

import os
import random
import secrets
from collections.abc import Callable
from decimal import Decimal

from prepaid_billing.calls import care, cdr, record, session
from prepaid_billing.calls.cdr import Cdr
from prepaid_billing.calls.report import owed
from prepaid_billing.exceptions import BillingError
from prepaid_billing.ledger import balance_of
from tests import site
from tests.concurrency.at_once import at_once
from tests.concurrency.conftest import FULL
from tests.concurrency.test_crash import killed_after
from tests.factories import make_company, new_id

THREADS = 6
TURNS = 300 if FULL else 60
CALLS = 25
NEVER = {"TRY_AGAIN", "OPEN_TRANSACTION", "INVALID_AMOUNT"}
"""Refusals that no race may end in."""

Deed = Callable[[], object]


def deeds(rng: random.Random, calls: list[str], companies: list[str]) -> list[Deed]:
	"""What may be done to a call, each with its own chance."""
	call, company = rng.choice(calls), rng.choice(companies)
	records = [
		Cdr(rng.choice(calls), rng.choice(companies), rng.choice((10, 40, 80)), rng.randrange(3))
		for _n in range(rng.randrange(1, 15))
	]
	return [
		lambda: session.authorize(call, company),
		lambda: session.authorize(call, company),
		lambda: session.extend(call, rng.randrange(100), rng.randrange(5)),
		lambda: session.end(call, rng.choice((30, 90))),
		lambda: session.release(call),
		lambda: cdr.book(records),
		lambda: care.refund(call, Decimal(rng.choice((10, 50, 100))), "Quality"),
		lambda: care.set_billable(call, rng.random() < 0.5, "Quality"),
		lambda: care.resolve(call),
		sweep,
	]


def sweep() -> None:
	"""The scheduler, some minutes later."""
	with site.later(400):
		session.expire_stale()


def test_the_same_calls_by_everybody_at_once(snapshot_isolation: bool) -> None:
	seed = int(os.environ.get("SEED") or secrets.randbelow(10**9))
	print(f"seed {seed}: SEED={seed} repeats the choices of every thread")
	companies = [make_company(balance) for balance in ("20", "0.5", "5")]
	calls = [new_id() for _n in range(CALLS)]

	def work(number: int) -> list[str]:
		rng, seen = random.Random(f"{seed}-{number}"), []
		for _turn in range(TURNS):
			try:
				rng.choice(deeds(rng, calls, companies))()
			except BillingError as refusal:
				seen.append(refusal.code)
		return seen

	codes = {code for seen in at_once(work, THREADS) for code in seen}
	assert not codes & NEVER, codes
	site.fresh()
	for call in record.find_all(calls).values():
		expected = owed(call.rate, call.duration_sec, call.refund_percent, bool(call.not_billable))
		assert call.is_open or call.amount == expected, call


def test_new_calls_reported_at_once_for_several_companies_are_charged_to_one(
	snapshot_isolation: bool,
) -> None:
	companies = [make_company("100") for _n in range(3)]
	calls = [new_id() for _n in range(40)]

	def work(number: int) -> list[str]:
		cdrs = [Cdr(call, companies[number % 3], 60) for call in calls[:: 1 if number % 2 else -1]]
		return [outcome.code or outcome.result for outcome in cdr.book(cdrs)]

	seen = [code for outcomes in at_once(work, THREADS) for code in outcomes]
	assert seen.count("accepted") == len(calls)
	assert set(seen) <= {"accepted", "duplicate", "DUPLICATE"}
	site.fresh()
	spent = sum(100 - balance_of(company).balance for company in companies)
	assert spent == Decimal("0.42") * len(calls)


def test_whatever_is_killed_after_any_statement_and_sent_again_is_done_once() -> None:
	company = make_company("100")

	def begun() -> str:
		call = new_id()
		session.authorize(call, company)
		return call

	def ended() -> str:
		call = begun()
		session.end(call, 60)
		return call

	works: list[tuple[Callable[[], str], Callable[[str], object], str]] = [
		(begun, lambda call: session.extend(call, 45, 1), "0"),
		(begun, lambda call: session.release(call), "0"),
		(begun, lambda call: cdr.book([Cdr(call, company, 30)]), "0.21"),
		(new_id, lambda call: cdr.book([Cdr(call, company, 30)]), "0.21"),
		(ended, lambda call: cdr.book([Cdr(call, company, 30)]), "0.21"),
		(ended, lambda call: care.refund(call, Decimal(50), "Quality"), "0.21"),
		(ended, lambda call: care.set_billable(call, False, "Quality"), "0"),
	]
	for begin, work, cost in works:
		statement, killed = 0, True
		while killed:
			statement += 1
			call = begin()
			killed = killed_after(statement, lambda call=call, work=work: work(call))
			site.fresh()
			work(call)
			assert record.find(call).amount == Decimal(cost)
		assert statement > 4
