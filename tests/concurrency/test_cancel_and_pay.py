"""A top-up that is cancelled while it is paid: it ends as one of both, and Stripe's money is in the books or nowhere."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import pytest
import requests

from prepaid_billing.payments import gateway, topups
from prepaid_billing.permissions import STAFF
from tests import site
from tests.books import entries_of
from tests.client import Api
from tests.concurrency.at_once import at_once_in_rounds
from tests.concurrency.conftest import FULL
from tests.factories import api_key_of, make_company, make_user
from tests.stripe_checkout import as_body, events_of, pay, signature, webhooks_paused

ROUNDS = 200 if FULL else 16


@pytest.fixture
def no_webhooks() -> Iterator[None]:
	"""Stripe's own posts wait: the test delivers its events into the middle of the race."""
	with webhooks_paused():
		yield


class Contested:
	"""A top-up with an open page, and what eight do to it at once."""

	def __init__(self, clerk: str) -> None:
		self.clerk = clerk
		self.company = make_company()
		begun = topups.create(self.company, Decimal(50))
		self.topup, self.url = str(begun["topup"]), str(begun["checkout_url"])
		self.session = topups.find(self.topup).checkout_session_id

	def pay(self, looks: int = 1) -> int:
		"""Be the customer at Checkout, who looks at the page so often before paying there."""
		for _look in range(looks):
			requests.get(self.url, timeout=10)
		return pay(self.url).status_code

	def come_back(self) -> int:
		topups.refresh(self.topup)
		return 200

	def cancel(self) -> int:
		"""Be the clerk who cancels for the customer, by the API."""
		return Api(self.clerk).post("topup.cancel", topup=self.topup).status_code

	def cancel_here(self) -> int:
		"""Cancel with no web server between, so that it comes before the payment more often."""
		topups.cancel(self.topup)
		return 200

	def tell(self) -> int:
		"""Be Stripe, and post all events of the payment that there are by now."""
		answers = [self._post(event) for event in events_of(self.session)]
		return max(answers, default=200)

	def _post(self, event: dict) -> int:
		body = as_body(event)
		headers = {"Content-Type": "application/json", "Stripe-Signature": signature(body)}
		return Api().raw("/api/stripe/webhook", body, **headers).status_code

	def paid_at_stripe(self) -> Decimal:
		facts = gateway.session_facts(self.session)
		return facts.amount if facts.outcome == "paid" else Decimal(0)


ROLES = ("pay", "cancel", "tell", "come_back", "pay", "cancel_here", "tell", "come_back")
MOST_LOOKS = 4


@pytest.mark.usefixtures("no_webhooks")
def test_paid_and_cancelled_at_once_a_top_up_ends_as_one_of_both_and_stripe_agrees() -> None:
	clerk = api_key_of(make_user(STAFF))
	contested = [Contested(clerk) for _round in range(ROUNDS)]

	def play(turn: int, number: int) -> int:
		one, role = contested[turn], ROLES[number]
		if role == "pay":
			return one.pay(looks=turn % MOST_LOOKS)
		# Every other turn both cancel by the slower way, so that each side wins some.
		return getattr(one, "cancel" if role == "cancel_here" and turn % 2 == 0 else role)()

	answers = at_once_in_rounds(play, len(ROLES), ROUNDS)
	ours = [number for number, role in enumerate(ROLES) if role != "pay"]
	assert {turn[number] for turn in answers for number in ours} == {200}
	site.fresh()
	for one in contested:
		assert bool(entries_of(one.company)) == (topups.find(one.topup).status == "Paid"), (
			"before it is told again"
		)
	ends = Counter(end_of(one) for one in contested)
	print(dict(ends))
	assert set(ends) <= {("Paid", 50, ("Top-up 50.0",)), ("Cancelled", 0, ())}
	assert len(ends) == 2, "a race that always ends alike is none"


def end_of(contested: Contested) -> tuple[str, Decimal, tuple[str, ...]]:
	"""Return status, money at Stripe and entries of a top-up when all that is left to be told was told."""
	contested.come_back()
	assert contested.tell() == 200
	site.fresh()
	status = topups.find(contested.topup).status
	return status, contested.paid_at_stripe(), tuple(entries_of(contested.company))


@pytest.mark.usefixtures("no_webhooks")
@pytest.mark.parametrize("first", ["pay", "cancel"])
def test_whichever_comes_first_at_stripe_stands(first: str) -> None:
	one = Contested(api_key_of(make_user(STAFF)))
	(one.pay if first == "pay" else one.cancel)()
	assert one.cancel() == 200
	if first == "cancel":
		assert one.pay() != requests.codes.see_other
	expected = ("Paid", 50, ("Top-up 50.0",)) if first == "pay" else ("Cancelled", 0, ())
	assert end_of(one) == expected
