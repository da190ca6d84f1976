"""Repeated POSTs with the same idempotency key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import stripe

from stripe_simulator.server import Simulator

from .conftest import SECRET_KEY, Control, OpenSession
from .receiver import wait_until


def post(simulator: Simulator, path: str, key: str, **data: str) -> requests.Response:
	headers = {"Authorization": f"Bearer {SECRET_KEY}", "Idempotency-Key": key}
	return requests.post(simulator.url + path, data=data, headers=headers, timeout=10)


def create(client: stripe.StripeClient, key: str, **params: Any) -> stripe.Customer:
	return client.v1.customers.create(params, {"idempotency_key": key})


def test_the_same_key_and_parameters_get_the_first_answer_and_do_nothing_twice(
	client: stripe.StripeClient, simulator: Simulator
) -> None:
	first, second = create(client, "key-1", name="Ada"), create(client, "key-1", name="Ada")
	assert second.last_response.body == first.last_response.body
	assert "Idempotent-Replayed" not in first.last_response.headers
	assert second.last_response.headers["Idempotent-Replayed"] == "true"
	assert second.last_response.headers["Original-Request"] == first.last_response.request_id
	assert len(simulator.store.newest_first("customer")) == 1
	assert [event["type"] for event in simulator.store.newest_first("event")] == ["customer.created"]


def test_the_same_key_with_other_parameters_is_an_idempotency_error(client: stripe.StripeClient) -> None:
	create(client, "key-1", name="Ada")
	with pytest.raises(stripe.IdempotencyError) as caught:
		create(client, "key-1", name="Bob")
	assert (caught.value.http_status, caught.value.error.type) == (400, "idempotency_error")


def test_the_same_key_on_another_path_is_another_request(client: stripe.StripeClient) -> None:
	customer = create(client, "key-1", name="Ada")
	updated = client.v1.customers.update(customer.id, {"name": "Bob"}, {"idempotency_key": "key-1"})
	assert updated.name == "Bob"


def test_a_request_that_failed_validation_leaves_its_key_free(client: stripe.StripeClient) -> None:
	with pytest.raises(stripe.InvalidRequestError):
		create(client, "key-1", nonsense="1")
	assert create(client, "key-1", name="Ada").name == "Ada"


def test_a_refusal_after_the_work_began_is_replayed(
	client: stripe.StripeClient, simulator: Simulator, open_session: OpenSession
) -> None:
	session = open_session()
	client.v1.checkout.sessions.expire(session.id)
	path = f"/v1/checkout/sessions/{session.id}/expire"
	first, second = post(simulator, path, "key-1"), post(simulator, path, "key-1")
	assert (first.status_code, second.status_code) == (400, 400)
	assert first.content == second.content
	assert second.headers["Idempotent-Replayed"] == "true"


def test_a_second_request_while_the_first_is_in_flight_gets_409(simulator: Simulator) -> None:
	with ThreadPoolExecutor() as pool:
		with simulator.store.lock:
			first = pool.submit(post, simulator, "/v1/customers", "key-1", name="Ada")
			wait_until(
				lambda: simulator.idempotency.is_in_flight("key-1", "/v1/customers"), "the first request"
			)
			second = post(simulator, "/v1/customers", "key-1", name="Ada")
		assert first.result(10).status_code == 200
	assert (second.status_code, second.json()["error"]["code"]) == (409, "idempotency_key_in_use")
	assert post(simulator, "/v1/customers", "key-1", name="Ada").content == first.result().content


def test_many_requests_at_once_with_one_key_make_one_customer(simulator: Simulator) -> None:
	with ThreadPoolExecutor(16) as pool:
		answers = list(pool.map(lambda _: post(simulator, "/v1/customers", "key-1", name="Ada"), range(32)))
	assert {answer.status_code for answer in answers} <= {200, 409}
	assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
	assert len(simulator.store.newest_first("customer")) == 1


def test_a_key_makes_a_new_request_after_a_day(client: stripe.StripeClient, control: Control) -> None:
	first = create(client, "key-1", name="Ada")
	control("POST", "clock/advance", seconds=24 * 60 * 60)
	assert create(client, "key-1", name="Ada").id != first.id


def test_a_key_longer_than_255_characters_is_refused(client: stripe.StripeClient) -> None:
	assert create(client, "k" * 255).id
	with pytest.raises(stripe.InvalidRequestError, match="at most 255"):
		create(client, "k" * 256)
