"""A card or an account made ready for payments while the customer is away."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
import stripe

from .conftest import Control, Pay
from .receiver import Receiver

NO_REDIRECTS = {"enabled": True, "allow_redirects": "never"}
ASKS = "pm_card_authenticationRequiredOnSetup"


def create(client: stripe.StripeClient, **params: Any) -> stripe.SetupIntent:
	return client.v1.setup_intents.create({"automatic_payment_methods": NO_REDIRECTS, **params})


def test_a_card_is_set_up_attached_and_pays_while_the_customer_is_away(
	client: stripe.StripeClient, pay: Pay, receiver: Receiver
) -> None:
	customer = client.v1.customers.create()
	intent = create(client, customer=customer.id, metadata={"company": "Nordlicht"})
	assert (intent.status, intent.usage, intent.payment_method) == (
		"requires_payment_method",
		"off_session",
		None,
	)
	done = client.v1.setup_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
	assert (done.status, done.last_setup_error, done.metadata.to_dict()) == (
		"succeeded",
		None,
		{"company": "Nordlicht"},
	)
	receiver.wait_for("setup_intent.created", "payment_method.attached", "setup_intent.succeeded")
	[saved] = client.v1.payment_methods.list({"customer": customer.id}).data
	assert saved.id == done.payment_method
	assert pay(saved.id, customer=customer.id, off_session=True).status == "succeeded"


def test_an_account_is_set_up_with_a_mandate(client: stripe.StripeClient) -> None:
	method = client.v1.payment_methods.create(
		{
			"type": "sepa_debit",
			"sepa_debit": {"iban": "DE89370400440532013000"},
			"billing_details": {"name": "Ada", "email": "ada@example.com"},
		}
	)
	intent = create(client, payment_method=method.id, confirm=True)
	assert (intent.status, intent.mandate.startswith("mandate_")) == ("succeeded", True)


@pytest.mark.parametrize("by", ["page", "control"])
def test_a_card_that_asks_is_authenticated_once_and_never_again_while_away(
	by: str, client: stripe.StripeClient, pay: Pay, control: Control, receiver: Receiver
) -> None:
	customer = client.v1.customers.create()
	back = "http://prepaid.localhost:8000/back"
	intent = create(client, customer=customer.id, payment_method=ASKS, confirm=True, return_url=back)
	assert intent.status == "requires_action"
	receiver.wait_for("setup_intent.requires_action")
	assert client.v1.payment_methods.list({"customer": customer.id}).data == []
	if by == "control":
		done = control("POST", f"setup_intents/{intent.id}/authenticate", outcome="passed")
		assert done["status"] == "succeeded"
	else:
		url = intent.next_action.redirect_to_url.url
		assert "wants to keep your card for later payments" in requests.get(url, timeout=10).text
		sent = requests.post(url, data={"answer": "confirm"}, timeout=10, allow_redirects=False)
		assert sent.headers["Location"].startswith(
			f"{back}?setup_intent={intent.id}&setup_intent_client_secret="
		)
		assert sent.headers["Location"].endswith("&redirect_status=succeeded")
		assert requests.get(url, timeout=10).status_code == 404
	method = client.v1.setup_intents.retrieve(intent.id).payment_method
	assert pay(method, customer=customer.id, off_session=True).status == "succeeded"


def test_a_card_set_up_for_later_with_the_customer_there_is_still_asked_while_away(
	client: stripe.StripeClient, pay: Pay, control: Control
) -> None:
	customer = client.v1.customers.create()
	intent = create(client, customer=customer.id, payment_method=ASKS, confirm=True, usage="on_session")
	control("POST", f"setup_intents/{intent.id}/authenticate", outcome="passed")
	method = client.v1.setup_intents.retrieve(intent.id).payment_method
	with pytest.raises(stripe.CardError, match="requires authentication"):
		pay(method, customer=customer.id, off_session=True)


def test_a_customer_who_refuses_can_try_again_with_another_card(
	client: stripe.StripeClient, control: Control, receiver: Receiver
) -> None:
	intent = create(client, payment_method="pm_card_threeDSecure2Required", confirm=True)
	control("POST", f"setup_intents/{intent.id}/authenticate", outcome="refused")
	[failed] = receiver.wait_for("setup_intent.setup_failed")
	error = failed.event["data"]["object"]["last_setup_error"]
	assert error["code"] == "setup_intent_authentication_failure"
	done = client.v1.setup_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
	assert (done.status, done.last_setup_error) == ("succeeded", None)


def test_a_card_that_declines_is_402_with_the_intent_and_is_not_attached(
	client: stripe.StripeClient, receiver: Receiver
) -> None:
	customer = client.v1.customers.create()
	with pytest.raises(stripe.CardError) as caught:
		create(client, customer=customer.id, payment_method="pm_card_chargeDeclined", confirm=True)
	error = caught.value
	assert (error.http_status, error.code, error.error.decline_code) == (
		402,
		"card_declined",
		"generic_decline",
	)
	intent = client.v1.setup_intents.retrieve(error.error.setup_intent.id)
	assert (intent.status, intent.last_setup_error.code) == ("requires_payment_method", "card_declined")
	receiver.wait_for("setup_intent.setup_failed")
	assert client.v1.payment_methods.list({"customer": customer.id}).data == []


def test_a_card_that_attaches_and_then_declines_is_set_up(client: stripe.StripeClient) -> None:
	customer = client.v1.customers.create()
	intent = create(client, customer=customer.id, payment_method="pm_card_chargeCustomerFail", confirm=True)
	assert intent.status == "succeeded"


def test_intents_are_listed_by_customer_and_by_method(client: stripe.StripeClient) -> None:
	customer = client.v1.customers.create()
	first = create(client, customer=customer.id, payment_method="pm_card_visa", confirm=True)
	second = create(client)
	for filters, expected in (
		({}, [second.id, first.id]),
		({"customer": customer.id}, [first.id]),
		({"payment_method": first.payment_method}, [first.id]),
	):
		assert [intent.id for intent in client.v1.setup_intents.list(filters).data] == expected


def test_an_intent_that_is_done_or_has_no_method_cannot_be_confirmed(client: stripe.StripeClient) -> None:
	done = create(client, payment_method="pm_card_visa", confirm=True)
	for intent, reason in ((done, "has already succeeded"), (create(client), "missing a payment method")):
		with pytest.raises(stripe.InvalidRequestError, match=reason) as caught:
			client.v1.setup_intents.confirm(intent.id)
		assert caught.value.code == "setup_intent_unexpected_state"
		assert json.loads(caught.value.http_body)["error"]["setup_intent"]["id"] == intent.id


@pytest.mark.parametrize(
	("params", "code", "param"),
	[
		({"customer": "cus_unknown"}, "resource_missing", "customer"),
		({"payment_method": "pm_unknown"}, "resource_missing", "payment_method"),
		({"return_url": "http://127.0.0.1/"}, None, "return_url"),
		({"usage": "sometimes"}, None, "usage"),
		({"amount": 100}, "parameter_unknown", "amount"),
		(
			{"payment_method_types": ["card"]},
			"payment_method_types_no_longer_supported",
			"payment_method_types",
		),
		(
			{"payment_method": "pm_card_visa", "allowed_payment_method_types": ["sepa_debit"]},
			"setup_intent_invalid_parameter",
			"payment_method",
		),
		(
			{
				"automatic_payment_methods": {"enabled": True},
				"confirm": True,
				"payment_method": "pm_card_visa",
			},
			None,
			"return_url",
		),
	],
)
def test_an_intent_with_a_wrong_parameter_is_refused_and_named(
	params: dict[str, Any], code: str | None, param: str, client: stripe.StripeClient
) -> None:
	with pytest.raises(stripe.InvalidRequestError) as caught:
		create(client, **params)
	assert (caught.value.http_status, caught.value.code, caught.value.param) == (400, code, param)
	assert client.v1.setup_intents.list().data == client.v1.events.list().data == []
