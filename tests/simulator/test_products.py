"""Products and prices, and sessions that name them."""

from __future__ import annotations

import pytest
import requests
import stripe

from .conftest import OpenSession
from .receiver import Receiver


def test_a_session_may_name_a_price_that_was_made_before(
	client: stripe.StripeClient, open_session: OpenSession, receiver: Receiver
) -> None:
	product = client.v1.products.create({"name": "Minutes", "description": "For calls"})
	price = client.v1.prices.create({"product": product.id, "currency": "usd", "unit_amount": 1500})
	session = open_session(line_items=[{"price": price.id, "quantity": 2}])
	assert (session.amount_total, session.currency) == (3000, "usd")
	[line] = client.v1.checkout.sessions.line_items.list(session.id).data
	assert (line.description, line.price.id, line.price.product) == ("Minutes", price.id, product.id)
	page = requests.get(session.url or "", timeout=10).text
	assert "Minutes" in page
	assert "For calls" in page
	assert client.v1.products.retrieve(product.id).name == "Minutes"
	assert client.v1.prices.retrieve(price.id).unit_amount == 1500
	assert [listed.id for listed in client.v1.prices.list({"product": product.id}).data] == [price.id]
	assert client.v1.prices.list({"product": "prod_unknown"}).data == []
	assert [listed.id for listed in client.v1.products.list().data] == [product.id]
	receiver.wait_for("product.created", "price.created")


def test_a_price_needs_a_product_that_is_known(client: stripe.StripeClient) -> None:
	with pytest.raises(stripe.InvalidRequestError) as caught:
		client.v1.prices.create({"product": "prod_unknown", "currency": "usd", "unit_amount": 1500})
	assert (caught.value.code, caught.value.param) == ("resource_missing", "product")


def test_a_line_names_a_price_or_brings_one(open_session: OpenSession) -> None:
	with pytest.raises(stripe.InvalidRequestError) as caught:
		open_session(line_items=[{"price": "price_unknown", "quantity": 1}])
	assert (caught.value.code, caught.value.param) == ("resource_missing", "line_items[0][price]")
