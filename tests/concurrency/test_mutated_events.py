"""Event bodies that are not what Stripe sent, or not what anybody would send: refused or kept, and no money moves.

Some are changed after they were signed, the others before, as if Stripe itself had gone mad. What cannot be read is
parked with a reason: an exception of our own code, an entry in the Error Log or a 503 is a failure here.
"""

import copy
import json
import os
import random
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import frappe
import pytest
from frappe.deferred_insert import save_to_db

from prepaid_billing.exceptions import InvalidWebhook
from prepaid_billing.payments import gateway, topups, webhook
from prepaid_billing.payments.decide import TopupState, decide
from prepaid_billing.payments.facts import Unclear
from prepaid_billing.payments.takeback import Claim, Turned, merged
from tests import site
from tests.client import Api
from tests.concurrency.at_once import in_processes
from tests.concurrency.conftest import FULL
from tests.stripe_checkout import (
	DECLINED_CARD,
	as_body,
	events_of,
	pay,
	pay_by_debit,
	signature,
	webhooks_paused,
)
from tests.stripe_lives import LIVES, begin, live

IN_PROCESS = 1_000_000 if FULL else 10_000
"""Bodies that go from the signature to what is decided, without a database."""
BY_THE_DOOR = IN_PROCESS // 25
"""Of these so many go through the very function that the web door calls, with the database."""
BY_HTTP = 20_000 if FULL else 200
PROCESSES = 2
PAID_WORDS = ("paid", "complete", "succeeded", "won", "lost", "needs_response", "failed", "pending")
WORTHLESS = (
	None, True, False, 0, -1, 1, 0.5, 5000.0, 1e308, 2**63, 2**64, -(10**400), "", " ", "5000", "５０００", "NaN", "\x00",
	"' OR 1=1 --", "<script>", "\u202eevil", "\ud800", "eur ", "usd", "expired", "open", "x" * 5_000, [], {}, [None],
	[[[[]]]], {"id": {}}, {"id": "pi_1"}, {"message": 7}, ["cs_1"], "evt_ü",
)  # fmt: skip
"""Values that nobody sends, none of which says that anything was paid, and none of which is an id of Stripe."""
IDS = ("cs_test_none", "pi_none", "x_" + "y" * 300)
"""Ids of nothing. Not for the id of a refund or dispute: a new one may have any."""
CLAIMS = ("refund", "dispute")
OPEN_TO_REPORTS = ("modified", "failure_reason", "reason", "reports")
"""Columns that any report may change: why a bank has refused, and how many reports there were."""


@pytest.fixture(autouse=True)
def no_webhooks(connection: None) -> Iterator[None]:
	"""Stripe's own posts wait: the test posts."""
	with webhooks_paused():
		yield


@pytest.fixture
def rng() -> random.Random:
	"""Randomness that can be had again."""
	seed = int(os.environ.get("SEED") or secrets.randbelow(10**9))
	print(f"seed {seed}: SEED={seed} repeats these bodies")
	return random.Random(seed)


def with_other_bytes(body: bytes, rng: random.Random) -> bytes:
	"""Return the body with some of its bytes changed, lost, doubled or added."""
	start = rng.randrange(len(body))
	end = min(start + rng.choice((1, 1, 2, 8, 64, len(body))), len(body))
	middle = rng.choice(
		(b"", bytes([body[start] ^ (1 << rng.randrange(8))]), body[start:end] * 2, rng.randbytes(4))
	)
	return body[:start] + middle + body[end:]


def places_of(thing: object, path: tuple = ()) -> list[tuple]:
	"""Return the paths to all values in a JSON value."""
	items = thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ()
	return [place for key, value in items for place in [(*path, key), *places_of(value, (*path, key))]]


