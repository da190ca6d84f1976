"""Money that a card's bank only holds, until it is captured or let go."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from .conftest import Control, Pay
from .receiver import Receiver

DAY = 24 * 60 * 60


def hold(pay: Pay, method: str = "pm_card_visa", **params: Any) -> stripe.PaymentIntent:
	return pay(method, capture_method="manual", **params)


def charge_of(client: stripe.StripeClient, intent: stripe.PaymentIntent) -> stripe.Charge:
	return client.v1.charges.retrieve(intent.latest_charge, {"expand": ["refunds"]})


def booked(client: stripe.StripeClient) -> list[tuple[str, int]]:
	return [(entry.type, entry.amount) for entry in client.v1.balance_transactions.list().data]


def test_what_is_held_moves_no_money_and_is_captured_later(
	client: stripe.StripeClient, pay: Pay, receiver: Receiver
) -> None:
	intent = hold(pay)
	assert (intent.status, intent.amount_capturable, intent.amount_received) == ("requires_capture", 5000, 0)
	[succeeded] = receiver.wait_for("charge.succeeded")
	receiver.wait_for("payment_intent.amount_capturable_updated")
	charge = succeeded.event["data"]["object"]
	assert (charge["paid"], charge["captured"], charge["amount_captured"]) == (True, False, 0)
	days_left = charge["payment_method_details"]["card"]["capture_before"] - charge["created"]
	assert (days_left, booked(client)) == (7 * DAY, [])

	paid = client.v1.payment_intents.capture(intent.id)
	assert (paid.status, paid.amount_capturable, paid.amount_received) == ("succeeded", 0, 5000)
	receiver.wait_for("charge.captured", "payment_intent.succeeded")
	assert booked(client) == [("charge", 5000)]
	with pytest.raises(stripe.InvalidRequestError) as again:
		client.v1.payment_intents.capture(intent.id)
	assert again.value.code == "payment_intent_unexpected_state"


def test_a_part_is_captured_and_the_rest_is_let_go(client: stripe.StripeClient, pay: Pay) -> None:
	intent = hold(pay)
	with pytest.raises(stripe.InvalidRequestError) as too_much:
		client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 5001})
	assert (too_much.value.code, too_much.value.param) == ("amount_too_large", "amount_to_capture")
	paid = client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 3000})
	charge = charge_of(client, paid)
	assert (paid.amount, paid.amount_received) == (5000, 3000)
	assert (charge.amount_captured, charge.amount_refunded, charge.refunded) == (3000, 2000, False)
	assert [(refund.amount, refund.balance_transaction) for refund in charge.refunds.data] == [(2000, None)]
	assert booked(client) == [("charge", 3000)]
	client.v1.refunds.create({"payment_intent": intent.id})
	assert (charge_of(client, paid).refunded, booked(client)[0]) == (True, ("refund", -3000))


def test_what_is_held_is_canceled_and_not_refunded(
	client: stripe.StripeClient, pay: Pay, receiver: Receiver
) -> None:
	intent = hold(pay)
	with pytest.raises(stripe.InvalidRequestError, match="You must cancel the PaymentIntent"):
		client.v1.refunds.create({"payment_intent": intent.id})
	canceled = client.v1.payment_intents.cancel(intent.id)
	assert (canceled.status, canceled.amount_capturable) == ("canceled", 0)
	charge = charge_of(client, intent)
	assert (charge.captured, charge.refunded, charge.amount_refunded) == (False, True, 5000)
	receiver.wait_for("refund.created", "charge.refunded", "payment_intent.canceled")
	assert booked(client) == []


def test_a_refund_that_only_let_go_cannot_fail(
	client: stripe.StripeClient, pay: Pay, control: Control
) -> None:
	client.v1.payment_intents.cancel(hold(pay).id)
	[refund] = client.v1.refunds.list().data
	with pytest.raises(Exception, match="400"):
		control("POST", f"refunds/{refund.id}/fail")
	assert booked(client) == []


def test_what_is_held_for_seven_days_is_let_go_by_itself(
	client: stripe.StripeClient, pay: Pay, control: Control, receiver: Receiver
) -> None:
	intent, captured = hold(pay), hold(pay)
	client.v1.payment_intents.capture(captured.id)
	control("POST", "clock/advance", seconds=7 * DAY)
	[canceled] = receiver.wait_for("payment_intent.canceled")
	receiver.wait_for("charge.expired")
	assert (canceled.event["data"]["object"]["id"], canceled.event["request"]["id"]) == (intent.id, None)
	assert client.v1.payment_intents.retrieve(intent.id).cancellation_reason == "automatic"
	assert client.v1.payment_intents.retrieve(captured.id).status == "succeeded"


def test_a_hold_is_disputed_only_after_it_was_captured(client: stripe.StripeClient, pay: Pay) -> None:
	intent = hold(pay, "pm_card_createDispute")
	assert client.v1.disputes.list().data == []
	client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1000})
	[dispute] = client.v1.disputes.list().data
	assert (dispute.charge, dispute.amount) == (intent.latest_charge, 1000)


def test_a_card_is_saved_when_its_money_is_held(client: stripe.StripeClient, pay: Pay) -> None:
	customer = client.v1.customers.create()
	intent = hold(pay, customer=customer.id, setup_future_usage="off_session")
	[saved] = client.v1.payment_methods.list({"customer": customer.id}).data
	assert saved.id == intent.payment_method


def test_automatic_capture_books_at_once(client: stripe.StripeClient, pay: Pay, receiver: Receiver) -> None:
	intent = pay(capture_method="automatic")
	[succeeded] = receiver.wait_for("charge.succeeded")
	assert succeeded.event["data"]["object"]["balance_transaction"]
	assert client.v1.events.list({"type": "charge.updated"}).data == []
	assert intent.capture_method == "automatic"
