"""Time that a test moves: all that happens later happens at its own moment, and retries become due."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
import stripe

from stripe_simulator.server import Simulator
from stripe_simulator.settings import Settings

from .conftest import SECRET_KEY, WEBHOOK_SECRET, Control, OpenSession, Pay
from .receiver import Receiver, wait_until

DAY = 24 * 60 * 60


def test_events_of_a_long_jump_carry_the_time_at_which_they_happened(
	client: stripe.StripeClient, open_session: OpenSession, pay: Pay, control: Control
) -> None:
	session = open_session(expires_at=None)
	client.v1.refunds.create({"payment_intent": pay("pm_card_refundFail").id})
	control("POST", "clock/advance", seconds=10 * DAY)
	created = {event.type: event.created for event in client.v1.events.list({"limit": 100}).data}
	assert abs(created["checkout.session.expired"] - session.created - DAY) <= 5
	assert abs(created["refund.failed"] - session.created - 3 * DAY) <= 5


def test_what_falls_due_by_a_move_is_sent_without_a_further_request(
	open_session: OpenSession, control: Control, receiver: Receiver
) -> None:
	session = open_session()
	control("POST", "clock/advance", seconds=DAY)
	[expired] = receiver.wait_for("checkout.session.expired")
	assert expired.event["data"]["object"]["id"] == session.id


class Patient:
	"""A simulator that waits an hour, then a day, before it tries again."""

	def __init__(self, receiver: Receiver) -> None:
		settings = Settings(
			port=0,
			secret_key=SECRET_KEY,
			webhook_url=f"http://127.0.0.1:{receiver.port}/hook",
			webhook_secret=WEBHOOK_SECRET,
			retry_delays=(3600, DAY),
		)
		self.simulator = Simulator(settings)
		self.client = stripe.StripeClient(SECRET_KEY, base_addresses={"api": self.simulator.url})

	def advance(self, seconds: int) -> None:
		requests.post(
			f"{self.simulator.url}/_simulator/clock/advance", data={"seconds": seconds}, timeout=10
		).raise_for_status()

	def attempts(self) -> list[int | None]:
		"""Return the statuses that the customer's event got so far."""
		[delivery] = [d for d in self.simulator.deliverer.deliveries() if d["type"] == "customer.created"]
		return [attempt["status"] for attempt in delivery["attempts"]]


@pytest.fixture
def patient(receiver: Receiver) -> Iterator[Patient]:
	patient = Patient(receiver)
	with patient.simulator:
		yield patient


def test_retries_become_due_when_the_clock_moves(patient: Patient, receiver: Receiver) -> None:
	receiver.answers = [500]
	patient.client.v1.customers.create()
	for attempts, wait in (([500], 3600), ([500, 500], DAY)):
		wait_until(lambda attempts=attempts: patient.attempts() == attempts, f"{attempts}")
		patient.advance(wait - 60)
		product = patient.client.v1.products.create({"name": "Top-up"}).id
		receiver.wait_until(
			lambda product=product: product in [r.event["data"]["object"]["id"] for r in receiver.received],
			"a later event, which a retry that is due would precede",
		)
		assert patient.attempts() == attempts
		receiver.answers = [500] if wait < DAY else []
		patient.advance(60)
	wait_until(lambda: patient.attempts() == [500, 500, 200], "the last attempt")