class Mutant:
	"""A real event, of which ever new bodies are made."""

	def __init__(self, event: dict, words: tuple = ()) -> None:
		self.event, self.values = event, WORTHLESS + IDS + words
		self.places = places_of(event)
		self.is_claim = event["data"]["object"]["object"] in CLAIMS

	def body(self, rng: random.Random) -> bytes:
		"""Return the event as a body, some of its values changed, lost or sent twice, or of another type."""
		event = {**self.event, "id": f"evt_{rng.getrandbits(80):x}", "data": copy_of(self.event["data"])}
		if rng.random() < 0.15:
			event["type"] = rng.choice(self.foreign_types())
		for _change in range(rng.choice((1, 1, 1, 2, 5))):
			self.change(event, rng)
		text = json.dumps(event, ensure_ascii=rng.random() < 0.5)
		if rng.random() < 0.02:
			text = text.replace(":", ': NaN, "livemode":', 1)
		return text.encode(errors="surrogatepass")

	def broken(self, rng: random.Random) -> bytes:
		"""Return the event with other bytes; a refund or dispute keeps its name, or it would be a new one."""
		signed, name = as_body(self.event), f'"id": "{self.event["data"]["object"]["id"]}"'.encode()
		body = with_other_bytes(signed, rng)
		return body if name in body or not self.is_claim else signed[: rng.randrange(len(signed))]

	def change(self, event: dict, rng: random.Random) -> None:
		"""Change one place of the event, where that is still there."""
		*path, key = place = rng.choice(self.places)
		container = event
		for step in path:
			if not (isinstance(container, dict) and step in container):
				return
			container = container[step]
		is_name = self.is_claim and place == ("data", "object", "id")
		value = copy.deepcopy(rng.choice(WORTHLESS if is_name else self.values))
		if not isinstance(container, dict):
			return
		if rng.random() < 0.2:
			container.pop(key, None)
		else:
			container[key] = value

	def foreign_types(self) -> list[str]:
		"""The types of event that are not about objects of this kind."""
		own = {"refund": webhook.REFUND_EVENTS, "dispute": webhook.DISPUTE_EVENTS,
			"charge": webhook.CHARGE_EVENTS, "payment_intent": webhook.INTENT_EVENTS,
			"checkout.session": webhook.SESSION_EVENTS}[self.event["data"]["object"]["object"]]  # fmt: skip
		return [kind for kind in webhook.PAYMENT_EVENTS + webhook.CLAIM_EVENTS if kind not in own]


def copy_of(thing: object) -> object:
	"""Copy the containers of a JSON value, which is all that can be changed in it."""
	if isinstance(thing, dict):
		return {key: copy_of(value) for key, value in thing.items()}
	return [copy_of(value) for value in thing] if isinstance(thing, list) else thing


def receive(event: dict) -> None:
	body = as_body(event)
	webhook.receive(body, signature(body))


def told() -> tuple[list[dict], list[dict]]:
	"""Events of payments that have arrived and of others, each told to us before: what is left to say is nothing."""
	lives = [live(life)[2].values() for life in LIVES.values() if life.arrives]
	unpaid_ones = [live(life)[2].values() for life in LIVES.values() if not life.arrives]
	unpaid_ones += [unpaid(pay_by_debit), unpaid(decline), unpaid(expire), unpaid(decline, expire)]
	groups = events_acted_on(lives), events_acted_on(unpaid_ones)
	for event in groups[0] + groups[1]:
		receive(event)
	return groups


def events_acted_on(lives: Iterable[Iterable[dict]]) -> list[dict]:
	kinds = webhook.PAYMENT_EVENTS + webhook.CLAIM_EVENTS
	return [event for events in lives for event in events if event["type"] in kinds]


def unpaid(*steps: Callable[[str], object]) -> list[dict]:
	"""Begin a top-up, go through these steps at its page, and return its events."""
	topup = topups.find(begin()[1])
	for step in steps:
		step(topup.checkout_url)
	return events_of(topup.checkout_session_id)


def decline(checkout_url: str) -> None:
	pay(checkout_url, DECLINED_CARD)


def expire(checkout_url: str) -> None:
	gateway.expire_session(
		frappe.db.get_value("Balance Topup", {"checkout_url": checkout_url}, "checkout_session_id")
	)


