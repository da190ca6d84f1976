"""Bank debits: Checkout is complete at once and paid, or not, days later."""

from __future__ import annotations

import pytest
import requests
import stripe

from stripe_simulator.server import Simulator

from .conftest import Control, OpenSession, Submit
from .receiver import Receiver

PAYS = "DE89 3704 0044 0532 0130 00"
FAILS = "DE62 3704 0044 0532 0130 01"
DISPUTED = "DE35 3704 0044 0532 0130 02"
FIVE_DAYS = 5 * 24 * 60 * 60


def debit(submit: Submit, session: stripe.checkout.Session, iban: str = PAYS) -> requests.Response:
	return submit(session, "", method="sepa_debit", iban=iban)


def retrieve(client: stripe.StripeClient, session: stripe.checkout.Session) -> stripe.checkout.Session:
	return client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})


def state_of(session: stripe.checkout.Session) -> tuple[str | None, str, str, str]:
	intent = session.payment_intent
	return session.status, session.payment_status, intent.status, intent.latest_charge.status


def test_a_debit_completes_the_session_unpaid_and_the_customer_goes_on(
	client: stripe.StripeClient, open_session: OpenSession, submit: Submit, receiver: Receiver
) -> None:
	session = open_session()
	answer = debit(submit, session)
	assert (answer.status_code, answer.headers["Location"]) == (
		303,
		f"http://prepaid.localhost:8000/topup/success?session={session.id}",
	)
	found = retrieve(client, session)
	assert state_of(found) == ("complete", "unpaid", "processing", "pending")
	assert (found.payment_intent.amount_received, found.payment_intent.latest_charge.paid) == (0, False)
	assert found.payment_intent.latest_charge.id.startswith("py_")
	[completed, *_] = receiver.wait_for(
		"checkout.session.completed", "payment_intent.processing", "charge.pending"
	)
	assert completed.event["data"]["object"]["payment_status"] == "unpaid"


@pytest.mark.parametrize(
	("iban", "outcome", "state"),
	[
		(PAYS, "succeeded", ("complete", "paid", "succeeded", "succeeded")),
		(FAILS, "failed", ("complete", "unpaid", "requires_payment_method", "failed")),
	],
)
def test_time_decides_a_debit_at_its_own_moment(
	iban: str,
	outcome: str,
	state: tuple[str, str, str, str],
	client: stripe.StripeClient,
	open_session: OpenSession,
	submit: Submit,
	control: Control,
	receiver: Receiver,
) -> None:
	session = open_session()
	debit(submit, session, iban)
	submitted = control("GET", "health")["now"]
	control("POST", "clock/advance", seconds=FIVE_DAYS - 60)
	assert state_of(retrieve(client, session)) == ("complete", "unpaid", "processing", "pending")
	control("POST", "clock/advance", seconds=10 * FIVE_DAYS)
	[settled] = receiver.wait_for(f"checkout.session.async_payment_{outcome}")
	assert state_of(retrieve(client, session)) == state
	assert abs(settled.event["created"] - submitted - FIVE_DAYS) <= 5
	assert settled.event["request"] == {"id": None, "idempotency_key": None}


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_a_test_decides_a_debit_once_and_time_no_longer_does(
	outcome: str,
	client: stripe.StripeClient,
	simulator: Simulator,
	open_session: OpenSession,
	submit: Submit,
	control: Control,
	receiver: Receiver,
) -> None:
	session = open_session()
	debit(submit, session, FAILS if outcome == "succeeded" else PAYS)
	intent = retrieve(client, session).payment_intent.id
	control("POST", f"payment_intents/{intent}/settle", outcome=outcome)
	receiver.wait_for(f"checkout.session.async_payment_{outcome}")
	again = requests.post(
		f"{simulator.url}/_simulator/payment_intents/{intent}/settle", data={"outcome": outcome}, timeout=10
	)
	assert again.status_code == 400
	before = state_of(retrieve(client, session))
	control("POST", "clock/advance", seconds=2 * FIVE_DAYS)
	assert state_of(retrieve(client, session)) == before
	types = [event.type for event in client.v1.events.list({"limit": 100}).data]
	assert sum(type.startswith("checkout.session.async") for type in types) == 1


