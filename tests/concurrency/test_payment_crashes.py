"""A worker that is killed at any step of a top-up, a webhook or a refund: repeated, the books agree with Stripe.

Steps are every SQL statement, every commit, and every call to Stripe, before it is sent and after its answer.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from decimal import Decimal

import frappe
import pytest

from prepaid_billing.ledger import balance_of
from prepaid_billing.payments import gateway, refunds, topups, webhook
from tests import site
from tests.concurrency.conftest import FULL
from tests.factories import make_company, new_id
from tests.stripe_checkout import (
	as_body,
	events_of,
	pause_webhooks,
	pay,
	resume_webhooks,
	signature,
	simulate,
)

KILLS = 30 if FULL else 1
"""How often a worker is killed at each step."""


@pytest.fixture(autouse=True)
def no_webhooks(connection: None) -> Iterator[None]:
	"""Stripe's own posts wait: the test delivers."""
	pause_webhooks()
	yield
	resume_webhooks()


class Steps:
	"""Counts the steps of a process, and kills it at one of them."""

	def __init__(self, deadly: int) -> None:
		self.deadly, self.done = deadly, 0

	def step(self) -> None:
		self.done += 1
		if self.done == self.deadly:
			os.kill(os.getpid(), signal.SIGKILL)

	def around(self, call: Callable) -> Callable:
		"""Count a step before and after a call."""

		def counted(*arguments: object, **options: object) -> object:
			self.step()
			result = call(*arguments, **options)
			self.step()
			return result

		return counted


def killed_at(step: int, work: Callable[[], object]) -> bool:
	"""Run ``work`` in a worker that is killed at a step; return whether it came so far."""

	def worker() -> None:
		with site.connected():
			steps = Steps(step)
			frappe.db.sql, frappe.db.commit = steps.around(frappe.db.sql), steps.around(frappe.db.commit)
			gateway._call = steps.around(gateway._call)
			work()

	process = multiprocessing.get_context("fork").Process(target=worker)
	process.start()
	process.join(timeout=60)
	assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
	return process.exitcode != 0


def every_kill(begin: Callable[[], tuple], work: Callable, check: Callable) -> int:
	"""Kill ``work(*begin())`` at its first step, its second and so on, each time on new things, then ``check``."""
	step, alive = 0, False
	while not alive:
		step += 1
		for _kill in range(KILLS):
			things = begin()
			alive = not killed_at(step, lambda things=things: work(*things))
			site.fresh()
			check(*things)
			if alive:
				break
	return step


def books(company: str) -> tuple[Decimal, Decimal]:
	site.fresh()
	view = balance_of(company)
	return view.balance, view.reserved


def test_a_top_up_that_is_begun_by_a_killed_worker_is_one_top_up_at_stripe() -> None:
	def begin() -> tuple[str, str]:
		return make_company(), new_id()

	def create(company: str, key: str) -> dict:
		return topups.create(company, Decimal(50), key)

	def check(company: str, key: str) -> None:
		pay(create(company, key)["checkout_url"])
		name = frappe.get_all("Balance Topup", {"company": company}, pluck="name")
		assert len(name) == 1
		topups.refresh(name[0])
		assert books(company) == (50, 0)

	assert every_kill(begin, create, check) > 8


def paid() -> tuple[str, str, list[dict]]:
	company = make_company()
	created = topups.create(company, Decimal(50))
	pay(created["checkout_url"])
	return company, created["topup"], events_of(topups.find(created["topup"]).checkout_session_id)


def receive(event: dict) -> None:
	body = as_body(event)
	webhook.receive(body, signature(body))


def test_an_event_that_kills_its_worker_has_its_effect_once_when_it_comes_again() -> None:
	def begin() -> tuple[str, dict]:
		company, _topup, events = paid()
		return company, next(event for event in events if event["type"] == "checkout.session.completed")

	def check(company: str, event: dict) -> None:
		receive(event)
		assert books(company) == (50, 0)

	assert every_kill(begin, lambda _company, event: receive(event), check) > 8


def test_a_refund_whose_worker_is_killed_is_one_refund_at_stripe_and_in_the_books() -> None:
	def begin() -> tuple[str, str, str]:
		company, topup, _events = paid()
		topups.refresh(topup)
		return company, topup, new_id()

	def request(_company: str, topup: str, key: str) -> None:
		refunds.request(topup, Decimal(20), "goodwill", key)

	def check(company: str, topup: str, key: str) -> None:
		refunds.complete_planned()
		planned = frappe.db.count("Billing Refund", {"topup": topup})
		at_stripe = [claim.takes for claim in gateway.refunds_of(topups.find(topup).payment_intent_id)]
		assert (sum(at_stripe), books(company)) == (20 * planned, (50 - 20 * planned, 0))
		request(company, topup, key)
		at_stripe = [claim.takes for claim in gateway.refunds_of(topups.find(topup).payment_intent_id)]
		assert (at_stripe, books(company)) == ([20], (30, 0))

	assert every_kill(begin, request, check) > 10


def test_a_claim_that_kills_its_worker_is_booked_once_when_it_comes_again() -> None:
	def begin() -> tuple[str, dict]:
		company, topup, _events = paid()
		topups.refresh(topup)
		row = topups.find(topup)
		simulate("disputes", payment_intent=row.payment_intent_id)
		events = events_of(row.checkout_session_id)
		return company, next(event for event in events if event["type"] == "charge.dispute.created")

	def check(company: str, event: dict) -> None:
		receive(event)
		assert books(company) == (0, 0)

	assert every_kill(begin, lambda _company, event: receive(event), check) > 8