def books() -> dict[str, list]:
	"""All that a report could change: balances, entries, top-ups, refunds, disputes, and the errors of our code."""
	site.fresh()
	kinds = ("Prepaid Balance", "Balance Transaction", "Balance Topup", "Billing Refund", "Billing Dispute")
	rows = {kind: frappe.db.sql(f"SELECT * FROM `tab{kind}` ORDER BY name", as_dict=True) for kind in kinds}
	found = {
		kind: [{key: row[key] for key in row if key not in OPEN_TO_REPORTS} for row in rows[kind]]
		for kind in kinds
	}
	return {**found, "Error Log": errors()}


def errors() -> list[str]:
	"""The Error Log, but for bodies that are no JSON: Frappe reads each before any code of ours may look at it."""
	while frappe.cache.llen(
		"insert_queue_for_Error Log"
	):  # where an error of a failed request is kept at first
		save_to_db()
	site.fresh()
	return frappe.db.sql_list(
		"SELECT error FROM `tabError Log` WHERE error NOT LIKE %s OR error LIKE %s",
		("%in make_form_dict%", '%File "apps/prepaid_billing/%'),
	)


def mutants_of(groups: tuple[list[dict], list[dict]], words: tuple = ()) -> list[list[Mutant]]:
	return [[Mutant(event, words) for event in events] for events in groups]


def one_of(mutants: list[list[Mutant]], rng: random.Random) -> Mutant:
	"""Return the event of a payment that has arrived as often as one of a payment that has not."""
	return rng.choice(rng.choice(mutants))


def signature_of(body: bytes) -> str:
	try:
		return signature(body)
	except UnicodeDecodeError:
		return ""


