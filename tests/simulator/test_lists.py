"""Lists: pages, cursors and filters."""

from __future__ import annotations

import pytest
import stripe

from .conftest import Control, OpenSession, Submit


def test_pages_follow_each_other_without_gap_or_repeat(client: stripe.StripeClient) -> None:
	ids = [client.v1.customers.create().id for _ in range(7)]
	page = client.v1.customers.list({"limit": 3})
	assert ([customer.id for customer in page.data], page.has_more) == (ids[:3:-1], True)
	assert page.url == "/v1/customers"
	assert [customer.id for customer in page.auto_paging_iter()] == ids[::-1]

	newer = client.v1.customers.list({"limit": 2, "ending_before": ids[3]})
	assert ([customer.id for customer in newer.data], newer.has_more) == ([ids[5], ids[4]], True)
	last = client.v1.customers.list({"limit": 2, "starting_after": ids[2]})
	assert ([customer.id for customer in last.data], last.has_more) == ([ids[1], ids[0]], False)


def test_ten_objects_come_when_no_limit_is_sent(client: stripe.StripeClient) -> None:
	for _ in range(11):
		client.v1.customers.create()
	page = client.v1.customers.list()
	assert (len(page.data), page.has_more) == (10, True)


@pytest.mark.parametrize(
	"params",
	[
		{"limit": 0},
		{"limit": 101},
		{"starting_after": "cus_unknown"},
		{"colour": "red"},
		{"created": {"eq": 1}},
	],
)
def test_a_wrong_page_parameter_is_refused(params: dict[str, object], client: stripe.StripeClient) -> None:
	with pytest.raises(stripe.InvalidRequestError) as caught:
		client.v1.customers.list(params)
	assert caught.value.http_status == 400


def test_created_limits_a_list_at_both_ends(client: stripe.StripeClient, control: Control) -> None:
	first = client.v1.customers.create()
	control("POST", "clock/advance", seconds=100)
	second = client.v1.customers.create()
	for bounds, expected in (
		({"gt": first.created}, [second.id]),
		({"gte": first.created}, [second.id, first.id]),
		({"lt": second.created}, [first.id]),
		({"gte": first.created, "lte": first.created}, [first.id]),
		(second.created, [second.id]),
	):
		assert [customer.id for customer in client.v1.customers.list({"created": bounds}).data] == expected


def test_sessions_are_found_by_their_payment_intent_customer_and_status(
	client: stripe.StripeClient, open_session: OpenSession, submit: Submit
) -> None:
	customer = client.v1.customers.create({"email": "ada@example.com"})
	paid, still_open = open_session(customer=customer.id), open_session()
	submit(paid)
	intent = client.v1.checkout.sessions.retrieve(paid.id).payment_intent
	for filters, expected in (
		({"payment_intent": intent}, [paid.id]),
		({"customer": customer.id}, [paid.id]),
		({"status": "complete"}, [paid.id]),
		({"status": "open"}, [still_open.id]),
		({"payment_intent": "pi_unknown"}, []),
	):
		assert [session.id for session in client.v1.checkout.sessions.list(filters).data] == expected


def test_charges_of_a_payment_include_the_declined_ones(
	client: stripe.StripeClient, open_session: OpenSession, submit: Submit
) -> None:
	session = open_session()
	submit(open_session())
	submit(session, "4000 0000 0000 0002")
	submit(session)
	intent = client.v1.checkout.sessions.retrieve(session.id).payment_intent
	charges = client.v1.charges.list({"payment_intent": intent, "expand": ["data.payment_intent"]})
	assert [charge.status for charge in charges.data] == ["succeeded", "failed"]
	assert {charge.payment_intent.id for charge in charges.data} == {intent}


def test_events_are_listed_by_type_pattern_and_cursor(
	client: stripe.StripeClient, open_session: OpenSession, submit: Submit
) -> None:
	submit(open_session())
	everything = [event.type for event in client.v1.events.list().data]
	assert everything == [
		"charge.updated",
		"checkout.session.completed",
		"charge.succeeded",
		"payment_intent.succeeded",
		"payment_intent.created",
	]
	two = client.v1.events.list({"types": ["charge.succeeded", "checkout.session.completed"]})
	assert [event.type for event in two.data] == ["checkout.session.completed", "charge.succeeded"]
	pattern = client.v1.events.list({"type": "payment_intent.*"})
	assert [event.type for event in pattern.data] == ["payment_intent.succeeded", "payment_intent.created"]
	newer = client.v1.events.list({"ending_before": pattern.data[0].id})
	assert [event.type for event in newer.data] == everything[:3]
	assert client.v1.events.retrieve(pattern.data[0].id).data.object["object"] == "payment_intent"


def test_events_older_than_thirty_days_are_gone_from_the_list(
	client: stripe.StripeClient, control: Control
) -> None:
	client.v1.customers.create()
	control("POST", "clock/advance", seconds=30 * 24 * 60 * 60 + 10)
	assert client.v1.events.list().data == []
