"""Sums are written while calls are booked: nobody waits in vain, and every sum stays that of the ledger."""

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from prepaid_billing.calls import cdr, usage, usage_counts
from prepaid_billing.calls.cdr import Cdr
from prepaid_billing.ledger import balance_of, checkpoints, statement
from prepaid_billing.ledger.period import Period, today
from tests import site
from tests.concurrency.at_once import at_once
from tests.concurrency.conftest import FULL
from tests.factories import make_company, new_id

TURNS = 60 if FULL else 15
WRITERS, THREADS = 2, 4


def test_sums_written_by_two_jobs_while_calls_are_booked_are_those_of_the_ledger(
	snapshot_isolation: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
	monkeypatch.setattr(checkpoints, "EVERY", 3)
	monkeypatch.setattr(usage_counts, "BEHIND", 1)
	company, zone = make_company("500"), ZoneInfo("UTC")

	def work(number: int) -> int:
		booked = 0
		for turn in range(TURNS):
			if number < WRITERS:
				checkpoints.bring_forward()
				usage_counts.bring_forward()
				continue
			call = new_id()
			outcomes = cdr.book([Cdr(call, company, 10 + turn), Cdr(call, company, 20 + turn, revision=1)])
			booked += sum(outcome.result == cdr.ACCEPTED for outcome in outcomes)
		return booked

	booked = sum(at_once(work, THREADS))
	site.fresh()
	assert booked == 2 * TURNS * (THREADS - WRITERS)
	whole = statement.sums(statement.between(company, None, None, zone))
	assert sum(total.entries for total in whole.values()) == booked + 1
	assert sum((total.amount for total in whole.values()), Decimal(0)) == balance_of(company).balance
	now = today(zone)
	used = usage.total([*usage.by_day(company, Period(now.replace(day=1), now, zone)).values()])
	assert used.calls == TURNS * (THREADS - WRITERS)
	assert used.amount == 500 - balance_of(company).balance