def by_all(work: Callable[[int, int], Counter], rng: random.Random, count: int) -> Counter:
	"""Let processes of their own do ``work(seed, count)`` for a share each, and add up what they counted."""
	shares = [(rng.randrange(10**9), count // PROCESSES) for _process in range(PROCESSES)]
	return sum(in_processes(work, shares), Counter())


WORK: dict[str, object] = {}
"""What the forked processes look at: what a pool is given it would have to pickle."""


def read_and_decide(seed: int, count: int) -> Counter:
	"""Send bodies from the signature to what is decided about them; count what became of them."""
	rng, counted = random.Random(seed), Counter()
	mutants: list[list[Mutant]] = WORK["mutants"]
	signed: list[tuple[bytes, str]] = []
	for number in range(count):
		if number % 10_000 == 0:  # a signature is good for five minutes
			bodies = [as_body(one.event) for group in mutants for one in group]
			signed = [(body, signature(body)) for body in bodies]
		if number % 4 == 3:
			counted[refuse_after_signing(*rng.choice(signed), rng)] += 1
		else:
			mutant = one_of(mutants, rng)
			body = mutant.body(rng) if number % 4 else mutant.broken(rng)
			counted[decide_about(body)] += 1
	return counted


def refuse_after_signing(body: bytes, header: str, rng: random.Random) -> str:
	forged = with_other_bytes(body, rng)
	if forged != body:
		with pytest.raises(InvalidWebhook):
			gateway.verified_event(forged, header)
	return "forged"


def decide_about(body: bytes) -> str:
	"""Return what is decided about a body, and insist that it is what the body itself says."""
	try:
		event = gateway.verified_event(body, signature_of(body))
	except InvalidWebhook:
		return "refused"
	try:
		if event["type"] in webhook.PAYMENT_EVENTS:
			return decide_about_payment(event, body)
		if event["type"] in webhook.REFUND_EVENTS + webhook.DISPUTE_EVENTS:
			return decide_about_claim(webhook.claim_of(event), body)
	except (Unclear, Turned):
		return "unclear"
	return "ignored"


def decide_about_payment(event: dict, body: bytes) -> str:
	facts = webhook.facts_of(event)
	session = facts.session_id or "cs_of_the_intent"
	topup = TopupState("Created", Decimal(50), "EUR", False, session, None)
	decision = decide(topup, facts)
	if decision.action == "credit":
		assert says_that_it_was_paid(event), body
	return decision.action


def says_that_it_was_paid(event: dict) -> bool:
	"""What the body itself says, read in another way than the product reads it."""
	payload = event["data"]["object"]
	if event["type"].startswith("checkout.session"):
		amount, is_paid = payload.get("amount_total"), payload.get("payment_status") == "paid"
	else:
		amount, is_paid = payload.get("amount_received"), payload.get("status") == "succeeded"
	is_right = type(amount) is int and amount == 5000 and str(payload.get("currency")).lower() == "eur"
	return is_paid and is_right and payload.get("livemode") is False


def decide_about_claim(claim: Claim, body: bytes) -> str:
	known = WORK["claims"][claim.stripe_id]
	assert 0 < claim.amount < 10**9, body
	if claim.currency != known.currency:
		return "unclear"
	assert merged(known, claim).amount == known.amount, body
	return "claim"


def test_mutated_bodies_are_refused_or_decide_what_they_say(rng: random.Random) -> None:
	groups = told()
	before = books()
	WORK["mutants"] = mutants_of(groups, PAID_WORDS)
	kinds = webhook.REFUND_EVENTS + webhook.DISPUTE_EVENTS
	WORK["claims"] = {}
	for event in groups[0]:
		if event["type"] in kinds:
			claim = webhook.claim_of(event)
			WORK["claims"][claim.stripe_id] = merged(WORK["claims"].get(claim.stripe_id), claim)
	counted = by_all(read_and_decide, rng, IN_PROCESS)
	print(dict(counted))
	wanted = ("forged", "refused", "unclear", "ignored", "credit", "status", "claim")
	assert min(counted[kind] for kind in wanted) > 0
	assert books() == before


def through_the_door(seed: int, count: int) -> Counter:
	"""Let bodies go where the web door sends them; count what became of them."""
	rng, counted = random.Random(seed), Counter()
	for _number in range(count):
		body = one_of(WORK["mutants"], rng).body(rng)
		try:
			webhook.receive(body, signature_of(body))
		except InvalidWebhook:
			counted["refused"] += 1
		else:
			counted[status_of(body)] += 1
	return counted


def status_of(body: bytes) -> str:
	return frappe.db.get_value("Stripe Event", {"event_id": json.loads(body)["id"]}, "status")


def test_mutated_bodies_that_reach_the_database_are_kept_and_move_no_money(rng: random.Random) -> None:
	WORK["mutants"] = mutants_of(told())
	before = books()
	counted = by_all(through_the_door, rng, BY_THE_DOOR)
	print(dict(counted))
	assert set(counted) == {"refused", "Processed", "Ignored", "Parked"}
	assert books() == before


def test_mutated_bodies_by_http_are_taken_or_refused_and_move_no_money(rng: random.Random) -> None:
	mutants = mutants_of(told())
	before = books()
	jobs = []
	for number in range(BY_HTTP):
		mutant = one_of(mutants, rng)
		signed = as_body(mutant.event)
		if number % 4 == 0:
			body = with_other_bytes(signed, rng)
			jobs.append((body, signed, {400} if body != signed else {200}))
		else:
			body = mutant.body(rng) if number % 4 > 1 else mutant.broken(rng)
			jobs.append((body, body, {200, 400}))
	with ThreadPoolExecutor(8) as pool:
		for (body, _signed, wanted), answer in zip(
			jobs, pool.map(lambda job: post(*job[:2]), jobs), strict=True
		):
			assert answer in wanted, (answer, body)
	assert books() == before


def post(body: bytes, signed: bytes) -> int:
	"""Post a body with the signature of what it was made of."""
	headers = {"Content-Type": "application/json", "Stripe-Signature": signature_of(signed)}
	return Api().raw("/api/stripe/webhook", body, **headers).status_code
