"""Deliveries: signed, out of band, retried, and controlled by tests."""

from __future__ import annotations

import socket
import struct
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import stripe
from werkzeug.test import EnvironBuilder, run_wsgi_app

from stripe_simulator import API_VERSION
from stripe_simulator.server import Simulator
from stripe_simulator.settings import Settings

from .conftest import SECRET_KEY, WEBHOOK_SECRET, Control, OpenSession, Submit
from .receiver import Receiver, wait_until


def delivery_of(control: Control, type: str) -> dict[str, Any]:
	return next(
		delivery for delivery in control("GET", "deliveries")["deliveries"] if delivery["type"] == type
	)


def wait_for_state(control: Control, type: str, state: str) -> dict[str, Any]:
	wait_until(lambda: delivery_of(control, type)["state"] == state, f"{type} to be {state}")
	return delivery_of(control, type)


def test_an_event_arrives_signed_at_the_whole_address_under_its_own_host_name(
	client: stripe.StripeClient, receiver: Receiver
) -> None:
	client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "key-1"})
	[received] = receiver.wait_for("customer.created")
	assert received.headers["Host"] == f"prepaid.localhost:{receiver.port}"
	assert received.path == "/api/stripe/webhook?from=stripe"
	assert received.headers["Content-Type"] == "application/json; charset=utf-8"
	event = received.event
	assert (event["object"], event["api_version"], event["livemode"]) == ("event", API_VERSION, False)
	assert event["pending_webhooks"] == 1
	assert event["request"]["idempotency_key"] == "key-1"
	assert receiver.refused == []


def test_a_payment_announces_intent_charge_and_session(
	receiver: Receiver, open_session: OpenSession, submit: Submit
) -> None:
	session = open_session(client_reference_id="T-1")
	submit(session)
	intent, charge, completed = (
		received.event["data"]["object"]
		for received in receiver.wait_for(
			"payment_intent.succeeded", "charge.succeeded", "checkout.session.completed"
		)
	)
	assert (completed["id"], completed["payment_status"], completed["client_reference_id"]) == (
		session.id,
		"paid",
		"T-1",
	)
	assert completed["payment_intent"] == intent["id"] == charge["payment_intent"]
	assert intent["latest_charge"] == charge["id"]


def test_no_webhook_is_sent_before_the_last_byte_of_the_answer(
	simulator: Simulator, control: Control
) -> None:
	request = EnvironBuilder(
		"/v1/customers", method="POST", headers={"Authorization": f"Bearer {SECRET_KEY}"}
	)
	answer, status, _ = run_wsgi_app(simulator.app, request.get_environ(), buffered=False)
	assert (status, b"".join(answer)[:1]) == ("200 OK", b"{")
	assert delivery_of(control, "customer.created")["state"] == "announced"
	answer.close()
	wait_for_state(control, "customer.created", "delivered")


def test_the_events_of_a_request_that_the_browser_breaks_off_are_sent_all_the_same(
	simulator: Simulator, open_session: OpenSession, control: Control, receiver: Receiver
) -> None:
	"""As a double click does: the browser drops the first request for the second one."""
	session = open_session()
	form = {"number": "4242 4242 4242 4242", "expiry": "12 / 34", "cvc": "123", "name": "Ada Lovelace"}
	request = requests.Request("POST", f"{simulator.url}/c/pay/{session.id}", data=form).prepare()
	head = f"POST {request.path_url} HTTP/1.1\r\nHost: {urlsplit(request.url).netloc}\r\n"
	head += "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
	with socket.create_connection(("127.0.0.1", urlsplit(simulator.url).port)) as browser:
		# More than the server reads at once: it still reads from the connection when that breaks.
		browser.sendall(f"{head}\r\n{request.body}".encode() + b" " * (1 << 16))
		with HTTPResponse(browser) as answer:
			answer.begin()
			assert answer.status == 303 and answer.read()
		# Closed without farewell, which is what a browser does to an answer that it no longer wants.
		browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
	receiver.wait_for(
		"payment_intent.succeeded", "charge.succeeded", "checkout.session.completed", "charge.updated"
	)
	wait_until(
		lambda: {row["state"] for row in control("GET", "deliveries")["deliveries"]} == {"delivered"},
		"every event to be delivered",
	)
	assert len(receiver.types()) == len(set(receiver.types()))


def test_the_answer_does_not_wait_for_the_webhook(
	receiver: Receiver, open_session: OpenSession, submit: Submit
) -> None:
	session = open_session()
	receiver.gate.clear()
	assert submit(session).status_code == 303
	receiver.wait_for("payment_intent.succeeded")
	receiver.gate.set()


def test_a_failed_delivery_is_repeated_with_the_same_bytes_until_it_is_accepted(
	client: stripe.StripeClient, receiver: Receiver, control: Control
) -> None:
	receiver.answers = [500, 404]
	client.v1.customers.create()
	delivery = wait_for_state(control, "customer.created", "delivered")
	assert [attempt["status"] for attempt in delivery["attempts"]] == [500, 404, 200]
	assert len(receiver.received) == 3
	assert len({received.body for received in receiver.received}) == 1
	assert client.v1.events.retrieve(delivery["event"]).pending_webhooks == 0


def test_a_redirect_is_a_failure_and_the_last_retry_is_the_end(
	client: stripe.StripeClient, receiver: Receiver, control: Control
) -> None:
	receiver.answers = [302, 307, 500]
	client.v1.customers.create()
	delivery = wait_for_state(control, "customer.created", "failed")
	assert [attempt["status"] for attempt in delivery["attempts"]] == [302, 307, 500]
	assert {received.path for received in receiver.received} == {"/api/stripe/webhook?from=stripe"}
	assert client.v1.events.retrieve(delivery["event"]).pending_webhooks == 1


