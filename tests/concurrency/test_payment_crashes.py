"""A web worker that is killed at any step of a top-up, a webhook or a refund: afterwards the books agree with Stripe.

The request is a real one to a real web server whose worker kills itself (see deadly_web.py). It is sent again to the
worker that takes its place, then the books are compared with Stripe's lists.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import frappe
import pytest
import requests

from prepaid_billing.ledger import balance_of
from prepaid_billing.payments import gateway, reconcile, topups
from tests import factories, site
from tests.client import Api
from tests.concurrency.conftest import FULL
from tests.factories import make_company, new_id
from tests.stripe_checkout import (
	as_body,
	events_of,
	pay,
	signature,
	simulate,
	webhooks_paused,
)

ROOT = Path(__file__).parents[2]
KILLS = 30 if FULL else 1
"""How often a worker is killed at each step."""

Request = Callable[[Api], requests.Response]
"""Sends a request, always the same one."""


@pytest.fixture(autouse=True)
def no_webhooks(connection: None) -> Iterator[None]:
	"""Stripe's own posts wait: the test delivers."""
	with webhooks_paused():
		yield


@pytest.fixture(scope="module")
def deadly(connection: None) -> Iterator[str]:
	"""The address of a web server with one worker at a time; another takes the place of one that was killed."""
	with socket.socket() as free:
		free.bind(("127.0.0.1", 0))
		address = "127.0.0.1:{}".format(free.getsockname()[1])
	command = [sys.executable, "-m", "gunicorn", "--chdir", os.environ["PB_SITES_PATH"], "--bind", address]
	command += ["--pythonpath", str(ROOT), "--preload", "--timeout", "60"]
	command += [f'tests.concurrency.deadly_web:application("{site.NAME}")']
	with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as server:
		try:
			wait_for(f"http://{address}/api/method/ping")
			yield f"http://{address}"
		finally:
			server.terminate()


def wait_for(address: str) -> None:
	deadline = time.monotonic() + 60
	while time.monotonic() < deadline:
		try:
			if requests.get(address, timeout=10).ok:
				return
		except requests.ConnectionError:
			time.sleep(0.1)
	raise AssertionError(f"{address} does not answer")


def killed_at(step: int, request: Request, caller: Api) -> bool:
	"""Send a request whose worker is killed at a step; return whether it came so far."""
	caller.session.headers["X-Die-At"] = str(step)
	try:
		answer = request(caller)
	except requests.ConnectionError:
		return True
	finally:
		del caller.session.headers["X-Die-At"]
	assert answer.status_code == 200, answer.text
	return False


def kill_at_every_step(begin: Callable[[], tuple[str, Request]], caller: Api, balance: int) -> int:
	"""Kill the worker of a request at its first step, its second and so on, each time on a new company.

	Send each again, compare with Stripe, and see that every company has this balance.
	"""
	for _round in range(KILLS):
		companies, step, alive = [], 0, False
		while not alive:
			step += 1
			company, request = begin()
			companies.append(company)
			alive = not killed_at(step, request, caller)
			again = request(caller)
			assert again.status_code == 200, (step, again.text)
		agree_with_stripe(companies, balance)
	print(f"{step} steps")
	return step


def agree_with_stripe(companies: list[str], balance: int) -> None:
	"""See that a comparison finds nothing about these companies, and that Stripe's money is in the books once."""
	site.fresh()
	outcome = reconcile.run()
	names = frappe.get_all("Balance Topup", {"company": ["in", companies]}, pluck="name")
	assert [str(found) for found in outcome.differences if found.topup in names] == []
	site.fresh()
	for company in companies:
		view = balance_of(company)
		assert (view.balance, view.reserved, at_stripe(company)) == (balance, 0, balance), company


def at_stripe(company: str) -> Decimal:
	"""Return what Stripe has of a company's payments, after refunds and disputes."""
	total = Decimal(0)
	for session in frappe.get_all("Balance Topup", {"company": company}, pluck="checkout_session_id"):
		facts = gateway.session_facts(session)
		total += facts.amount if facts.outcome == "paid" else 0
		total -= sum(claim.takes for claim in gateway.refunds_of(facts.payment_intent_id))
		total -= sum(
			Decimal(event["data"]["object"]["amount"]) / 100
			for event in events_of(session)
			if event["type"] == "charge.dispute.created"
		)
	return total


def post(event: dict) -> Request:
	"""A request that delivers an event."""
	body = as_body(event)

	def request(caller: Api) -> requests.Response:
		headers = {"Content-Type": "application/json", "Stripe-Signature": signature(body)}
		return caller.raw("/api/stripe/webhook", body, **headers)

	return request


def paid() -> tuple[str, str, list[dict]]:
	company = make_company()
	created = topups.create(company, Decimal(50))
	pay(created["checkout_url"])
	return company, created["topup"], events_of(topups.find(created["topup"]).checkout_session_id)


@pytest.fixture
def manager(deadly: str, monkeypatch: pytest.MonkeyPatch) -> Api:
	"""A manager who talks to the web server whose workers are killed."""
	monkeypatch.setattr(site, "WEB_URL", deadly)
	return Api(factories.api_key_of(factories.make_manager()[0]))


def test_a_top_up_that_is_begun_by_a_killed_worker_is_one_top_up_at_stripe(manager: Api) -> None:
	def begin() -> tuple[str, Request]:
		company, key = make_company(), new_id()

		def request(caller: Api) -> requests.Response:
			answer = caller.post("topup.create", amount="50", company=company, idempotency_key=key)
			if answer.status_code == 200 and company not in companies_that_paid:
				pay(answer.json()["message"]["checkout_url"])
				companies_that_paid.add(company)
			return answer

		return company, request

	companies_that_paid: set[str] = set()
	assert kill_at_every_step(begin, manager, balance=50) > 10


def test_an_event_that_kills_its_worker_has_its_effect_once_when_it_comes_again(manager: Api) -> None:
	def begin() -> tuple[str, Request]:
		company, _topup, events = paid()
		return company, post(next(event for event in events if event["type"] == "checkout.session.completed"))

	assert kill_at_every_step(begin, manager, balance=50) > 10


def test_a_refund_whose_worker_is_killed_is_one_refund_at_stripe_and_in_the_books(manager: Api) -> None:
	def begin() -> tuple[str, Request]:
		company, topup, _events = paid()
		topups.refresh(topup)
		key = new_id()

		def request(caller: Api) -> requests.Response:
			return caller.post(
				"topup.refund", topup=topup, amount="20", reason="goodwill", idempotency_key=key
			)

		return company, request

	assert kill_at_every_step(begin, manager, balance=30) > 15


def test_a_claim_that_kills_its_worker_is_booked_once_when_it_comes_again(manager: Api) -> None:
	def begin() -> tuple[str, Request]:
		company, topup, _events = paid()
		topups.refresh(topup)
		row = topups.find(topup)
		simulate("disputes", payment_intent=row.payment_intent_id)
		events = events_of(row.checkout_session_id)
		return company, post(next(event for event in events if event["type"] == "charge.dispute.created"))

	assert kill_at_every_step(begin, manager, balance=0) > 10
