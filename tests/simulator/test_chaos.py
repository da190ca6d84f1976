"""What goes wrong with webhooks when a test asks for it."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import requests
import stripe

from stripe_simulator.server import Simulator

from .conftest import Control
from .receiver import Receiver, wait_until

HOUR = 60 * 60


def deliveries(control: Control) -> list[dict[str, Any]]:
	return control("GET", "deliveries")["deliveries"]


def states(control: Control) -> list[str]:
	return [delivery["state"] for delivery in deliveries(control)]


def test_one_fact_may_come_as_several_events_that_the_api_knows_too(
	client: stripe.StripeClient, receiver: Receiver, control: Control
) -> None:
	control("POST", "chaos", twins=2)
	customer = client.v1.customers.create()
	receiver.wait_until(lambda: len(receiver.received) == 3, "the twins")
	assert len({received.event["id"] for received in receiver.received}) == 3
	assert {received.event["data"]["object"]["id"] for received in receiver.received} == {customer.id}
	assert len(client.v1.events.list({"type": "customer.created"}).data) == 3


def test_one_event_may_come_several_times(
	client: stripe.StripeClient, receiver: Receiver, control: Control
) -> None:
	control("POST", "chaos", duplicates=3)
	client.v1.customers.create()
	receiver.wait_until(lambda: len(receiver.received) == 4, "the duplicates")
	assert len({received.event["id"] for received in receiver.received}) == 1
	assert len({received.body for received in receiver.received}) == 1
	assert len(client.v1.events.list().data) == 1


def test_a_duplicate_that_fails_does_not_undo_the_one_that_arrived(
	client: stripe.StripeClient, receiver: Receiver, control: Control
) -> None:
	control("POST", "chaos", duplicates=1)
	receiver.answers = [500, 200, 500, 500]
	client.v1.customers.create()
	wait_until(lambda: sorted(states(control)) == ["delivered", "failed"], "both deliveries to end")
	[event] = client.v1.events.list().data
	assert event.pending_webhooks == 0


def test_first_attempts_may_get_lost_and_the_next_one_arrives(
	client: stripe.StripeClient, receiver: Receiver, control: Control
) -> None:
	control("POST", "chaos", drops=2)
	client.v1.customers.create()
	receiver.wait_for("customer.created")
	wait_until(lambda: states(control) == ["delivered"], "the third attempt")
	[delivery] = deliveries(control)
	assert [attempt["error"] for attempt in delivery["attempts"]] == ["dropped", "dropped", None]
	assert len(receiver.received) == 1


def test_first_attempts_may_be_signed_wrongly_or_stamped_too_long_ago(
	client: stripe.StripeClient, receiver: Receiver, control: Control
) -> None:
	control("POST", "chaos", forged=1, stale=1)
	client.v1.customers.create()
	receiver.wait_for("customer.created")
	wait_until(lambda: states(control) == ["delivered"], "the third attempt")
	[delivery] = deliveries(control)
	assert [attempt["status"] for attempt in delivery["attempts"]] == [400, 400, 200]
	forged, stale = receiver.refused
	assert "No signatures found" in forged
	assert "Timestamp outside the tolerance zone" in stale


def test_events_that_get_lost_for_good_are_found_in_the_list(
	client: stripe.StripeClient, receiver: Receiver, control: Control
) -> None:
	control("POST", "chaos", drops=99)
	client.v1.customers.create()
	wait_until(lambda: states(control) == ["failed"], "the last attempt")
	assert receiver.received == []
	[lost] = client.v1.events.list({"delivery_success": False}).data
	assert lost.type == "customer.created"


def test_a_late_event_comes_when_the_clock_has_moved(
	client: stripe.StripeClient, receiver: Receiver, control: Control
) -> None:
	control("POST", "chaos", delay=HOUR)
	client.v1.customers.create()
	control("DELETE", "chaos")
	client.v1.products.create({"name": "Top-up"})
	receiver.wait_for("product.created")
	assert (states(control)[0], receiver.types()) == ("pending", ["product.created"])
	control("POST", "clock/advance", seconds=HOUR)
	receiver.wait_for("customer.created")


def test_events_may_come_in_another_order(
	client: stripe.StripeClient, receiver: Receiver, control: Control
) -> None:
	control("POST", "chaos", shuffle=8 * HOUR, seed=1)
	chance = Random(1)
	late = {client.v1.customers.create().id: chance.uniform(0, 8 * HOUR) for _ in range(6)}
	assert sorted(late, key=lambda customer: late[customer]) != list(late)
	for hour in range(1, 9):
		control("POST", "clock/advance", seconds=HOUR)
		due = {customer for customer, seconds in late.items() if seconds <= hour * HOUR}
		receiver.wait_until(
			lambda due=due: {r.event["data"]["object"]["id"] for r in receiver.received} == due, f"{due}"
		)


def test_chaos_may_be_for_some_types_only(
	client: stripe.StripeClient, receiver: Receiver, control: Control
) -> None:
	control("POST", "chaos", drops=99, **{"types[]": "customer.*"})
	client.v1.customers.create()
	client.v1.products.create({"name": "Top-up"})
	receiver.wait_for("product.created")
	wait_until(lambda: states(control) == ["failed", "delivered"], "both deliveries to end")


def test_chaos_is_shown_replaced_and_ended_also_by_a_reset(control: Control) -> None:
	counts = ("twins", "duplicates", "drops", "forged", "stale", "delay", "shuffle")
	calm = {"types": [], **dict.fromkeys(counts, 0)}
	assert control("GET", "chaos") == calm
	control("POST", "chaos", twins=1, delay=5)
	assert control("POST", "chaos", drops=2) == {**calm, "drops": 2}
	assert control("DELETE", "chaos") == calm
	control("POST", "chaos", twins=1)
	control("POST", "reset")
	assert control("GET", "chaos") == calm


@pytest.mark.parametrize("form", [{"twins": "-1"}, {"drops": "many"}, {"nonsense": "1"}])
def test_unknown_chaos_is_refused(form: dict[str, str], simulator: Simulator) -> None:
	answer = requests.post(f"{simulator.url}/_simulator/chaos", data=form, timeout=10)
	assert (answer.status_code, bool(answer.json()["error"])) == (400, True)