def test_events_that_nobody_took_are_found_by_delivery_success(
	client: stripe.StripeClient, receiver: Receiver, control: Control
) -> None:
	receiver.answers = [500, 500, 500]
	client.v1.customers.create()
	lost = wait_for_state(control, "customer.created", "failed")
	customer = client.v1.customers.create()
	receiver.wait_until(lambda: len(receiver.received) == 4, "the second customer")
	wait_until(lambda: control("GET", "deliveries")["deliveries"][1]["state"] == "delivered", "its delivery")
	assert [event.id for event in client.v1.events.list({"delivery_success": False}).data] == [lost["event"]]
	[taken] = client.v1.events.list({"delivery_success": True}).data
	assert taken.data.object["id"] == customer.id


def test_a_refused_connection_is_a_failed_attempt(
	client: stripe.StripeClient, receiver: Receiver, control: Control
) -> None:
	receiver.stop()
	client.v1.customers.create()
	delivery = wait_for_state(control, "customer.created", "failed")
	assert len(delivery["attempts"]) == 3
	for attempt in delivery["attempts"]:
		assert attempt["status"] is None
		assert "refused" in attempt["error"]


def test_an_endpoint_that_does_not_answer_in_time_is_tried_again(receiver: Receiver) -> None:
	receiver.gate.clear()
	settings = Settings(
		port=0,
		secret_key=SECRET_KEY,
		webhook_url=f"http://127.0.0.1:{receiver.port}/hook",
		webhook_secret=WEBHOOK_SECRET,
		retry_delays=(0.01,),
		webhook_timeout=0.1,
	)
	with Simulator(settings) as simulator:
		stripe.StripeClient(SECRET_KEY, base_addresses={"api": simulator.url}).v1.customers.create()
		wait_until(lambda: simulator.deliverer.deliveries()[0]["state"] == "failed", "the delivery to fail")
		attempts = simulator.deliverer.deliveries()[0]["attempts"]
		assert [attempt["error"] for attempt in attempts] == ["timed out", "timed out"]


def test_one_slow_event_does_not_hold_up_the_others(
	receiver: Receiver, open_session: OpenSession, submit: Submit
) -> None:
	receiver.gate.clear()
	submit(open_session())
	receiver.wait_for(
		"payment_intent.created", "payment_intent.succeeded", "charge.succeeded", "checkout.session.completed"
	)
	receiver.gate.set()


def test_a_paused_simulator_keeps_events_and_sends_them_when_resumed(
	client: stripe.StripeClient, receiver: Receiver, control: Control
) -> None:
	control("POST", "pause")
	client.v1.customers.create()
	assert delivery_of(control, "customer.created")["attempts"] == []
	assert receiver.received == []
	control("POST", "resume")
	receiver.wait_for("customer.created")


def test_an_event_can_be_sent_again_with_a_new_round_of_retries(
	client: stripe.StripeClient, receiver: Receiver, control: Control, simulator: Simulator
) -> None:
	client.v1.customers.create()
	delivery = wait_for_state(control, "customer.created", "delivered")
	receiver.answers = [500, 500]
	control("POST", f"events/{delivery['event']}/resend")
	receiver.wait_until(lambda: len(receiver.received) == 4, "the second round")
	assert {received.event["id"] for received in receiver.received} == {delivery["event"]}
	assert (
		requests.post(f"{simulator.url}/_simulator/events/evt_unknown/resend", timeout=10).status_code == 404
	)


def test_a_reset_forgets_everything(
	client: stripe.StripeClient, open_session: OpenSession, submit: Submit, control: Control
) -> None:
	session = open_session()
	submit(session)
	client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "key-1"})
	control("POST", "clock/advance", seconds=1000)
	control("POST", "pause")
	control("POST", "reset")
	assert control("GET", "deliveries") == {"deliveries": []}
	assert client.v1.events.list().data == client.v1.customers.list().data == []
	with pytest.raises(stripe.InvalidRequestError):
		client.v1.checkout.sessions.retrieve(session.id)
	client.v1.customers.create({"name": "Bob"}, {"idempotency_key": "key-1"})
	wait_for_state(control, "customer.created", "delivered")


def test_the_clock_moves_only_ahead_by_whole_seconds(simulator: Simulator, control: Control) -> None:
	before = control("GET", "health")["now"]
	assert control("POST", "clock/advance", seconds=60)["now"] >= before + 60
	for seconds in ("-1", "1.5", "", "x"):
		answer = requests.post(
			f"{simulator.url}/_simulator/clock/advance", data={"seconds": seconds}, timeout=10
		)
		assert answer.status_code == 400


def test_without_a_webhook_url_events_are_kept_and_none_is_sent() -> None:
	with Simulator(Settings(port=0, secret_key=SECRET_KEY)) as simulator:
		client = stripe.StripeClient(SECRET_KEY, base_addresses={"api": simulator.url})
		client.v1.customers.create()
		[event] = client.v1.events.list().data
		assert (event.type, event.pending_webhooks) == ("customer.created", 0)
		assert simulator.deliverer.deliveries() == []


def test_an_event_is_replayed_after_more_than_thirty_days_with_a_fresh_signature(
	client: stripe.StripeClient, receiver: Receiver, control: Control
) -> None:
	client.v1.customers.create()
	[first] = receiver.wait_for("customer.created")
	control("POST", "clock/advance", seconds=31 * 24 * 60 * 60)
	assert client.v1.events.list().data == []
	control("POST", f"events/{first.event['id']}/resend")
	receiver.wait_until(lambda: len(receiver.received) == 2, "the replay")
	assert receiver.received[1].body == first.body
	assert receiver.refused == []
