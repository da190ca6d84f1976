"""What Stripe's events cost at 50 a second, beside a request of Frappe that does nothing.

    make bench-webhooks

The payments are real ones of the simulated Stripe, and so are their events: each is completed and has succeeded, one in
ten is refunded, in part or whole, one in fifty disputed; what Stripe is asked for meanwhile it answers. Each event is
really signed, posted when it is due whether the ones before it were answered or not, and timed from that moment.
Requests that do nothing are sent into the same stream. None may be lost: at the end every event is processed, every
top-up stands as it does at Stripe and the books are whole. A stream that falls behind fails: where requests only wait
for each other, their ratio says nothing. SECONDS sets the length (60), RATE the events a second.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal

import frappe
import stripe

from benchmarks.calls import NOTHING
from prepaid_billing.ledger.verify import verify
from prepaid_billing.payments import gateway, keys, topups, webhook
from tests import site
from tests.client import Api
from tests.factories import make_company, make_gateway_key
from tests.stripe_checkout import as_body, pay, signature, simulate

SECONDS = int(os.environ.get("SECONDS") or 60)
RATE = int(os.environ.get("RATE") or 50)
COMPANIES = 50
MAKERS = 4
"""Threads that make the payments, before anything is measured."""
REFUNDED_EVERY, DISPUTED_EVERY = 10, 50
CLAIMED_AFTER = 100
"""After how many more payments the events of a refund or dispute are posted."""
NOTHING_EVERY = 10
"""One request that does nothing goes with so many events."""
SENDERS = 64
MOST = 4.0
"""How many times the median of nothing the median of an event may be."""
BEHIND = 5
"""Seconds after the last one was due within which everything must be answered."""


@dataclass(frozen=True, slots=True)
class Payment:
	"""A paid top-up at Stripe and how it has to stand in our books; ``taken`` is what was refunded or disputed."""

	number: int
	topup: str
	session: str
	intent: str
	status: str
	taken: int


def make_room() -> None:
	"""Keep Stripe's own posts, and let companies begin as many top-ups as they like."""
	simulate("pause")
	for setting in ("topups_per_company", "open_topups_per_company", "topups_per_user"):
		frappe.db.set_single_value("Prepaid Billing Settings", setting, 1_000_000)
	frappe.db.commit()


def payments(count: int) -> list[Payment]:
	"""Let so many top-ups be paid at the simulated Stripe, and some of them be refunded or disputed."""
	companies = [make_company() for _n in range(COMPANIES)]

	def share(maker: int) -> list[Payment]:
		with site.connected():
			return [payment(number, companies[number % COMPANIES]) for number in range(maker, count, MAKERS)]

	with ThreadPoolExecutor(MAKERS) as pool:
		made = [one for each in pool.map(share, range(MAKERS)) for one in each]
	return sorted(made, key=lambda one: one.number)


def payment(number: int, company: str) -> Payment:
	"""Pay one top-up, and let happen to it what its number says."""
	begun = topups.create(company, Decimal(50))
	assert pay(str(begun["checkout_url"])).status_code == 303
	session = topups.find(str(begun["topup"])).checkout_session_id
	intent = gateway.session_facts(session).payment_intent_id
	status, taken = "Paid", 0
	if number % DISPUTED_EVERY == DISPUTED_EVERY - 1:
		status, taken = "Disputed", 50
		simulate("disputes", payment_intent=intent)
	elif number % REFUNDED_EVERY == 0:
		status, taken = ("Refunded", 50) if number % (2 * REFUNDED_EVERY) else ("Partly Refunded", 20)
		simulate("refunds", payment_intent=intent, amount=taken * 100)
	return Payment(number, str(begun["topup"]), session, intent, status, taken)


def stream_of(paid: list[Payment], since: int) -> list[dict]:
	"""Return the events of payments as they are posted: those of one in their order, its refund or dispute later."""
	numbers = {key: one.number for one in paid for key in (one.session, one.intent)}
	client = stripe.StripeClient(keys.secret_key(), base_addresses={"api": site.SIMULATOR_URL})
	newest_first = client.v1.events.list(params={"created": {"gte": since}, "limit": 100})
	told = [event.to_dict() for event in newest_first.auto_paging_iter()]
	due = []
	for order, event in enumerate(reversed(told)):
		thing = event["data"]["object"]
		number = numbers.get(thing["id"], numbers.get(thing.get("payment_intent")))
		if number is None or event["type"] not in webhook.PAYMENT_EVENTS + webhook.CLAIM_EVENTS:
			continue
		due.append((number + (CLAIMED_AFTER if event["type"] in webhook.CLAIM_EVENTS else 0), order, event))
	return [event for _number, _order, event in sorted(due, key=lambda one: one[:2])]


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


def send(senders: Senders, stream: list[dict]) -> tuple[list[float], list[float]]:
	"""Send the events at their rate with the others between; return the seconds that each of both took."""
	bodies = [as_body(event) for event in stream]
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


def lost(paid: list[Payment], events: list[dict]) -> int:
	"""Return how many events are not processed, and how many payments do not stand in our books as at Stripe."""
	site.fresh()
	ids = [event["id"] for event in events]
	done = frappe.db.sql(
		"SELECT COUNT(*) FROM `tabStripe Event` WHERE status = 'Processed' AND event_id IN %s", (ids,)
	)[0][0]
	rows = frappe.db.sql(
		"""
		SELECT t.name, t.status, t.taken_back, COUNT(e.name) FROM `tabBalance Topup` t
		JOIN `tabBalance Transaction` e ON e.reference_name = t.name AND e.amount = 50
		WHERE t.name IN %s GROUP BY t.name
		""",
		([one.topup for one in paid],),
	)
	stands = {name: (status, int(taken), credits) for name, status, taken, credits in rows}
	wrong = [one for one in paid if stands.get(one.topup) != (one.status, one.taken, 1)]
	return len(ids) - done + len(wrong)


def main() -> int:
	"""Run the stream; exit 1 where an event was lost or the wanted ratio does not hold."""
	with site.connected():
		make_room()
		senders, since = Senders(make_gateway_key()), int(time.time())
		send(senders, stream_of(payments(COMPANIES), since))
		print("making the payments at the simulated Stripe", flush=True)
		paid = payments(RATE * SECONDS * 4 // 9)
		stream = stream_of(paid, since)
		print(
			", ".join(
				f"{count:,} {kind}" for kind, count in Counter(event["type"] for event in stream).items()
			)
		)
		began = time.perf_counter()
		events, nothings = send(senders, stream)
		took = time.perf_counter() - began
		ratio = told(f"events, {RATE} a second", events) / told("nothing, in the same stream", nothings)
		gone, findings = lost(paid, stream), verify()
		kept_up = took <= len(stream) / RATE + BEHIND
		print(f"median ratio {ratio:.2f} (wanted <= {MOST}); {gone} of {len(stream):,} lost; {took:.1f} s")
		print(
			"kept up with the stream" if kept_up else f"FELL BEHIND: {len(stream) / took:.0f} events a second"
		)
		print(findings or "the books are whole", flush=True)
		frappe.db.rollback()
	return 0 if ratio <= MOST and kept_up and not gone and not findings else 1


if __name__ == "__main__":
	sys.exit(main())
