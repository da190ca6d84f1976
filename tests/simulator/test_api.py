"""Who may ask, what may be sent, and how the API says no."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests
import stripe

from stripe_simulator import API_VERSION
from stripe_simulator.server import Simulator

from .conftest import SECRET_KEY, OpenSession


def client_with(key: str, simulator: Simulator) -> stripe.StripeClient:
	return stripe.StripeClient(key, base_addresses={"api": simulator.url})


def refusal(call: Any, *arguments: Any, **named: Any) -> stripe.InvalidRequestError:
	with pytest.raises(stripe.InvalidRequestError) as caught:
		call(*arguments, **named)
	return caught.value


def test_the_library_and_the_simulator_speak_the_same_version(client: stripe.StripeClient) -> None:
	customer = client.v1.customers.create()
	assert stripe.api_version == API_VERSION
	assert customer.last_response.headers["Stripe-Version"] == API_VERSION


def test_every_answer_has_a_request_id(client: stripe.StripeClient) -> None:
	first, second = client.v1.customers.list(), client.v1.customers.list()
	assert re.fullmatch(r"req_\w{14}", first.last_response.request_id)
	assert first.last_response.request_id != second.last_response.request_id
	error = refusal(client.v1.customers.retrieve, "cus_unknown")
	assert re.fullmatch(r"req_\w{14}", error.request_id)


@pytest.mark.parametrize(
	("key", "words"),
	[
		("sk_test_another", "Invalid API Key"),
		("pk_test_simulator", "publishable"),
		("sk_live_abc", "refuses live keys"),
		("rk_live_abc", "refuses live keys"),
	],
)
def test_a_wrong_publishable_or_live_key_is_refused_with_401(
	key: str, words: str, simulator: Simulator
) -> None:
	with pytest.raises(stripe.AuthenticationError, match=words) as caught:
		client_with(key, simulator).v1.customers.create()
	assert caught.value.http_status == 401
	assert simulator.store.newest_first("customer") == []


def test_a_refused_key_is_not_told_in_full(simulator: Simulator) -> None:
	with pytest.raises(stripe.AuthenticationError) as caught:
		client_with("sk_test_not_this_secret_one", simulator).v1.customers.list()
	assert "not_this_secret" not in str(caught.value)


def test_basic_authorization_works_with_the_key_as_user_name(simulator: Simulator) -> None:
	url = f"{simulator.url}/v1/customers"
	assert requests.get(url, auth=(SECRET_KEY, ""), timeout=10).status_code == 200
	assert requests.get(url, auth=("", SECRET_KEY), timeout=10).status_code == 401
	assert requests.get(url, timeout=10).status_code == 401
	assert requests.get(url, headers={"Authorization": "Basic !!"}, timeout=10).status_code == 401


def test_a_malformed_version_is_refused(simulator: Simulator) -> None:
	headers = {"Authorization": f"Bearer {SECRET_KEY}", "Stripe-Version": "newest"}
	answer = requests.get(f"{simulator.url}/v1/customers", headers=headers, timeout=10)
	assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_an_unknown_route_is_404_in_stripes_shape(client: stripe.StripeClient) -> None:
	error = refusal(client.v1.payouts.list)
	assert error.http_status == 404
	assert "Unrecognized request URL (GET: /v1/payouts)" in str(error)


def test_an_unknown_object_is_404_resource_missing(client: stripe.StripeClient) -> None:
	for retrieve, name in (
		(client.v1.customers.retrieve, "customer: 'x_1'"),
		(client.v1.checkout.sessions.retrieve, "checkout.session: 'x_1'"),
		(client.v1.payment_intents.retrieve, "payment_intent: 'x_1'"),
		(client.v1.charges.retrieve, "charge: 'x_1'"),
		(client.v1.refunds.retrieve, "refund: 'x_1'"),
		(client.v1.disputes.retrieve, "dispute: 'x_1'"),
		(client.v1.balance_transactions.retrieve, "balance_transaction: 'x_1'"),
		(client.v1.payment_methods.retrieve, "PaymentMethod: 'x_1'"),
		(client.v1.products.retrieve, "product: 'x_1'"),
		(client.v1.prices.retrieve, "price: 'x_1'"),
		(client.v1.webhook_endpoints.retrieve, "webhook_endpoint: 'x_1'"),
		(client.v1.events.retrieve, "event: 'x_1'"),
	):
		error = refusal(retrieve, "x_1")
		assert (error.http_status, error.code) == (404, "resource_missing")
		assert name in str(error)


@pytest.mark.parametrize(
	("params", "code", "param"),
	[
		(
			{"payment_method_types": ["card"]},
			"payment_method_types_no_longer_supported",
			"payment_method_types",
		),
		({"paymnt_intent_data": {}, "nonsense": 1}, "parameter_unknown", "nonsense"),
		({"payment_intent_data": {"nonsense": 1}}, "parameter_unknown", "payment_intent_data[nonsense]"),
		({"mode": None}, "parameter_missing", "mode"),
		({"line_items": None}, "parameter_missing", "line_items"),
		({"success_url": None}, "parameter_missing", "success_url"),
		({"success_url": "javascript:alert(1)"}, "url_invalid", "success_url"),
		({"cancel_url": ""}, "parameter_invalid_empty", "cancel_url"),
		({"customer": "cus_unknown"}, "resource_missing", "customer"),
		({"customer_email": "nobody"}, "email_invalid", "customer_email"),
		({"expires_at": 1}, None, "expires_at"),
		({"locale": "klingon"}, None, "locale"),
	],
)
def test_a_session_with_a_wrong_parameter_is_refused_and_named(
	params: dict[str, Any], code: str | None, param: str, open_session: OpenSession, simulator: Simulator
) -> None:
	error = refusal(open_session, **params)
	assert (error.http_status, error.code, error.param) == (400, code, param)
	assert error.error.type == "invalid_request_error"
	assert (error.error.to_dict().get("doc_url") is None) == (code is None)
	assert simulator.store.newest_first("checkout.session") == []


@pytest.mark.parametrize(
	("line", "param"),
	[
		({"quantity": 1}, "line_items[0][price_data]"),
		({"quantity": 1, "price_data": {"unit_amount": 500}}, "line_items[0][price_data][currency]"),
		({"quantity": 1, "price": "price_1"}, "line_items[0][price]"),
		({"quantity": 1, "price_data": {"currency": "euro"}}, "line_items[0][price_data][unit_amount]"),
	],
)
def test_a_wrong_line_is_named_with_its_place(
	line: dict[str, Any], param: str, open_session: OpenSession
) -> None:
	assert refusal(open_session, line_items=[line]).param == param


@pytest.mark.parametrize("amount", ["10.5", "1e3", "-1", "٥٠٠", "", "999999999"])
def test_an_amount_that_is_no_plain_integer_within_eight_digits_is_refused(
	amount: str, open_session: OpenSession
) -> None:
	error = refusal(open_session, amount=amount)
	assert error.param == "line_items[0][price_data][unit_amount]"


@pytest.mark.parametrize(
	("currency", "too_little", "enough"),
	[
		("eur", 49, 50),
		("usd", 49, 50),
		("gbp", 29, 30),
		("jpy", 49, 50),
		("czk", 1499, 1500),
		("kwd", 49, 50),
	],
)
def test_less_than_the_minimum_of_a_currency_is_refused(
	currency: str, too_little: int, enough: int, open_session: OpenSession
) -> None:
	error = refusal(open_session, amount=too_little, currency=currency)
	assert error.code == "amount_too_small"
	assert open_session(amount=enough, currency=currency).amount_total == enough


@pytest.mark.parametrize(
	("currency", "refused", "taken"),
	[
		*[(code, 12345, 12340) for code in ("bhd", "jod", "kwd", "omr", "tnd")],
		("isk", 250_050, 250_000),
		("ugx", 250_001, 250_000),
	],
)
def test_an_amount_that_a_currency_is_not_paid_in_is_refused(
	currency: str, refused: int, taken: int, open_session: OpenSession, client: stripe.StripeClient
) -> None:
	error = refusal(open_session, amount=refused, currency=currency)
	assert (error.http_status, error.code) == (400, "invalid_charge_amount")
	with pytest.raises(stripe.InvalidRequestError) as caught:
		client.v1.payment_intents.create({"amount": refused, "currency": currency})
	assert (caught.value.code, caught.value.param) == ("invalid_charge_amount", "amount")
	assert open_session(amount=taken, currency=currency).amount_total == taken
	assert client.v1.payment_intents.create({"amount": taken, "currency": currency}).amount == taken


def test_a_currency_is_answered_in_lower_case_and_an_unknown_one_is_refused(
	open_session: OpenSession,
) -> None:
	assert open_session(currency="EUR").currency == "eur"
	assert "Invalid currency: xyz" in str(refusal(open_session, currency="xyz"))


def test_lines_of_two_currencies_or_none_at_all_are_refused(open_session: OpenSession) -> None:
	lines = [
		{
			"quantity": 1,
			"price_data": {"currency": currency, "unit_amount": 500, "product_data": {"name": "Top-up"}},
		}
		for currency in ("eur", "usd")
	]
	assert refusal(open_session, line_items=lines).param == "line_items"
	assert refusal(open_session, line_items={}).code == "parameter_missing"


def test_a_json_body_is_refused_as_stripe_does(simulator: Simulator) -> None:
	headers = {"Authorization": f"Bearer {SECRET_KEY}"}
	answer = requests.post(f"{simulator.url}/v1/customers", json={"name": "Ada"}, headers=headers, timeout=10)
	assert answer.status_code == 400
	assert "application/x-www-form-urlencoded" in answer.json()["error"]["message"]


def test_parameter_names_that_nest_wrongly_are_refused(simulator: Simulator) -> None:
	headers = {"Authorization": f"Bearer {SECRET_KEY}"}
	for body in (
		"metadata=a&metadata[b]=c",
		"metadata[b]=c&metadata=a",
		"[x]=1",
		"a[b=1",
		"a" + "[b]" * 9 + "=1",
	):
		answer = requests.post(
			f"{simulator.url}/v1/customers",
			data=body,
			headers=headers | {"Content-Type": "application/x-www-form-urlencoded"},
			timeout=10,
		)
		assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error"), body


def test_an_unexpandable_property_is_refused_before_anything_is_done(
	client: stripe.StripeClient, simulator: Simulator
) -> None:
	error = refusal(client.v1.customers.create, {"expand": ["nonsense"]})
	assert error.param == "expand"
	assert simulator.store.newest_first("customer") == []
	assert refusal(client.v1.charges.list, {"expand": ["customer"]}).param == "expand"


def test_a_foreign_host_name_is_refused(simulator: Simulator) -> None:
	for path in ("/v1/customers", "/_simulator/health"):
		answer = requests.get(simulator.url + path, headers={"Host": "evil.example:80"}, timeout=10)
		assert answer.status_code == 403
	port = simulator.url.rpartition(":")[2]
	named = requests.get(
		f"{simulator.url}/_simulator/health", headers={"Host": f"stripe.localhost:{port}"}, timeout=10
	)
	assert named.status_code == 200
