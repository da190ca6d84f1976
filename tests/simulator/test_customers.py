"""Customers."""

from __future__ import annotations

import pytest
import stripe

from .receiver import Receiver


def test_a_customer_is_created_with_an_event_and_retrieved(
	client: stripe.StripeClient, receiver: Receiver
) -> None:
	customer = client.v1.customers.create(
		{
			"email": "ada@example.com",
			"name": "Ada",
			"address": {"city": "Berlin"},
			"preferred_locales": ["de", "en"],
		}
	)
	again = client.v1.customers.retrieve(customer.id)
	assert (again.email, again.name, again.address.city, again.preferred_locales) == (
		"ada@example.com",
		"Ada",
		"Berlin",
		["de", "en"],
	)
	[created] = receiver.wait_for("customer.created")
	assert created.event["data"]["object"]["id"] == customer.id
	assert created.event["request"]["id"] == customer.last_response.request_id


def test_an_update_changes_what_is_sent_and_merges_metadata(
	client: stripe.StripeClient, receiver: Receiver
) -> None:
	customer = client.v1.customers.create(
		{"email": "ada@example.com", "name": "Ada", "metadata": {"a": "1", "b": "2"}}
	)
	client.v1.customers.update(customer.id, {"name": "Ada L.", "metadata": {"b": "", "c": "3"}})
	after = client.v1.customers.retrieve(customer.id)
	assert (after.name, after.email) == ("Ada L.", "ada@example.com")
	assert after.metadata.to_dict() == {"a": "1", "c": "3"}
	[updated] = receiver.wait_for("customer.updated")
	assert updated.event["data"]["previous_attributes"] == {"metadata": {"b": "2", "c": None}, "name": "Ada"}
	client.v1.customers.update(customer.id, {"name": "Ada L."})
	assert len(client.v1.events.list({"type": "customer.updated"}).data) == 1
	client.v1.customers.update(customer.id, {"name": "", "metadata": ""})
	after = client.v1.customers.retrieve(customer.id)
	assert after.name is None
	assert after.metadata.to_dict() == {}


def test_customers_are_listed_newest_first_and_by_their_address(client: stripe.StripeClient) -> None:
	ids = [client.v1.customers.create({"email": f"{name}@example.com"}).id for name in ("ada", "bob", "ada")]
	assert [customer.id for customer in client.v1.customers.list().data] == ids[::-1]
	by_email = client.v1.customers.list({"email": "ada@example.com"})
	assert [customer.id for customer in by_email.data] == [ids[2], ids[0]]


def test_metadata_beyond_stripes_limits_is_refused(client: stripe.StripeClient) -> None:
	for metadata in ({"k" * 41: "v"}, {"k": "v" * 501}, {f"k{n}": "v" for n in range(51)}):
		with pytest.raises(stripe.InvalidRequestError):
			client.v1.customers.create({"metadata": metadata})
