"""Refunds: by API and in the dashboard, whole, in part, too much, late and failed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import stripe

from stripe_simulator.server import Simulator

from .conftest import Control, OpenSession, Pay, Submit
from .receiver import Receiver

DAY = 24 * 60 * 60


def refusal(client: stripe.StripeClient, **params: Any) -> stripe.InvalidRequestError:
	with pytest.raises(stripe.InvalidRequestError) as caught:
		client.v1.refunds.create(params)
	assert caught.value.http_status == 400
	return caught.value


def charge_of(client: stripe.StripeClient, intent: stripe.PaymentIntent) -> stripe.Charge:
	return client.v1.charges.retrieve(intent.latest_charge, {"expand": ["refunds"]})


def test_a_full_refund_returns_the_whole_charge(
	client: stripe.StripeClient, pay: Pay, receiver: Receiver
) -> None:
	intent = pay(metadata={"topup": "T-1"})
	refund = client.v1.refunds.create(
		{"payment_intent": intent.id, "reason": "requested_by_customer"}, {"idempotency_key": "R-1"}
	)
	assert (refund.amount, refund.currency, refund.status, refund.charge, refund.payment_intent) == (
		5000,
		"eur",
		"succeeded",
		intent.latest_charge,
		intent.id,
	)
	assert refund.metadata.to_dict() == {}
	charge = charge_of(client, intent)
	assert (charge.amount_refunded, charge.refunded, charge.status) == (5000, True, "succeeded")
	assert [listed.id for listed in charge.refunds.data] == [refund.id]
	created, refunded = receiver.wait_for("refund.created", "charge.refunded")
	assert created.event["request"]["idempotency_key"] == "R-1"
	assert refunded.event["data"]["object"]["amount_refunded"] == 5000
	assert refunded.event["data"]["previous_attributes"] == {"amount_refunded": 0, "refunded": False}


def test_parts_add_up_and_the_last_one_makes_the_charge_refunded(
	client: stripe.StripeClient, pay: Pay
) -> None:
	intent = pay()
	client.v1.refunds.create({"charge": intent.latest_charge, "amount": 2000})
	charge = charge_of(client, intent)
	assert (charge.amount_refunded, charge.refunded) == (2000, False)
	rest = client.v1.refunds.create({"charge": intent.latest_charge})
	assert rest.amount == 3000
	assert charge_of(client, intent).refunded is True


def test_more_than_is_left_is_refused_and_changes_nothing(client: stripe.StripeClient, pay: Pay) -> None:
	intent = pay()
	error = refusal(client, payment_intent=intent.id, amount=5001)
	assert "greater than charge amount (50.00 EUR)" in str(error)
	assert error.param == "amount"
	client.v1.refunds.create({"payment_intent": intent.id, "amount": 4000})
	error = refusal(client, payment_intent=intent.id, amount=1001)
	assert "greater than unrefunded amount on charge (10.00 EUR)" in str(error)
	assert charge_of(client, intent).amount_refunded == 4000
	client.v1.refunds.create({"payment_intent": intent.id, "amount": 1000})
	assert refusal(client, payment_intent=intent.id).code == "charge_already_refunded"
	assert len(client.v1.refunds.list().data) == 2


def test_many_refunds_at_once_return_no_more_than_was_paid(client: stripe.StripeClient, pay: Pay) -> None:
	intent = pay()

	def refund(_: int) -> bool:
		try:
			client.v1.refunds.create({"payment_intent": intent.id, "amount": 1000})
		except stripe.InvalidRequestError:
			return False
		return True

	with ThreadPoolExecutor(8) as pool:
		assert sum(pool.map(refund, range(8))) == 5
	assert charge_of(client, intent).amount_refunded == 5000


@pytest.mark.parametrize(
	("params", "code", "param"),
	[
		({}, None, None),
		({"charge": "ch_unknown"}, "resource_missing", "charge"),
		({"payment_intent": "pi_unknown"}, "resource_missing", "payment_intent"),
		({"charge": "ch_unknown", "amount": 0}, "parameter_invalid_integer", "amount"),
		({"charge": "ch_unknown", "amount": -1}, "parameter_invalid_integer", "amount"),
		({"charge": "ch_unknown", "reason": "boredom"}, None, "reason"),
		({"charge": "ch_unknown", "nonsense": 1}, "parameter_unknown", "nonsense"),
	],
)
def test_a_refund_with_a_wrong_parameter_is_refused_and_named(
	params: dict[str, Any], code: str | None, param: str | None, client: stripe.StripeClient
) -> None:
	error = refusal(client, **params)
	assert (error.code, error.param) == (code, param)


def test_what_was_never_paid_cannot_be_refunded(
	client: stripe.StripeClient, open_session: OpenSession, submit: Submit
) -> None:
	session = open_session()
	submit(session, "4000 0000 0000 0002")
	intent = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]}).payment_intent
	assert "does not have a successful charge" in str(refusal(client, payment_intent=intent.id))
	assert refusal(client, charge=intent.latest_charge).code == "charge_not_refundable"


def test_a_refund_of_an_amount_that_its_currency_is_not_paid_in_is_refused(
	client: stripe.StripeClient, pay: Pay
) -> None:
	intent = pay(currency="kwd")
	error = refusal(client, payment_intent=intent.id, amount=1234)
	assert (error.code, error.param) == ("invalid_charge_amount", "amount")
	assert client.v1.refunds.create({"payment_intent": intent.id, "amount": 1230}).amount == 1230
	assert charge_of(client, intent).amount_refunded == 1230


def test_a_refund_made_in_the_dashboard_is_told_by_webhooks_without_a_request(
	client: stripe.StripeClient, pay: Pay, control: Control, receiver: Receiver
) -> None:
	intent = pay()
	made = control("POST", "refunds", payment_intent=intent.id, amount=1500)
	created, refunded = receiver.wait_for("refund.created", "charge.refunded")
	assert created.event["data"]["object"]["id"] == made["id"]
	assert created.event["request"] == {"id": None, "idempotency_key": None}
	assert refunded.event["data"]["object"]["amount_refunded"] == 1500
	assert client.v1.refunds.retrieve(made["id"]).amount == 1500


def test_the_dashboard_is_refused_what_the_api_is_refused(
	simulator: Simulator, client: stripe.StripeClient, pay: Pay
) -> None:
	intent = pay()
	for form, words in (
		({"payment_intent": intent.id, "amount": 5001}, "greater than charge amount"),
		({"payment_intent": "pi_unknown"}, "No such payment_intent"),
		({"payment_intent": intent.id, "colour": "red"}, "unknown parameter"),
	):
		answer = requests.post(f"{simulator.url}/_simulator/refunds", data=form, timeout=10)
		assert answer.status_code == 400
		assert words in answer.json()["error"]
	assert client.v1.refunds.list().data == []


@pytest.mark.parametrize("first", ["pending", "succeeded"])
def test_a_refund_that_fails_later_gives_the_money_back_to_the_charge(
	first: str, client: stripe.StripeClient, pay: Pay, control: Control, receiver: Receiver
) -> None:
	intent = pay()
	refund = control("POST", "refunds", payment_intent=intent.id, status=first)
	assert refund["status"] == first
	control("POST", f"refunds/{refund['id']}/fail", reason="lost_or_stolen_card")
	failed = client.v1.refunds.retrieve(refund["id"], {"expand": ["failure_balance_transaction"]})
	assert (failed.status, failed.failure_reason) == ("failed", "lost_or_stolen_card")
	assert failed.failure_balance_transaction.amount == 5000
	charge = charge_of(client, intent)
	assert (charge.amount_refunded, charge.refunded) == (0, False)
	updated, event = receiver.wait_for("refund.updated", "refund.failed")
	assert updated.event["data"]["previous_attributes"]["status"] == first
	assert event.event["data"]["object"]["status"] == "failed"
	again = client.v1.refunds.create({"payment_intent": intent.id})
	assert (again.amount, again.status) == (5000, "succeeded")


def test_the_failing_test_card_fails_its_refunds_days_later(
	client: stripe.StripeClient, pay: Pay, control: Control, receiver: Receiver
) -> None:
	refund = client.v1.refunds.create({"payment_intent": pay("pm_card_refundFail").id})
	assert refund.status == "succeeded"
	control("POST", "clock/advance", seconds=5 * DAY)
	receiver.wait_for("refund.failed")
	assert client.v1.refunds.retrieve(refund.id).status == "failed"


def test_a_pending_refund_arrives_by_itself_or_when_it_is_told_to(
	client: stripe.StripeClient, pay: Pay, control: Control, receiver: Receiver
) -> None:
	slow = client.v1.refunds.create({"payment_intent": pay("pm_card_pendingRefund").id})
	told = control("POST", "refunds", payment_intent=pay().id, status="pending")
	assert slow.status == "pending"
	control("POST", f"refunds/{told['id']}/succeed")
	arrived = client.v1.refunds.retrieve(told["id"])
	assert (arrived.status, arrived.destination_details.card.reference_status) == ("succeeded", "available")
	assert client.v1.refunds.retrieve(slow.id).status == "pending"
	control("POST", "clock/advance", seconds=5 * DAY)
	assert client.v1.refunds.retrieve(slow.id).status == "succeeded"
	receiver.wait_until(lambda: receiver.types().count("refund.updated") == 2, "both updates")


def test_a_refund_that_ended_does_not_end_again(
	simulator: Simulator, client: stripe.StripeClient, pay: Pay, control: Control
) -> None:
	refund = control("POST", "refunds", payment_intent=pay().id, status="pending")
	control("POST", f"refunds/{refund['id']}/fail")
	for step in ("fail", "succeed"):
		answer = requests.post(f"{simulator.url}/_simulator/refunds/{refund['id']}/{step}", timeout=10)
		assert (answer.status_code, "status of failed" in answer.json()["error"]) == (400, True)
	with pytest.raises(stripe.InvalidRequestError):
		client.v1.refunds.cancel(refund["id"])


def test_a_refund_that_waits_for_the_customer_can_be_canceled(
	client: stripe.StripeClient, pay: Pay, control: Control, receiver: Receiver
) -> None:
	intent = pay()
	refund = control("POST", "refunds", payment_intent=intent.id, status="requires_action")
	assert client.v1.refunds.cancel(refund["id"]).status == "canceled"
	assert charge_of(client, intent).amount_refunded == 0
	receiver.wait_for("refund.updated")
	assert "refund.failed" not in receiver.types()


def test_metadata_can_be_changed_later(client: stripe.StripeClient, pay: Pay, receiver: Receiver) -> None:
	refund = client.v1.refunds.create({"payment_intent": pay().id, "metadata": {"a": "1", "b": "2"}})
	changed = client.v1.refunds.update(refund.id, {"metadata": {"b": "", "c": "3"}})
	assert changed.metadata.to_dict() == {"a": "1", "c": "3"}
	receiver.wait_for("refund.updated", "charge.refund.updated")


def test_refunds_are_listed_by_payment_time_and_page(
	client: stripe.StripeClient, pay: Pay, control: Control
) -> None:
	one, other = pay(), pay()
	early = [client.v1.refunds.create({"payment_intent": one.id, "amount": 100}) for _ in range(3)]
	control("POST", "clock/advance", seconds=DAY)
	late = client.v1.refunds.create({"payment_intent": other.id})
	ids = [refund.id for refund in [late, *reversed(early)]]
	first = client.v1.refunds.list({"limit": 2})
	assert ([refund.id for refund in first.data], first.has_more) == (ids[:2], True)
	assert [refund.id for refund in first.auto_paging_iter()] == ids
	for filters, expected in (
		({"payment_intent": one.id}, ids[1:]),
		({"charge": other.latest_charge}, ids[:1]),
		({"created": {"gte": late.created}}, ids[:1]),
		({"created": {"lt": late.created}}, ids[1:]),
		({"ending_before": ids[2]}, ids[:2]),
	):
		assert [refund.id for refund in client.v1.refunds.list(filters).data] == expected


@pytest.mark.parametrize("kind,unknown", [("payment_intent", "pi_unknown"), ("charge", "ch_unknown")])
def test_refunds_of_a_payment_that_does_not_exist_are_not_listed(
	client: stripe.StripeClient, kind: str, unknown: str
) -> None:
	with pytest.raises(stripe.InvalidRequestError) as caught:
		client.v1.refunds.list({kind: unknown})
	assert (caught.value.code, caught.value.param) == ("resource_missing", kind)


def test_the_same_key_refunds_once(client: stripe.StripeClient, pay: Pay) -> None:
	intent = pay()
	params = {"payment_intent": intent.id, "amount": 100}
	ids = {client.v1.refunds.create(params, {"idempotency_key": "R-1"}).id for _ in range(3)}
	assert len(ids) == 1
	assert charge_of(client, intent).amount_refunded == 100
