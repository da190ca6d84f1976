"""Payment methods: test tokens, bank accounts, and who they belong to."""

from __future__ import annotations

import pytest
import stripe

from .receiver import Receiver


@pytest.fixture
def customer(client: stripe.StripeClient) -> stripe.Customer:
	return client.v1.customers.create({"email": "ada@example.com"})


def test_a_token_makes_a_card_that_is_attached_listed_and_detached(
	client: stripe.StripeClient, customer: stripe.Customer, receiver: Receiver
) -> None:
	method = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_mastercard"}})
	assert (method.card.brand, method.card.last4, method.customer) == ("mastercard", "4444", None)
	assert client.v1.payment_methods.attach(method.id, {"customer": customer.id}).customer == customer.id
	assert [m.id for m in client.v1.payment_methods.list({"customer": customer.id}).data] == [method.id]
	assert [m.id for m in client.v1.customers.payment_methods.list(customer.id).data] == [method.id]
	assert client.v1.customers.payment_methods.list(customer.id, {"type": "sepa_debit"}).data == []
	assert client.v1.customers.payment_methods.retrieve(customer.id, method.id).id == method.id
	assert client.v1.payment_methods.detach(method.id).customer is None
	assert client.v1.payment_methods.list({"customer": customer.id}).data == []
	attached, detached = receiver.wait_for("payment_method.attached", "payment_method.detached")
	assert attached.event["data"]["object"]["customer"] == customer.id
	assert detached.event["data"]["previous_attributes"] == {"customer": customer.id}


def test_a_test_method_is_a_new_one_at_each_use(
	client: stripe.StripeClient, customer: stripe.Customer
) -> None:
	first, second = (
		client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id}) for _ in range(2)
	)
	assert first.id != second.id
	assert first.card.fingerprint == second.card.fingerprint


def test_a_card_of_another_customer_is_not_taken_over(
	client: stripe.StripeClient, customer: stripe.Customer
) -> None:
	method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
	other = client.v1.customers.create()
	with pytest.raises(stripe.InvalidRequestError, match="already been attached"):
		client.v1.payment_methods.attach(method.id, {"customer": other.id})
	with pytest.raises(stripe.InvalidRequestError):
		client.v1.customers.payment_methods.retrieve(other.id, method.id)


def test_a_card_that_declines_cannot_be_attached_but_one_that_declines_later_can(
	client: stripe.StripeClient, customer: stripe.Customer
) -> None:
	with pytest.raises(stripe.CardError) as caught:
		client.v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": customer.id})
	assert (caught.value.http_status, caught.value.code) == (402, "card_declined")
	assert client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id}).id
	assert len(client.v1.payment_methods.list({"customer": customer.id}).data) == 1


def test_a_bank_account_needs_a_valid_iban_a_name_and_an_address(client: stripe.StripeClient) -> None:
	billing = {"name": "Ada", "email": "ada@example.com"}

	def create(iban: str, billing_details: dict[str, str]) -> stripe.PaymentMethod:
		return client.v1.payment_methods.create(
			{"type": "sepa_debit", "sepa_debit": {"iban": iban}, "billing_details": billing_details}
		)

	account = create("de89 3704 0044 0532 0130 00", billing).sepa_debit
	assert (account.country, account.bank_code, account.last4) == ("DE", "37040044", "3000")
	for iban, details, param in (
		("DE89370400440532013001", billing, "sepa_debit[iban]"),
		("DE89", billing, "sepa_debit[iban]"),
		("DE89370400440532013000", {"name": "Ada"}, "billing_details[email]"),
		("DE89370400440532013000", {"email": "ada@example.com"}, "billing_details[name]"),
	):
		with pytest.raises(stripe.InvalidRequestError) as caught:
			create(iban, details)
		assert caught.value.param == param


@pytest.mark.parametrize(
	("params", "param"),
	[
		({"type": "card"}, "card"),
		({"type": "card", "card": {"token": "tok_unknown"}}, "card[token]"),
		({"type": "card", "card": {"number": "4242424242424242"}}, "card[number]"),
		({"type": "ideal"}, "type"),
	],
)
def test_a_method_with_a_wrong_parameter_is_refused_and_named(
	params: dict[str, object], param: str, client: stripe.StripeClient
) -> None:
	with pytest.raises(stripe.InvalidRequestError) as caught:
		client.v1.payment_methods.create(params)
	assert caught.value.param == param
