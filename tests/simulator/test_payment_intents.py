"""PaymentIntents by API: confirmed with the customer there or away, declined, canceled."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import stripe

from stripe_simulator.server import Simulator

from .conftest import SECRET_KEY, Control, OpenSession, Pay, Submit
from .receiver import Receiver

NO_REDIRECTS = {"enabled": True, "allow_redirects": "never"}


def saved_card(client: stripe.StripeClient, token: str) -> tuple[str, str]:
	customer = client.v1.customers.create()
	method = client.v1.payment_methods.attach(token, {"customer": customer.id})
	return customer.id, method.id


def create(client: stripe.StripeClient, **params: Any) -> stripe.PaymentIntent:
	defaults = {"amount": 5000, "currency": "eur", "automatic_payment_methods": NO_REDIRECTS}
	return client.v1.payment_intents.create({**defaults, **params})


def refusal(call: Any, *arguments: Any) -> stripe.InvalidRequestError:
	with pytest.raises(stripe.InvalidRequestError) as caught:
		call(*arguments)
	return caught.value


def test_a_saved_card_pays_while_the_customer_is_away(client: stripe.StripeClient, pay: Pay) -> None:
	customer, method = saved_card(client, "pm_card_visa")
	intent = pay(method, customer=customer, off_session=True, metadata={"topup": "T-1"})
	assert (intent.status, intent.amount_received, intent.customer) == ("succeeded", 5000, customer)
	charge = client.v1.charges.retrieve(intent.latest_charge)
	assert (charge.paid, charge.payment_method, charge.metadata.to_dict()) == (True, method, {"topup": "T-1"})


def test_a_decline_is_402_with_the_intent_and_the_same_intent_can_be_paid_later(
	client: stripe.StripeClient, pay: Pay, receiver: Receiver
) -> None:
	with pytest.raises(stripe.CardError) as caught:
		pay("pm_card_chargeDeclinedInsufficientFunds")
	error = caught.value
	assert (error.http_status, error.code, error.error.decline_code) == (
		402,
		"card_declined",
		"insufficient_funds",
	)
	intent = client.v1.payment_intents.retrieve(error.error.payment_intent.id)
	assert (intent.status, intent.latest_charge) == ("requires_payment_method", error.error.charge)
	receiver.wait_for("payment_intent.payment_failed", "charge.failed")
	paid = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
	assert (paid.status, paid.last_payment_error) == ("succeeded", None)


def test_a_card_that_must_be_authenticated_is_declined_while_the_customer_is_away(
	client: stripe.StripeClient, pay: Pay
) -> None:
	customer, method = saved_card(client, "pm_card_authenticationRequired")
	with pytest.raises(stripe.CardError) as caught:
		pay(method, customer=customer, off_session=True)
	assert (caught.value.code, caught.value.error.decline_code) == (
		"authentication_required",
		"authentication_required",
	)
	assert client.v1.charges.retrieve(caught.value.error.charge).status == "failed"
	intent = client.v1.payment_intents.confirm(
		caught.value.error.payment_intent.id, {"payment_method": method}
	)
	assert intent.status == "requires_action"


@pytest.mark.parametrize(
	("outcome", "status", "code"),
	[
		("passed", "succeeded", None),
		("refused", "requires_payment_method", "payment_intent_authentication_failure"),
	],
)
def test_the_customer_passes_or_refuses_authentication_and_comes_back(
	outcome: str, status: str, code: str | None, client: stripe.StripeClient, pay: Pay, receiver: Receiver
) -> None:
	intent = pay("pm_card_threeDSecure2Required", return_url="http://prepaid.localhost:8000/back?a=b")
	assert (intent.status, intent.next_action.type) == ("requires_action", "redirect_to_url")
	receiver.wait_for("payment_intent.requires_action")
	url = intent.next_action.redirect_to_url.url
	assert "€50.00" in requests.get(url, timeout=10).text
	answer = {"passed": "confirm", "refused": "refuse"}[outcome]
	back = requests.post(url, data={"answer": answer}, timeout=10, allow_redirects=False)
	expected = "succeeded" if outcome == "passed" else "failed"
	assert back.headers["Location"].startswith("http://prepaid.localhost:8000/back?a=b&payment_intent=pi_")
	assert back.headers["Location"].endswith(f"&redirect_status={expected}")
	intent = client.v1.payment_intents.retrieve(intent.id)
	assert (intent.status, intent.last_payment_error and intent.last_payment_error.code) == (status, code)
	assert requests.get(url, timeout=10).status_code == 404
	charges = client.v1.charges.list({"payment_intent": intent.id, "expand": ["data.payment_intent"]}).data
	assert [charge.paid for charge in charges] == ([True] if outcome == "passed" else [])
	for charge in charges:
		assert charge.payment_method_details.card.three_d_secure.result == "authenticated"


def test_authentication_is_answered_by_control_too_and_only_once(
	client: stripe.StripeClient, simulator: Simulator, pay: Pay, control: Control
) -> None:
	intent = pay("pm_card_threeDSecure2Required")
	page = requests.get(intent.next_action.redirect_to_url.url, timeout=10)
	assert page.status_code == 200
	path = f"payment_intents/{intent.id}/authenticate"
	assert control("POST", path, outcome="passed")["status"] == "succeeded"
	again = requests.post(f"{simulator.url}/_simulator/{path}", data={"outcome": "passed"}, timeout=10)
	assert (again.status_code, len(client.v1.charges.list().data)) == (400, 1)
	nowhere_to_go = requests.post(page.url, data={"answer": "confirm"}, timeout=10)
	assert nowhere_to_go.status_code == 404


def test_a_card_set_up_for_later_is_asked_for_once_and_never_again_while_away(
	client: stripe.StripeClient, pay: Pay, control: Control, receiver: Receiver
) -> None:
	customer = client.v1.customers.create()
	first = pay(
		"pm_card_authenticationRequiredOnSetup", customer=customer.id, setup_future_usage="off_session"
	)
	assert first.status == "requires_action"
	control("POST", f"payment_intents/{first.id}/authenticate", outcome="passed")
	[attached] = receiver.wait_for("payment_method.attached")
	method = attached.event["data"]["object"]["id"]
	assert pay(method, customer=customer.id, off_session=True).status == "succeeded"
	assert pay(method, customer=customer.id).status == "requires_action"

	fresh = client.v1.customers.create()
	other = client.v1.payment_methods.attach("pm_card_authenticationRequiredOnSetup", {"customer": fresh.id})
	with pytest.raises(stripe.CardError, match="requires authentication"):
		pay(other.id, customer=fresh.id, off_session=True)


def test_an_intent_goes_through_its_states_one_request_at_a_time(client: stripe.StripeClient) -> None:
	intent = create(client)
	assert intent.status == "requires_payment_method"
	assert "missing a payment method" in str(refusal(client.v1.payment_intents.confirm, intent.id))
	changed = client.v1.payment_intents.update(
		intent.id, {"amount": 700, "payment_method": "pm_card_visa", "metadata": {"a": "1"}}
	)
	assert (changed.status, changed.amount) == ("requires_confirmation", 700)
	paid = client.v1.payment_intents.confirm(intent.id)
	assert (paid.status, paid.amount_received, paid.metadata.to_dict()) == ("succeeded", 700, {"a": "1"})
	for call in (client.v1.payment_intents.confirm, client.v1.payment_intents.cancel):
		error = refusal(call, intent.id)
		assert (error.http_status, error.code) == (400, "payment_intent_unexpected_state")
	assert refusal(client.v1.payment_intents.update, intent.id, {"amount": 800}).http_status == 400


def test_a_canceled_intent_can_no_longer_be_paid(client: stripe.StripeClient, receiver: Receiver) -> None:
	intent = create(client, payment_method="pm_card_visa")
	canceled = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "duplicate"})
	assert (canceled.status, canceled.cancellation_reason) == ("canceled", "duplicate")
	receiver.wait_for("payment_intent.canceled")
	assert "has already been canceled" in str(refusal(client.v1.payment_intents.confirm, intent.id))
	assert client.v1.charges.list().data == []


def test_an_intent_of_checkout_is_for_checkout_alone(
	client: stripe.StripeClient, open_session: OpenSession, submit: Submit
) -> None:
	session = open_session()
	submit(session, "4000 0000 0000 0002")
	intent = client.v1.checkout.sessions.retrieve(session.id).payment_intent
	for call in (client.v1.payment_intents.confirm, client.v1.payment_intents.cancel):
		assert "created by Checkout" in str(refusal(call, intent))
	assert submit(session).status_code == 303


@pytest.mark.parametrize(
	("params", "code", "param"),
	[
		({"amount": 49}, "amount_too_small", "amount"),
		({"amount": "12.5"}, "parameter_invalid_integer", "amount"),
		({"amount": 100_000_000}, "parameter_invalid_integer", "amount"),
		({"customer": "cus_unknown"}, "resource_missing", "customer"),
		({"payment_method": "pm_unknown"}, "resource_missing", "payment_method"),
		({"off_session": True}, None, "off_session"),
		({"nonsense": 1}, "parameter_unknown", "nonsense"),
		(
			{"payment_method_types": ["card"]},
			"payment_method_types_no_longer_supported",
			"payment_method_types",
		),
		({"capture_method": "tomorrow"}, None, "capture_method"),
		(
			{"capture_method": "manual", "allowed_payment_method_types": ["sepa_debit"]},
			None,
			"capture_method",
		),
		(
			{
				"confirm": True,
				"payment_method": "pm_card_visa",
				"automatic_payment_methods": {"enabled": True},
			},
			None,
			"return_url",
		),
		(
			{"currency": "usd", "allowed_payment_method_types": ["sepa_debit"]},
			None,
			"allowed_payment_method_types",
		),
	],
)
def test_an_intent_with_a_wrong_parameter_is_refused_and_named(
	params: dict[str, Any], code: str | None, param: str, client: stripe.StripeClient
) -> None:
	with pytest.raises(stripe.InvalidRequestError) as caught:
		create(client, **params)
	assert (caught.value.http_status, caught.value.code, caught.value.param) == (400, code, param)
	assert client.v1.payment_intents.list().data == client.v1.events.list().data == []


def test_a_method_that_is_anothers_or_of_another_kind_is_refused(client: stripe.StripeClient) -> None:
	_, method = saved_card(client, "pm_card_visa")
	stranger = client.v1.customers.create()
	for params in (
		{"payment_method": method},
		{"payment_method": method, "customer": stranger.id},
		{"payment_method": "pm_card_visa", "allowed_payment_method_types": ["sepa_debit"]},
	):
		with pytest.raises(stripe.InvalidRequestError) as caught:
			create(client, **params)
		assert caught.value.param == "payment_method"
	assert client.v1.payment_intents.list().data == []


def test_payment_method_types_are_taken_from_requests_of_before_endive_only(simulator: Simulator) -> None:
	data = {"amount": "5000", "currency": "eur", "payment_method_types[]": "card"}
	statuses = {}
	for version in ("2026-08-26.dahlia", "2026-09-30.endive", ""):
		headers = {"Authorization": f"Bearer {SECRET_KEY}"} | ({"Stripe-Version": version} if version else {})
		answer = requests.post(f"{simulator.url}/v1/payment_intents", data=data, headers=headers, timeout=10)
		statuses[version] = answer.status_code
	assert statuses == {"2026-08-26.dahlia": 200, "2026-09-30.endive": 400, "": 200}
