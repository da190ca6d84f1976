"""What Stripe's events cost at 50 a second, beside a request of Frappe that does nothing.

    make bench-webhooks

Each event is a payment of its own: really signed, posted when it is due whether the ones before it were answered or
not, and timed from that moment. Requests that do nothing are sent into the same stream. None may be lost: at the
end every top-up is paid once and the books are whole. A stream that falls behind fails: where requests only wait for
each other, their ratio says nothing. SECONDS sets the length (60), RATE the events a second.
"""

from __future__ import annotations

import json
import os
import secrets
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import frappe

from benchmarks.calls import NOTHING
from prepaid_billing import ledger
from prepaid_billing.ledger import rows, transaction
from prepaid_billing.ledger.verify import verify
from prepaid_billing.payments import topups
from tests import site
from tests.client import Api
from tests.factories import make_company, make_gateway_key
from tests.stripe_checkout import events_of, pause_webhooks, pay, signature

SECONDS = int(os.environ.get("SECONDS") or 60)
RATE = int(os.environ.get("RATE") or 50)
COMPANIES = 50
NOTHING_EVERY = 10
"""One request that does nothing goes with so many events."""
SENDERS = 64
MOST = 4.0
"""How many times the median of nothing the median of an event may be."""
BEHIND = 5
"""Seconds after the last one was due within which everything must be answered."""


def template() -> dict:
	"""Return a real checkout.session.completed, as the simulated Stripe posts it."""
	pause_webhooks()
	created = topups.create(make_company(), Decimal(50))
	pay(created["checkout_url"])
	events = events_of(topups.find(created["topup"]).checkout_session_id)
	return next(event for event in events if event["type"] == "checkout.session.completed")


def begin_topups(count: int) -> list[str]:
	"""Insert top-ups that wait for their payment and return the ids of their Checkout sessions.

	As ``topups.create`` does it, without asking Stripe and without its limits of attempts.
	"""
	companies = [make_company() for _n in range(COMPANIES)]
	sessions = [f"cs_test_{secrets.token_hex(16)}" for _n in range(count)]
	for number, company in enumerate(companies):
		own = sessions[number::COMPANIES]
		transaction.run(lambda company=company, own=own: _insert(company, own))
	return sessions


def _insert(company: str, sessions: list[str]) -> None:
	with ledger.locked(company) as account:
		for session in sessions:
			rows.insert(
				"Balance Topup",
				account.now_us,
				{
					"name": rows.new_name(),
					"company": company,
					"currency": account.currency,
					"status": "Created",
					"amount": Decimal(50),
					"livemode": 0,
					"created_us": account.now_us,
					"checkout_session_id": session,
				},
			)


def bodies_of(event: dict, sessions: list[str]) -> list[bytes]:
	"""Return the event of each session, with ids of its own."""
	bodies = []
	for session in sessions:
		own = json.loads(json.dumps(event))
		own["id"] = f"evt_{secrets.token_hex(12)}"
		own["data"]["object"] |= {"id": session, "payment_intent": f"pi_{secrets.token_hex(12)}"}
		bodies.append(json.dumps(own, indent=2).encode())
	return bodies


class Senders:
	"""Posts, each on a connection of its own: a kept-alive one may be closed by the server while it is idle."""

	def __init__(self, key: str) -> None:
		self.key = key

	def event(self, body: bytes) -> int:
		"""Post an event as Stripe does and return the status."""
		headers = {"Content-Type": "application/json", "Stripe-Signature": signature(body)}
		return Api().raw("/api/stripe/webhook", body, **headers).status_code

	def nothing(self) -> int:
		"""Post to a method of Frappe that only says who asked, and return the status."""
		url = f"{site.WEB_URL}/api/method/{NOTHING}"
		return Api(self.key).session.post(url, json={}, timeout=30).status_code


def timed_from(due: float, work: Callable[[], int]) -> tuple[int, float]:
	"""Return the status and the seconds from the moment that the request was due."""
	status = work()
	return status, time.perf_counter() - due


def send(senders: Senders, bodies: list[bytes]) -> tuple[list[float], list[float]]:
	"""Send the events at their rate with the others between; return the seconds that each of both took."""
	start = time.perf_counter() + 0.5
	with ThreadPoolExecutor(SENDERS) as pool:
		events, nothings = [], []
		for number, body in enumerate(bodies):
			due = start + number / RATE
			time.sleep(max(due - time.perf_counter(), 0))
			events.append(pool.submit(timed_from, due, lambda body=body: senders.event(body)))
			if number % NOTHING_EVERY == 0:
				half = due + 0.5 / RATE
				time.sleep(max(half - time.perf_counter(), 0))
				nothings.append(pool.submit(timed_from, half, senders.nothing))
	done = [[task.result() for task in tasks] for tasks in (events, nothings)]
	assert {status for results in done for status, _seconds in results} == {200}
	return [seconds for _status, seconds in done[0]], [seconds for _status, seconds in done[1]]


def told(title: str, seconds: list[float]) -> float:
	"""Print median, 99th percentile and the longest, and return the median in seconds."""
	median, p99 = statistics.median(seconds), statistics.quantiles(seconds, n=100)[98]
	print(
		f"{title}: {len(seconds):,} sent, median {median * 1e3:.1f} ms, p99 {p99 * 1e3:.0f} ms, "
		f"longest {max(seconds) * 1e3:.0f} ms",
		flush=True,
	)
	return median


def lost(sessions: list[str]) -> int:
	"""Return how many of the payments are not credited exactly once."""
	site.fresh()
	credited = frappe.db.sql(
		"""
		SELECT COUNT(DISTINCT topup.name) FROM `tabBalance Topup` topup
		JOIN `tabBalance Transaction` entry ON entry.reference_name = topup.name AND entry.amount = 50
		WHERE topup.status = 'Paid' AND topup.checkout_session_id IN %s
		""",
		(sessions,),
	)[0][0]
	return len(sessions) - credited


def main() -> int:
	"""Run the stream; exit 1 where an event was lost or the wanted ratio does not hold."""
	with site.connected():
		senders, event = Senders(make_gateway_key()), template()
		warm_up = begin_topups(COMPANIES * 2)
		send(senders, bodies_of(event, warm_up))
		sessions = begin_topups(RATE * SECONDS)
		began = time.perf_counter()
		events, nothings = send(senders, bodies_of(event, sessions))
		took = time.perf_counter() - began
		ratio = told(f"events, {RATE} a second", events) / told("nothing, in the same stream", nothings)
		gone, findings = lost(sessions), verify()
		kept_up = took <= SECONDS + BEHIND
		print(f"median ratio {ratio:.2f} (wanted <= {MOST}); {gone} of {len(sessions):,} lost; {took:.1f} s")
		print(
			"kept up with the stream"
			if kept_up
			else f"FELL BEHIND: {len(sessions) / took:.0f} events a second"
		)
		print(findings or "the books are whole", flush=True)
		frappe.db.rollback()
	return 0 if ratio <= MOST and kept_up and not gone and not findings else 1


if __name__ == "__main__":
	sys.exit(main())
