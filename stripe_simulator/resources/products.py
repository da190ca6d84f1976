"""/v1/products and /v1/prices"""

from __future__ import annotations

from typing import Any

from stripe_simulator.api import Route
from stripe_simulator.currency import MAX_AMOUNT, Currency
from stripe_simulator.fields import Choice, Field, Group, Integer, ListOf, Metadata, Text, Url
from stripe_simulator.lists import PAGE_FIELDS, matching, page
from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.price import build_price
from stripe_simulator.objects.product import build_product
from stripe_simulator.store import Operation

PRODUCT_FIELDS: dict[str, Field] = {
	"name": Text(),
	"description": Text(),
	"images": ListOf(Url(), most=8),
	"metadata": Metadata(),
	"tax_code": Text(),
}
PRICE_FIELDS: dict[str, Field] = {
	"currency": Currency(),
	"unit_amount": Integer(0, MAX_AMOUNT),
	"tax_behavior": Choice(("exclusive", "inclusive", "unspecified")),
}


def create_product(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""Make a product."""
	product = operation.store.add(build_product(params, operation.store.clock.now()))
	operation.emit("product.created", product)
	return product


def retrieve_product(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Return a product."""
	return operation.store.require("product", id, "id")


def list_products(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""List products."""
	return page(operation.store.newest_first("product"), params, "/v1/products")


def create_price(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""Make a price of a product."""
	store = operation.store
	product = store.require("product", params["product"], "product", status=400)
	price = store.add(build_price(params, product["id"], store.clock.now()))
	operation.emit("price.created", price)
	return price


def retrieve_price(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Return a price."""
	return operation.store.require("price", id, "price")


def list_prices(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""List prices, also by product."""
	found = matching(operation.store.newest_first("price"), params, "product")
	return page(found, params, "/v1/prices")


_CREATE_PRICE: dict[str, Field] = {
	**PRICE_FIELDS,
	"metadata": Metadata(),
	"nickname": Text(),
	"product": Text(),
}
ROUTES = (
	Route("POST", "/v1/products", create_product, "product", Group(PRODUCT_FIELDS, required=("name",))),
	Route("GET", "/v1/products", list_products, "product", Group(PAGE_FIELDS), is_list=True),
	Route("GET", "/v1/products/<id>", retrieve_product, "product"),
	Route(
		"POST",
		"/v1/prices",
		create_price,
		"price",
		Group(_CREATE_PRICE, required=("currency", "product", "unit_amount")),
	),
	Route("GET", "/v1/prices", list_prices, "price", Group(PAGE_FIELDS | {"product": Text()}), is_list=True),
	Route("GET", "/v1/prices/<id>", retrieve_price, "price"),
)
