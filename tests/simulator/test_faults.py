"""What goes wrong with answers of the API when a test asks for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import stripe

from stripe_simulator.server import Simulator

from .conftest import SECRET_KEY, Control
from .receiver import Receiver, wait_until

KEY = {"idempotency_key": "key-1"}


def customers(simulator: Simulator) -> int:
	return len(simulator.store.newest_first("customer"))


@pytest.fixture
def retrying(simulator: Simulator) -> stripe.StripeClient:
	return stripe.StripeClient(SECRET_KEY, base_addresses={"api": simulator.url}, max_network_retries=2)


def test_an_error_before_the_work_leaves_nothing_and_its_key_free(
	client: stripe.StripeClient, simulator: Simulator, control: Control
) -> None:
	control("POST", "faults", kind="error_before")
	with pytest.raises(stripe.APIError) as caught:
		client.v1.customers.create({"name": "Ada"}, KEY)
	assert (caught.value.http_status, customers(simulator)) == (500, 0)
	assert client.v1.customers.create({"name": "Ada"}, KEY).name == "Ada"


def test_an_error_after_the_work_is_kept_for_its_key_though_the_work_is_done(
	client: stripe.StripeClient, simulator: Simulator, control: Control, receiver: Receiver
) -> None:
	control("POST", "faults", kind="error_after")
	for _ in range(2):
		with pytest.raises(stripe.APIError) as caught:
			client.v1.customers.create({"name": "Ada"}, KEY)
		assert caught.value.http_status == 500
	assert caught.value.headers["Idempotent-Replayed"] == "true"
	assert customers(simulator) == 1
	receiver.wait_for("customer.created")


@pytest.mark.parametrize(("kind", "made"), [("cut_before", 0), ("cut_after", 1)])
def test_a_cut_connection_is_no_answer(
	kind: str, made: int, client: stripe.StripeClient, simulator: Simulator, control: Control
) -> None:
	control("POST", "faults", kind=kind)
	with pytest.raises(stripe.APIConnectionError):
		client.v1.customers.create({"name": "Ada"}, KEY)
	assert customers(simulator) == made
	assert client.v1.customers.create({"name": "Ada"}, KEY).name == "Ada"
	assert customers(simulator) == 1


def test_the_library_retries_a_lost_answer_and_gets_the_first_one(
	retrying: stripe.StripeClient, simulator: Simulator, control: Control, receiver: Receiver
) -> None:
	control("POST", "faults", kind="cut_after", times=2)
	customer = retrying.v1.customers.create({"name": "Ada"})
	assert customer.last_response.headers["Idempotent-Replayed"] == "true"
	assert customers(simulator) == 1
	assert control("GET", "faults") == {"faults": []}
	receiver.wait_for("customer.created")


@pytest.mark.parametrize(("kind", "made"), [("hang_before", 0), ("hang_after", 1)])
def test_an_answer_may_come_too_late(
	kind: str, made: int, client: stripe.StripeClient, simulator: Simulator, control: Control
) -> None:
	control("POST", "faults", kind=kind, seconds=600)
	headers = {"Authorization": f"Bearer {SECRET_KEY}", "Idempotency-Key": "key-1"}
	with pytest.raises(requests.ReadTimeout):
		requests.post(f"{simulator.url}/v1/customers", data={"name": "Ada"}, headers=headers, timeout=0.5)
	assert customers(simulator) == made
	assert client.v1.products.list().data == []


def test_one_that_hangs_goes_on_when_the_faults_end(
	client: stripe.StripeClient, simulator: Simulator, control: Control
) -> None:
	control("POST", "faults", kind="hang_before", seconds=600)
	with ThreadPoolExecutor() as pool:
		waiting = pool.submit(client.v1.customers.create, {"name": "Ada"})
		wait_until(lambda: control("GET", "faults")["faults"] == [], "the request to hang")
		control("DELETE", "faults")
		assert waiting.result(10).name == "Ada"


def test_too_many_requests_are_429_and_do_nothing(
	client: stripe.StripeClient, simulator: Simulator, control: Control
) -> None:
	control("POST", "faults", kind="rate_limit", times=2)
	for _ in range(2):
		with pytest.raises(stripe.RateLimitError) as caught:
			client.v1.customers.create({"name": "Ada"}, KEY)
		assert (caught.value.http_status, caught.value.error.code) == (429, "rate_limit")
	assert customers(simulator) == 0
	assert client.v1.customers.create({"name": "Ada"}, KEY).name == "Ada"


def test_a_fault_may_be_for_one_path_and_method_only(client: stripe.StripeClient, control: Control) -> None:
	control("POST", "faults", kind="rate_limit", path="/v1/refunds", method="GET")
	client.v1.customers.list()
	with pytest.raises(stripe.InvalidRequestError):
		client.v1.refunds.create({"charge": "ch_unknown"})
	[left] = control("GET", "faults")["faults"]
	assert (left["kind"], left["times"], left["path"]) == ("rate_limit", 1, "/v1/refunds")
	with pytest.raises(stripe.RateLimitError):
		client.v1.refunds.list()
	assert client.v1.refunds.list().data == []


def test_faults_come_in_the_order_they_were_asked_for(client: stripe.StripeClient, control: Control) -> None:
	control("POST", "faults", kind="rate_limit")
	control("POST", "faults", kind="error_before")
	with pytest.raises(stripe.RateLimitError):
		client.v1.customers.create()
	with pytest.raises(stripe.APIError):
		client.v1.customers.create()
	assert client.v1.customers.create().id


def test_a_reset_ends_all_faults(client: stripe.StripeClient, control: Control) -> None:
	control("POST", "faults", kind="rate_limit", times=9)
	control("POST", "reset")
	assert client.v1.customers.create().id


@pytest.mark.parametrize(
	"form",
	[{}, {"kind": "explode"}, {"kind": "rate_limit", "times": 0}, {"kind": "hang_after", "seconds": "x"}],
)
def test_an_unknown_fault_is_refused(form: dict[str, Any], simulator: Simulator) -> None:
	answer = requests.post(f"{simulator.url}/_simulator/faults", data=form, timeout=10)
	assert (answer.status_code, bool(answer.json()["error"])) == (400, True)
