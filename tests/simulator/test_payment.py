"""Paying on the Checkout page, as the API and the webhooks show it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import stripe

from stripe_simulator.server import Simulator

from .conftest import Control, OpenSession, Pay, Submit
from .receiver import Receiver

GENERIC_DECLINE = "4000 0000 0000 0002"
INSUFFICIENT_FUNDS = "4000000000009995"
VALID_BUT_NO_TEST_CARD = "4111 1111 1111 1111"


def retrieve(client: stripe.StripeClient, session: stripe.checkout.Session) -> stripe.checkout.Session:
	return client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})


def test_a_new_session_is_open_unpaid_and_has_no_payment_intent(
	open_session: OpenSession, simulator: Simulator
) -> None:
	session = open_session(client_reference_id="T-1", metadata={"topup": "T-1"})
	assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
	assert (session.amount_total, session.currency, session.client_reference_id) == (5000, "eur", "T-1")
	assert session.expires_at == session.created + 24 * 60 * 60
	assert session.url == f"{simulator.url}/c/pay/{session.id}"
	assert session.livemode is False


def test_the_amount_is_the_sum_of_all_lines(client: stripe.StripeClient, open_session: OpenSession) -> None:
	lines = [
		{
			"quantity": n,
			"price_data": {"currency": "eur", "unit_amount": 700, "product_data": {"name": f"Line {n}"}},
		}
		for n in (1, 2)
	]
	session = open_session(line_items=lines)
	assert session.amount_total == 2100
	listed = client.v1.checkout.sessions.line_items.list(session.id).data
	assert [(line.description, line.amount_total) for line in listed] == [("Line 1", 700), ("Line 2", 1400)]


def test_the_paying_card_completes_the_session_and_sends_the_customer_back(
	client: stripe.StripeClient, open_session: OpenSession, submit: Submit
) -> None:
	session = open_session()
	answer = submit(session)
	assert answer.status_code == 303
	assert answer.headers["Location"] == f"http://prepaid.localhost:8000/topup/success?session={session.id}"

	paid = retrieve(client, session)
	intent, charge = paid.payment_intent, paid.payment_intent.latest_charge
	assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
	assert (intent.status, intent.amount_received, intent.currency) == ("succeeded", 5000, "eur")
	assert (charge.status, charge.amount_captured, charge.paid, charge.captured) == (
		"succeeded",
		5000,
		True,
		True,
	)
	assert charge.payment_method_details.card.last4 == "4242"
	assert (paid.customer_details.email, paid.customer_details.name) == ("ada@example.com", "Ada Lovelace")


def test_metadata_of_the_session_stays_there_and_the_payment_gets_its_own(
	client: stripe.StripeClient, open_session: OpenSession, submit: Submit
) -> None:
	bare = open_session(metadata={"topup": "T-1"})
	given = open_session(
		payment_intent_data={
			"metadata": {"topup": "T-2"},
			"description": "Top-up T-2",
			"receipt_email": "billing@example.com",
		}
	)
	for session in (bare, given):
		submit(session)
	assert retrieve(client, bare).payment_intent.metadata.to_dict() == {}
	intent = retrieve(client, given).payment_intent
	assert (intent.description, intent.receipt_email) == ("Top-up T-2", "billing@example.com")
	assert intent.metadata.to_dict() == intent.latest_charge.metadata.to_dict() == {"topup": "T-2"}
	assert retrieve(client, given).metadata.to_dict() == {}


@pytest.mark.parametrize(
	("number", "decline_code", "words"),
	[
		(GENERIC_DECLINE, "generic_decline", "Your card was declined."),
		(INSUFFICIENT_FUNDS, "insufficient_funds", "Your card has insufficient funds."),
		(VALID_BUT_NO_TEST_CARD, "test_mode_live_card", "knows only test cards"),
	],
)
def test_a_declined_card_leaves_the_session_open_and_says_why(
	number: str,
	decline_code: str,
	words: str,
	client: stripe.StripeClient,
	open_session: OpenSession,
	submit: Submit,
) -> None:
	session = open_session()
	answer = submit(session, number)
	assert answer.status_code == 402
	assert words in answer.text
	assert "You have not been charged" in answer.text
	assert f'value="{number}"' in answer.text

	declined = retrieve(client, session)
	intent = declined.payment_intent
	assert (declined.status, declined.payment_status) == ("open", "unpaid")
	assert (intent.status, intent.amount_received, intent.payment_method) == (
		"requires_payment_method",
		0,
		None,
	)
	assert (intent.last_payment_error.code, intent.last_payment_error.decline_code) == (
		"card_declined",
		decline_code,
	)
	assert (intent.latest_charge.status, intent.latest_charge.failure_code) == ("failed", "card_declined")


def test_the_next_try_after_a_decline_uses_the_same_payment_intent(
	client: stripe.StripeClient, receiver: Receiver, open_session: OpenSession, submit: Submit
) -> None:
	session = open_session()
	submit(session, INSUFFICIENT_FUNDS)
	declined = retrieve(client, session).payment_intent
	submit(session, GENERIC_DECLINE)
	submit(session)
	paid = retrieve(client, session).payment_intent
	assert paid.id == declined.id
	assert (paid.status, paid.last_payment_error) == ("succeeded", None)
	assert paid.latest_charge.id != declined.latest_charge.id
	receiver.wait_for("checkout.session.completed", "payment_intent.succeeded", "charge.succeeded")
	receiver.wait_until(lambda: len(receiver.received) == 9, "all events")
	assert sorted(receiver.types()) == [
		"charge.failed",
		"charge.failed",
		"charge.succeeded",
		"charge.updated",
		"checkout.session.completed",
		"payment_intent.created",
		"payment_intent.payment_failed",
		"payment_intent.payment_failed",
		"payment_intent.succeeded",
	]


def test_an_event_shows_the_object_as_it_was_then(
	receiver: Receiver, open_session: OpenSession, submit: Submit
) -> None:
	session = open_session()
	submit(session, INSUFFICIENT_FUNDS)
	submit(session)
	created, failed, succeeded = (
		received.event["data"]["object"]
		for received in receiver.wait_for(
			"payment_intent.created", "payment_intent.payment_failed", "payment_intent.succeeded"
		)
	)
	assert created["last_payment_error"] is None
	assert failed["last_payment_error"]["payment_method"]["card"]["last4"] == "9995"
	assert failed["amount_received"] == 0
	assert succeeded["amount_received"] == 5000


@pytest.mark.parametrize(
	("fields", "words"),
	[
		({"number": "4242 4242 4242 4241"}, "Your card number is invalid."),
		({"number": "4242"}, "Your card number is invalid."),
		({"number": "4242-4242-4242-424x"}, "Your card number is invalid."),
		({"expiry": "10 / 20"}, "Your card has expired."),
		({"expiry": "13 / 34"}, "Enter the expiry date"),
		({"cvc": "12"}, "security code is incomplete"),
		({"name": " "}, "Enter the name on your card."),
	],
)
def test_a_wrong_input_is_told_at_its_field_and_makes_no_payment_intent(
	fields: dict[str, str], words: str, client: stripe.StripeClient, open_session: OpenSession, submit: Submit
) -> None:
	session = open_session()
	answer = submit(session, **fields)
	assert answer.status_code == 422
	assert words in answer.text
	[name] = fields
	assert f'aria-invalid="true" aria-describedby="{name}-error" autofocus' in answer.text
	assert answer.text.count("aria-invalid") == 1
	assert client.v1.checkout.sessions.retrieve(session.id).payment_intent is None
	assert client.v1.events.list().data == []


@pytest.mark.parametrize("expiry", ["12/34", "12 / 34", "1234", "12/2034", "122034", "1/34"])
def test_an_expiry_date_is_understood_in_the_ways_people_write_it(
	expiry: str, open_session: OpenSession, submit: Submit
) -> None:
	assert submit(open_session(), expiry=expiry).status_code == 303


def test_an_email_is_asked_for_only_where_none_is_known(
	client: stripe.StripeClient, open_session: OpenSession, submit: Submit
) -> None:
	session = open_session(customer_email=None)
	assert submit(session).status_code == 422
	assert submit(session, email="bob@example.com").status_code == 303
	assert retrieve(client, session).customer_details.email == "bob@example.com"

	known = open_session()
	assert submit(known, email="mallory@example.com").status_code == 303
	assert retrieve(client, known).customer_details.email == "ada@example.com"


def test_a_double_submit_pays_once_and_both_go_to_the_success_page(
	client: stripe.StripeClient, open_session: OpenSession, submit: Submit
) -> None:
	session = open_session()
	with ThreadPoolExecutor(8) as pool:
		answers = list(pool.map(lambda _: submit(session), range(8)))
	assert {answer.status_code for answer in answers} == {303}
	assert len({answer.headers["Location"] for answer in answers}) == 1
	assert len(client.v1.charges.list().data) == 1
	assert len(client.v1.payment_intents.list().data) == 1


def test_customer_creation_always_makes_one_customer_at_the_first_submit(
	client: stripe.StripeClient, open_session: OpenSession, submit: Submit
) -> None:
	session = open_session(customer_creation="always")
	assert (session.customer_creation, session.customer) == ("always", None)
	submit(session, GENERIC_DECLINE)
	submit(session)
	[customer] = client.v1.customers.list().data
	paid = retrieve(client, session)
	assert (customer.name, customer.email) == ("Ada Lovelace", "ada@example.com")
	assert (
		paid.customer
		== paid.payment_intent.customer
		== paid.payment_intent.latest_charge.customer
		== customer.id
	)


def test_a_given_customer_is_charged_and_no_other_is_made(
	client: stripe.StripeClient, open_session: OpenSession, submit: Submit
) -> None:
	customer = client.v1.customers.create({"email": "bob@example.com"})
	session = open_session(customer=customer.id)
	submit(session)
	paid = retrieve(client, session)
	assert paid.customer == paid.payment_intent.customer == customer.id
	assert paid.customer_details.email == "bob@example.com"
	assert len(client.v1.customers.list().data) == 1


def test_without_customer_creation_no_customer_is_made(
	client: stripe.StripeClient, open_session: OpenSession, submit: Submit
) -> None:
	session = open_session()
	submit(session)
	assert (session.customer_creation, retrieve(client, session).customer) == ("if_required", None)
	assert client.v1.customers.list().data == []


def test_a_paid_session_shows_that_it_is_done_and_cannot_be_expired(
	client: stripe.StripeClient, simulator: Simulator, open_session: OpenSession, submit: Submit
) -> None:
	session = open_session()
	submit(session)
	page = requests.get(f"{simulator.url}/c/pay/{session.id}", timeout=10)
	assert page.status_code == 200
	assert "This payment is complete" in page.text
	assert f"topup/success?session={session.id}" in page.text
	assert "<form" not in page.text
	with pytest.raises(stripe.InvalidRequestError, match="status of `complete`"):
		client.v1.checkout.sessions.expire(session.id)


def test_an_expired_session_takes_no_money_and_cancels_its_payment_intent(
	client: stripe.StripeClient, receiver: Receiver, open_session: OpenSession, submit: Submit
) -> None:
	session = open_session()
	submit(session, GENERIC_DECLINE)
	expired = client.v1.checkout.sessions.expire(session.id)
	assert (expired.status, expired.payment_status, expired.url) == ("expired", "unpaid", None)
	answer = submit(session)
	assert answer.status_code == 410
	assert "This payment link has expired" in answer.text
	assert "topup/cancel" in answer.text
	assert retrieve(client, session).payment_intent.status == "canceled"
	[sent] = receiver.wait_for("checkout.session.expired")
	assert sent.event["data"]["object"]["status"] == "expired"


def test_a_session_expires_by_itself_when_its_time_is_over(
	client: stripe.StripeClient,
	receiver: Receiver,
	open_session: OpenSession,
	submit: Submit,
	control: Control,
) -> None:
	day, paid = open_session(), open_session()
	soon = open_session(expires_at=day.created + 1860)
	submit(paid)
	control("POST", "clock/advance", seconds=1861)
	assert submit(soon).status_code == 410
	assert retrieve(client, day).status == "open"
	control("POST", "clock/advance", seconds=24 * 60 * 60)
	assert retrieve(client, day).status == "expired"
	assert retrieve(client, paid).status == "complete"
	receiver.wait_until(lambda: receiver.types().count("checkout.session.expired") == 2, "two expired events")


def test_an_unknown_session_has_a_proper_page(simulator: Simulator) -> None:
	for method in ("GET", "POST"):
		page = requests.request(method, f"{simulator.url}/c/pay/cs_test_unknown", timeout=10)
		assert page.status_code == 404
		assert "There is nothing to pay here" in page.text


def test_a_card_is_saved_where_that_was_asked_for_and_pays_while_the_customer_is_away(
	client: stripe.StripeClient, open_session: OpenSession, submit: Submit, pay: Pay
) -> None:
	customer = client.v1.customers.create({"email": "ada@example.com"})
	submit(open_session(customer=customer.id))
	assert client.v1.payment_methods.list({"customer": customer.id}).data == []
	later = {"setup_future_usage": "off_session"}
	submit(open_session(customer=customer.id, payment_intent_data=later))
	[saved] = client.v1.payment_methods.list({"customer": customer.id}).data
	assert (saved.type, saved.card.last4) == ("card", "4242")
	assert pay(saved.id, customer=customer.id, off_session=True).status == "succeeded"
