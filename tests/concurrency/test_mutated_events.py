"""Event bodies that are not what Stripe sent, or not what anybody would send: no 500, and no money moves.

Half of them are changed after they were signed, the other half before, as if Stripe itself had gone mad.
"""

import copy
import json
import os
import random
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from prepaid_billing.exceptions import InvalidWebhook
from prepaid_billing.ledger import balance_of
from prepaid_billing.payments import gateway, topups
from prepaid_billing.payments.decide import TopupState, decide
from prepaid_billing.payments.facts import of_intent, of_session
from tests import site
from tests.client import Api
from tests.concurrency.conftest import FULL
from tests.factories import make_company
from tests.stripe_checkout import (
	as_body,
	events_of,
	pause_webhooks,
	pay,
	pay_by_debit,
	resume_webhooks,
	signature,
)

IN_PROCESS = 1_000_000 if FULL else 10_000
BY_HTTP = 20_000 if FULL else 200
PAID_WORDS = ("paid", "complete", "succeeded")
WORTHLESS = (
	None, True, False, 0, -1, 1, 0.5, 5000.0, 1e308, 2**63, 2**64, -(10**400), "", " ", "5000", "５０００", "NaN", "\x00",
	"' OR 1=1 --", "<script>", "\u202eevil", "eur ", "usd", "expired", "open", "x" * 5_000, [], {}, [None], [[[[]]]],
	{"id": {}}, {"id": "pi_1"}, ["cs_1"], "evt_ü", "cs_test_none", "pi_none",
)  # fmt: skip
"""Values that nobody sends, none of which says that anything was paid."""


@pytest.fixture(autouse=True)
def no_webhooks(connection: None) -> Iterator[None]:
	"""Stripe's own posts wait: the test posts."""
	pause_webhooks()
	yield
	resume_webhooks()


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


def places_of(thing: object) -> list[tuple[dict | list, object]]:
	"""Return all places in a JSON value: each container with each of its keys."""
	items = thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ()
	return [place for key, value in items for place in [(thing, key), *places_of(value)]]


def with_other_values(event: dict, rng: random.Random, values: tuple) -> bytes:
	"""Return the event as a body, some of its values changed, lost or sent twice."""
	event = json.loads(json.dumps(event))
	event["id"] = f"evt_{rng.getrandbits(80):x}"
	for _change in range(rng.choice((1, 1, 1, 2, 5))):
		container, key = rng.choice(places_of(event))
		if isinstance(container, dict) and rng.random() < 0.2:
			del container[key]
		else:
			container[key] = copy.deepcopy(rng.choice(values))
	text = json.dumps(event, ensure_ascii=rng.random() < 0.5)
	if rng.random() < 0.02:
		text = text.replace(":", ': NaN, "livemode":', 1)
	return text.encode(errors="surrogatepass")


def lives() -> tuple[str, str, list[dict], list[dict]]:
	"""A company that has paid and one whose bank debit is on its way, each with its events."""
	paid, waiting = make_company(), make_company()
	ended, begun = (topups.create(company, Decimal(50)) for company in (paid, waiting))
	pay(ended["checkout_url"])
	topups.refresh(ended["topup"])
	pay_by_debit(begun["checkout_url"])
	events = [events_of(topups.find(one["topup"]).checkout_session_id) for one in (ended, begun)]
	ours = ("checkout.session.", "payment_intent.")
	kept = [[event for event in own if event["type"].startswith(ours)] for own in events]
	return paid, waiting, *kept


def says_that_our_top_up_was_paid(event: dict, session: str) -> bool:
	"""What the body itself says, read in another way than the product reads it."""
	payload = event["data"]["object"]
	if event["type"].startswith("checkout.session"):
		amount, is_ours = payload.get("amount_total"), payload.get("id") == session
		is_paid = payload.get("payment_status") == "paid"
	else:
		amount, is_ours, is_paid = payload.get("amount_received"), True, payload.get("status") == "succeeded"
	is_right = type(amount) is int and amount == 5000 and str(payload.get("currency")).lower() == "eur"
	return is_ours and is_paid and is_right and payload.get("livemode") is False


def test_mutated_bodies_are_refused_or_decide_what_they_say(rng: random.Random) -> None:
	_paid, _waiting, events, _unpaid = lives()
	session = next(row["data"]["object"]["id"] for row in events if row["type"].startswith("checkout"))
	topup = TopupState("Created", Decimal(50), "EUR", False, session, None)
	read = refused = credited = 0
	signed = [(as_body(event), signature(as_body(event))) for event in events]
	for number in range(IN_PROCESS):
		if number % 10_000 == 0:  # a signature is good for five minutes
			signed = [(as_body(event), signature(as_body(event))) for event in events]
		if number % 2:
			body, header = rng.choice(signed)
			forged = with_other_bytes(body, rng)
			if forged != body:
				with pytest.raises(InvalidWebhook):
					gateway.verified_event(forged, header)
			continue
		body = with_other_values(rng.choice(events), rng, WORTHLESS + PAID_WORDS)
		try:
			event = gateway.verified_event(body, signature_of(body))
		except InvalidWebhook:
			refused += 1
			continue
		read += 1
		if decided(topup, event) == "credit":
			credited += 1
			assert says_that_our_top_up_was_paid(event, session), body
	print(f"{read} read, {refused} refused, {credited} of those read still said that it was paid")
	assert min(read, refused, credited) > 0


def signature_of(body: bytes) -> str:
	try:
		return signature(body)
	except UnicodeDecodeError:
		return ""


def decided(topup: TopupState, event: dict) -> str:
	"""Return what is done about an event; what cannot be read is counted as a failure, and does nothing."""
	payload = event["data"]["object"]
	is_session = event["type"].startswith("checkout.session")
	try:
		return decide(topup, (of_session if is_session else of_intent)(payload)).action
	except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
		return "nothing"


def test_mutated_bodies_by_http_are_answered_without_500_and_move_no_money(rng: random.Random) -> None:
	paid, waiting, *events = lives()
	jobs = []
	for number in range(BY_HTTP):
		event = rng.choice(events[number // 2 % 2])
		if number % 2:
			body = as_body(event)
			forged = with_other_bytes(body, rng)
			jobs.append((forged, body, {400} if forged != body else {200}))
		else:
			body = with_other_values(event, rng, WORTHLESS)
			jobs.append((body, body, {200, 400, 503}))
	with ThreadPoolExecutor(8) as pool:
		for (body, _signed, wanted), answer in zip(
			jobs, pool.map(lambda job: post(*job[:2]), jobs), strict=True
		):
			assert answer in wanted, (answer, body)
	site.fresh()
	assert (balance_of(paid).balance, balance_of(waiting).balance) == (50, 0)


def post(body: bytes, signed: bytes) -> int:
	"""Post a body with the signature of what it was made of."""
	headers = {"Content-Type": "application/json", "Stripe-Signature": signature_of(signed)}
	return Api().raw("/api/stripe/webhook", body, **headers).status_code
