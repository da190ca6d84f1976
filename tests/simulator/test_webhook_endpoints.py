"""Webhook endpoints: several, each with its own secret and its own events; rolled secrets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
import stripe

from stripe_simulator import API_VERSION
from stripe_simulator.server import Simulator

from .conftest import WEBHOOK_SECRET, Control
from .receiver import Receiver, wait_until


@pytest.fixture
def second() -> Iterator[Receiver]:
	receiver = Receiver("set when the endpoint is made")
	yield receiver
	receiver.stop()


def make(client: stripe.StripeClient, receiver: Receiver, *events: str) -> stripe.WebhookEndpoint:
	endpoint = client.v1.webhook_endpoints.create(
		{"url": f"http://127.0.0.1:{receiver.port}/second", "enabled_events": list(events)}
	)
	assert endpoint.secret
	receiver.secret = endpoint.secret
	return endpoint


def test_the_endpoint_of_the_settings_is_one_like_any_other(
	client: stripe.StripeClient, simulator: Simulator
) -> None:
	listed = client.v1.webhook_endpoints.list()
	[endpoint] = listed.data
	assert (endpoint.url, endpoint.enabled_events, endpoint.status, endpoint.api_version) == (
		simulator.settings.webhook_url,
		["*"],
		"enabled",
		API_VERSION,
	)
	assert WEBHOOK_SECRET not in listed.last_response.body


def test_a_secret_is_shown_once(client: stripe.StripeClient, second: Receiver) -> None:
	endpoint = make(client, second, "*")
	assert endpoint.secret.startswith("whsec_")
	for answer in (
		client.v1.webhook_endpoints.retrieve(endpoint.id),
		client.v1.webhook_endpoints.update(endpoint.id, {"description": "second"}),
		client.v1.webhook_endpoints.list(),
	):
		assert "whsec_" not in answer.last_response.body


def test_each_endpoint_gets_its_events_signed_with_its_own_secret(
	client: stripe.StripeClient, receiver: Receiver, second: Receiver
) -> None:
	make(client, second, "product.created")
	client.v1.customers.create()
	client.v1.products.create({"name": "Top-up"})
	[first] = receiver.wait_for("product.created")
	[other] = second.wait_for("product.created")
	receiver.wait_for("customer.created")
	assert (first.event["id"], first.body) == (other.event["id"], other.body)
	assert first.event["pending_webhooks"] == 2
	assert second.types() == ["product.created"]
	assert (receiver.refused, second.refused) == ([], [])


def test_an_event_is_delivered_only_when_every_endpoint_has_taken_it(
	client: stripe.StripeClient, receiver: Receiver, second: Receiver, control: Control
) -> None:
	make(client, second, "*")
	second.answers = [500, 500, 500]
	client.v1.customers.create()
	wait_until(
		lambda: {d["state"] for d in control("GET", "deliveries")["deliveries"]} == {"delivered", "failed"},
		"one delivery to fail",
	)
	[event] = client.v1.events.list({"delivery_success": False}).data
	assert event.pending_webhooks == 1
	control("POST", f"events/{event.id}/resend")
	wait_until(lambda: client.v1.events.retrieve(event.id).pending_webhooks == 0, "the second round")
	assert client.v1.events.list({"delivery_success": False}).data == []


def test_a_disabled_endpoint_gets_nothing_until_it_is_enabled_again(
	client: stripe.StripeClient, receiver: Receiver, second: Receiver
) -> None:
	endpoint = make(client, second, "*")
	assert client.v1.webhook_endpoints.update(endpoint.id, {"disabled": True}).status == "disabled"
	client.v1.customers.create()
	[alone] = receiver.wait_for("customer.created")
	assert alone.event["pending_webhooks"] == 1
	client.v1.webhook_endpoints.update(endpoint.id, {"disabled": False})
	client.v1.products.create({"name": "Top-up"})
	second.wait_for("product.created")
	assert second.types() == ["product.created"]


@pytest.mark.parametrize("end", ["deleted", "disabled"])
def test_an_ended_endpoint_gets_not_even_what_was_on_its_way(
	end: str, client: stripe.StripeClient, receiver: Receiver, second: Receiver, control: Control
) -> None:
	endpoint = make(client, second, "*")
	control("POST", "pause")
	client.v1.customers.create()
	if end == "deleted":
		assert client.v1.webhook_endpoints.delete(endpoint.id).deleted is True
	else:
		client.v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
	control("POST", "resume")
	receiver.wait_for("customer.created")
	wait_until(
		lambda: {d["state"] for d in control("GET", "deliveries")["deliveries"]} == {"delivered", "failed"},
		"the delivery to be given up",
	)
	assert second.received == []
	ids = [listed.id for listed in client.v1.webhook_endpoints.list().data]
	assert (endpoint.id in ids) == (end == "disabled")


def test_an_endpoint_can_be_changed(client: stripe.StripeClient, second: Receiver) -> None:
	endpoint = make(client, second, "*")
	changed = client.v1.webhook_endpoints.update(
		endpoint.id, {"enabled_events": ["charge.refunded"], "metadata": {"a": "1"}}
	)
	assert (changed.enabled_events, changed.metadata.to_dict()) == (["charge.refunded"], {"a": "1"})
	assert changed.url == endpoint.url


@pytest.mark.parametrize(
	("params", "code", "param"),
	[
		({"url": "http://example.com/hook"}, "url_invalid", "url"),
		({"url": "https://127.0.0.1/hook"}, "url_invalid", "url"),
		({"url": ""}, "parameter_invalid_empty", "url"),
		({"api_version": "2020-08-27"}, None, "api_version"),
		({"secret": "whsec_mine"}, "parameter_unknown", "secret"),
	],
)
def test_an_endpoint_beyond_this_machine_or_of_another_version_is_refused(
	params: dict[str, str], code: str | None, param: str, client: stripe.StripeClient
) -> None:
	with pytest.raises(stripe.InvalidRequestError) as caught:
		client.v1.webhook_endpoints.create(
			{"url": "http://127.0.0.1:9/hook", "enabled_events": ["*"], **params}
		)
	assert (caught.value.code, caught.value.param) == (code, param)


def test_for_a_while_both_secrets_of_a_rolled_endpoint_are_signed_with(
	client: stripe.StripeClient, receiver: Receiver, control: Control
) -> None:
	[endpoint] = client.v1.webhook_endpoints.list().data
	rolled = control("POST", f"webhook_endpoints/{endpoint.id}/roll_secret", overlap=3600)
	client.v1.customers.create()
	[both] = receiver.wait_for("customer.created")
	header = both.headers["Stripe-Signature"]
	assert header.count("v1=") == 2
	for secret in (WEBHOOK_SECRET, rolled["secret"]):
		assert stripe.Webhook.construct_event(both.body, header, secret).id == both.event["id"]

	control("POST", "clock/advance", seconds=3600)
	receiver.secret = rolled["secret"]
	client.v1.products.create({"name": "Top-up"})
	[new] = receiver.wait_for("product.created")
	header = new.headers["Stripe-Signature"]
	assert header.count("v1=") == 1
	with pytest.raises(stripe.SignatureVerificationError):
		stripe.Webhook.construct_event(new.body, header, WEBHOOK_SECRET)


def test_a_secret_rolled_without_overlap_ends_at_once(
	client: stripe.StripeClient, receiver: Receiver, control: Control, simulator: Simulator
) -> None:
	[endpoint] = client.v1.webhook_endpoints.list().data
	control("POST", f"webhook_endpoints/{endpoint.id}/roll_secret", secret="whsec_chosen")
	client.v1.customers.create()
	receiver.wait_until(lambda: len(receiver.refused) == 3, "the endpoint to refuse")
	assert receiver.received == []
	receiver.secret = "whsec_chosen"
	client.v1.products.create({"name": "Top-up"})
	receiver.wait_for("product.created")
	unknown = requests.post(
		f"{simulator.url}/_simulator/webhook_endpoints/we_unknown/roll_secret", timeout=10
	)
	assert unknown.status_code == 404


def test_a_reset_leaves_the_endpoint_of_the_settings_alone(
	client: stripe.StripeClient, receiver: Receiver, second: Receiver, control: Control
) -> None:
	[own] = client.v1.webhook_endpoints.list().data
	make(client, second, "*")
	control("POST", f"webhook_endpoints/{own.id}/roll_secret")
	control("POST", "reset")
	assert [endpoint.url for endpoint in client.v1.webhook_endpoints.list().data] == [own.url]
	client.v1.customers.create()
	receiver.wait_for("customer.created")
	assert second.received == []
