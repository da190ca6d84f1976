"""Thin events of API v2, as the genuine library asks for them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
import stripe
from stripe.events._event_classes import get_v2_event_class
from stripe.v2.core import Event

from .conftest import Control, Pay

DAY = 24 * 60 * 60


def listed(client: stripe.StripeClient, **params: Any) -> list[str]:
	return [event.type for event in client.v2.core.events.list(params).data]


def test_each_event_has_a_thin_twin_that_leads_to_it_and_to_its_object(
	client: stripe.StripeClient, pay: Pay
) -> None:
	intent = pay()
	snapshots = {event.id: event for event in client.v1.events.list().data}
	thin = client.v2.core.events.list().data
	assert [event.snapshot_event for event in thin] == list(snapshots)
	for event in thin:
		snapshot = snapshots[event.snapshot_event]
		assert event.type == f"v1.{snapshot.type}"
		assert datetime.fromisoformat(event.created.replace("Z", "+00:00")) == datetime.fromtimestamp(
			snapshot.created, timezone.utc
		)
	paid = next(event for event in thin if event.type == "v1.payment_intent.succeeded")
	assert paid.reason.request.id == intent.last_response.request_id
	assert paid.fetch_related_object().id == intent.id


def test_a_notification_fetches_its_event_and_its_object(client: stripe.StripeClient, pay: Pay) -> None:
	client.v1.refunds.create({"payment_intent": pay().id})
	[event] = client.v2.core.events.list({"types": ["v1.charge.refunded"]}).data
	body = client.raw_request("get", f"/v2/core/events/{event.id}").body
	note = client.parse_event_notification_without_verification(body)
	assert type(note).__name__ == "V1ChargeRefundedEventNotification"
	assert note.fetch_event().snapshot_event == event.snapshot_event
	assert note.fetch_related_object().amount_refunded == 5000


def test_the_library_has_a_class_for_each_type_that_happens(
	client: stripe.StripeClient, pay: Pay, control: Control
) -> None:
	pay(capture_method="manual")
	control("POST", "disputes", payment_intent=pay().id)
	customer = client.v1.customers.create()
	client.v1.billing_portal.sessions.create({"customer": customer.id})
	client.v1.setup_intents.create()
	thin = client.v2.core.events.list({"limit": 100}).data
	assert len({event.type for event in thin}) >= 9
	assert [event.type for event in thin if get_v2_event_class(event.type) is Event] == []
	[portal] = [event for event in thin if event.type == "v1.billing_portal.session.created"]
	assert not hasattr(portal, "related_object")


def test_what_happened_by_itself_has_no_reason(
	client: stripe.StripeClient, pay: Pay, control: Control
) -> None:
	control("POST", "disputes", payment_intent=pay().id)
	[event] = client.v2.core.events.list({"types": ["v1.charge.dispute.created"]}).data
	assert event.reason is None


def test_events_are_listed_by_object_type_and_time(client: stripe.StripeClient, control: Control) -> None:
	customer = client.v1.customers.create()
	control("POST", "clock/advance", seconds=DAY)
	client.v1.customers.update(customer.id, {"name": "Ada"})
	client.v1.products.create({"name": "Top-up"})
	updated, created = client.v2.core.events.list({"object_id": customer.id}).data
	assert (updated.type, created.type) == ("v1.customer.updated", "v1.customer.created")
	assert listed(client, types=["v1.product.created", "v1.customer.created"]) == [
		"v1.product.created",
		"v1.customer.created",
	]
	assert listed(client, created={"lt": updated.created}) == ["v1.customer.created"]
	assert listed(client, created={"gte": updated.created, "lte": "2100-01-01T01:00:00+01:00"}) == [
		"v1.product.created",
		"v1.customer.updated",
	]


def test_all_pages_are_read_with_the_filters_of_the_first(client: stripe.StripeClient) -> None:
	names = [client.v1.customers.create().id for _ in range(5)]
	client.v1.products.create({"name": "Top-up"})
	first = client.v2.core.events.list(
		{"limit": 2, "types": ["v1.customer.created"], "created": {"gt": "2020-01-01T00:00:00Z"}}
	)
	assert len(first.data) == 2
	assert [event.related_object.id for event in first.auto_paging_iter()] == names[::-1]


def test_an_event_can_be_read_for_thirty_days_only(client: stripe.StripeClient, control: Control) -> None:
	client.v1.customers.create()
	[event] = client.v2.core.events.list().data
	control("POST", "clock/advance", seconds=31 * DAY)
	assert listed(client) == []
	for read, id in (
		(client.v2.core.events.retrieve, event.id),
		(client.v1.events.retrieve, event.snapshot_event),
	):
		with pytest.raises(stripe.InvalidRequestError) as caught:
			read(id)
		assert caught.value.http_status == 404


@pytest.mark.parametrize("of_snapshot", [True, False])
def test_an_unknown_event_is_not_found(of_snapshot: bool, client: stripe.StripeClient) -> None:
	client.v1.customers.create()
	id = client.v1.events.list().data[0].id if of_snapshot else "evt_test_65unknown"
	with pytest.raises(stripe.InvalidRequestError) as caught:
		client.v2.core.events.retrieve(id)
	assert (caught.value.http_status, caught.value.code) == (404, "not_found")


@pytest.mark.parametrize(
	("params", "param"),
	[
		({"created": {"gt": "yesterday"}}, "created[gt]"),
		({"created": {"gt": "2026-01-01T00:00:00"}}, "created[gt]"),
		({"created": {"around": "2026-01-01T00:00:00Z"}}, "created[around]"),
		({"limit": 101}, "limit"),
		({"page": "evt_unknown"}, "page"),
		({"types": ["v1.customer.created"] * 21}, "types"),
		({"nonsense": 1}, "nonsense"),
	],
)
def test_a_wrong_filter_is_refused_and_named(
	params: dict[str, Any], param: str, client: stripe.StripeClient
) -> None:
	with pytest.raises(stripe.InvalidRequestError) as caught:
		client.v2.core.events.list(params)
	assert (caught.value.http_status, caught.value.param) == (400, param)