def test_a_settled_debit_is_booked_with_its_fee(
	client: stripe.StripeClient, open_session: OpenSession, submit: Submit, control: Control
) -> None:
	session = open_session()
	debit(submit, session)
	charge = retrieve(client, session).payment_intent.latest_charge
	assert charge.balance_transaction is None
	control("POST", f"payment_intents/{charge.payment_intent}/settle", outcome="succeeded")
	charge = client.v1.charges.retrieve(charge.id, {"expand": ["balance_transaction"]})
	booked = charge.balance_transaction
	assert (booked.amount, booked.fee, booked.net, booked.type) == (5000, 35, 4965, "payment")


def test_a_debit_may_be_disputed_after_it_was_paid(
	open_session: OpenSession, submit: Submit, control: Control, receiver: Receiver
) -> None:
	debit(submit, open_session(), DISPUTED)
	control("POST", "clock/advance", seconds=FIVE_DAYS)
	[dispute, _] = receiver.wait_for("charge.dispute.created", "checkout.session.async_payment_succeeded")
	assert dispute.event["data"]["object"]["reason"] == "debit_not_authorized"


@pytest.mark.parametrize(
	("fields", "words"),
	[
		({"iban": "DE89370400440532013001"}, "Your IBAN is invalid."),
		({"iban": ""}, "Your IBAN is invalid."),
		({"name": " "}, "Enter the name of the account"),
	],
)
def test_a_wrong_input_is_told_at_its_field(
	fields: dict[str, str], words: str, client: stripe.StripeClient, open_session: OpenSession, submit: Submit
) -> None:
	session = open_session()
	answer = submit(session, "", **({"method": "sepa_debit", "iban": PAYS} | fields))
	assert (answer.status_code, words in answer.text) == (422, True)
	assert 'value="sepa_debit" checked' in answer.text
	assert client.v1.checkout.sessions.retrieve(session.id).payment_intent is None


def test_a_session_that_takes_cards_only_takes_no_debit(
	client: stripe.StripeClient, open_session: OpenSession, submit: Submit
) -> None:
	session = open_session(allowed_payment_method_types=["card"])
	assert debit(submit, session).status_code == 422
	assert client.v1.checkout.sessions.retrieve(session.id).status == "open"


def test_a_refund_of_a_debit_takes_days(
	client: stripe.StripeClient,
	open_session: OpenSession,
	submit: Submit,
	control: Control,
	receiver: Receiver,
) -> None:
	session = open_session()
	debit(submit, session)
	control("POST", "clock/advance", seconds=FIVE_DAYS)
	refund = client.v1.refunds.create({"payment_intent": retrieve(client, session).payment_intent.id})
	assert refund.status == "pending"
	control("POST", "clock/advance", seconds=FIVE_DAYS)
	receiver.wait_for("refund.updated")
	assert client.v1.refunds.retrieve(refund.id).status == "succeeded"


def test_the_time_of_an_earlier_debit_does_not_decide_a_later_one(
	client: stripe.StripeClient, control: Control
) -> None:
	intent = client.v1.payment_intents.create(
		{"amount": 5000, "currency": "eur", "allowed_payment_method_types": ["sepa_debit"]}
	)

	def confirm() -> None:
		method = client.v1.payment_methods.create(
			{
				"type": "sepa_debit",
				"sepa_debit": {"iban": PAYS},
				"billing_details": {"name": "Ada", "email": "ada@example.com"},
			}
		)
		assert (
			client.v1.payment_intents.confirm(intent.id, {"payment_method": method.id}).status == "processing"
		)

	confirm()
	control("POST", f"payment_intents/{intent.id}/settle", outcome="failed")
	control("POST", "clock/advance", seconds=FIVE_DAYS - 60)
	confirm()
	control("POST", "clock/advance", seconds=FIVE_DAYS - 60)
	assert client.v1.payment_intents.retrieve(intent.id).status == "processing"
	control("POST", "clock/advance", seconds=120)
	assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"
