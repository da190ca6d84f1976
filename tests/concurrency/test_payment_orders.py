"""Stripe keeps no order and sends twice: whatever comes first, a payment's life ends in one state.

Each order is delivered over HTTP to a payment of its own that really lived through it at the simulated Stripe: every
event by eight senders at once, and once more. In `make proof` that is every order, in CI a twentieth of them.
"""

import os
import random
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import pytest

from tests.client import Api
from tests.concurrency.at_once import in_processes
from tests.concurrency.conftest import FULL
from tests.stripe_checkout import as_body, signature, webhooks_paused
from tests.stripe_lives import LIVES, end_of, live, not_acted_on

SENDERS = 8

Order = tuple[str, ...]


@pytest.fixture(autouse=True)
def no_webhooks(connection: None) -> Iterator[None]:
	"""Stripe's own posts wait: the test delivers."""
	with webhooks_paused():
		yield


def deliver(event: dict) -> int:
	"""Post an event as Stripe does, again and again while it is told to, as Stripe does in hours."""
	body = as_body(event)
	for _attempt in range(20):
		headers = {"Content-Type": "application/json", "Stripe-Signature": signature(body)}
		status = Api().raw("/api/stripe/webhook", body, **headers).status_code
		if status != 503:
			return status
	return status


@pytest.fixture
def rng() -> random.Random:
	"""Randomness that can be had again."""
	seed = int(os.environ.get("SEED") or secrets.randbelow(10**9))
	print(f"seed {seed}: SEED={seed} repeats these orders")
	return random.Random(seed)


def orders(life: str, rng: random.Random) -> list[Order]:
	"""All orders of a life's events; in CI a twentieth of them, drawn by the seed."""
	every = list(permutations(LIVES[life].types))
	return every if FULL else rng.sample(every, -(-len(every) // 20))


def live_through(life: str, some: list[Order]) -> list[tuple]:
	"""Deliver each order to a payment of its own; return those that ended otherwise than the right order."""
	wrong = []
	with ThreadPoolExecutor(SENDERS) as pool:
		for order in some:
			company, topup, events = live(LIVES[life])
			answers = {
				status
				for kind in order
				for status in [*pool.map(deliver, [events[kind]] * SENDERS), deliver(events[kind])]
			}
			end, left = end_of(company, topup), not_acted_on([events[kind] for kind in order])
			if answers != {200} or end != LIVES[life].end or left:
				wrong.append((order, answers, end, left))
	return wrong


@pytest.mark.parametrize("life", LIVES)
def test_any_order_of_a_payments_life_ends_in_one_state(life: str, rng: random.Random) -> None:
	drawn = orders(life, rng)
	shares = in_processes(live_through, [(life, drawn[::2]), (life, drawn[1::2])])
	assert [wrong for share in shares for wrong in share] == []


@pytest.mark.parametrize("life", LIVES)
def test_all_events_by_eight_senders_at_once_end_in_the_same_state(life: str, rng: random.Random) -> None:
	for _round in range(5 if FULL else 1):
		company, topup, events = live(LIVES[life])
		sent = [events[kind] for kind in LIVES[life].types] * SENDERS
		rng.shuffle(sent)
		with ThreadPoolExecutor(SENDERS) as pool:
			assert set(pool.map(deliver, sent)) == {200}
		assert end_of(company, topup) == LIVES[life].end
		assert not_acted_on([events[kind] for kind in LIVES[life].types]) == []


@pytest.mark.parametrize("life", LIVES)
def test_events_that_come_while_the_payment_still_lives_end_in_the_same_state(
	life: str, rng: random.Random
) -> None:
	for _round in range(50 if FULL else 2):
		sent: list[dict] = []

		def some_come(events: list[dict], sent: list[dict] = sent) -> None:
			waiting = [event for event in events if event not in sent]
			come = rng.sample(waiting, rng.randint(0, len(waiting)))
			assert {deliver(event) for event in come * 2} <= {200}
			sent += come

		company, topup, events = live(LIVES[life], some_come)
		late = [event for event in events.values() if event not in sent]
		rng.shuffle(late)
		assert {deliver(event) for event in late * 2} <= {200}
		assert end_of(company, topup) == LIVES[life].end
		assert not_acted_on(sent + late) == []
