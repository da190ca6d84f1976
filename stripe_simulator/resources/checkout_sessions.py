"""/v1/checkout/sessions"""

from __future__ import annotations

from typing import Any

from stripe_simulator.api import Route
from stripe_simulator.currency import check_amount
from stripe_simulator.errors import ApiError, parameter_invalid, parameter_missing
from stripe_simulator.fields import (
	Choice,
	Email,
	Field,
	Group,
	Integer,
	ListOf,
	Metadata,
	Text,
	Url,
)
from stripe_simulator.flows.checkout import expire, expire_later
from stripe_simulator.ids import new_id
from stripe_simulator.lists import PAGE_FIELDS, matching, page
from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.checkout_session import LIFETIME, build_session
from stripe_simulator.objects.line_item import build_line_item
from stripe_simulator.objects.price import build_price
from stripe_simulator.resources.products import PRICE_FIELDS, PRODUCT_FIELDS
from stripe_simulator.resources.shared import LOCALES, PAYMENT_FIELDS
from stripe_simulator.store import Checkout, Operation
from stripe_simulator.versions import TYPE_FIELDS, chosen_types, dynamic_types

SHORTEST_LIFETIME = 30 * 60
"""Seconds that `expires_at` must at least be ahead."""
_PRICE_DATA = Group(
	{**PRICE_FIELDS, "product_data": Group(PRODUCT_FIELDS, required=("name",))},
	required=("currency", "unit_amount", "product_data"),
)
_LINE_ITEM = Group(
	{
		"price": Text(),
		"price_data": _PRICE_DATA,
		"quantity": Integer(1, 999_999),
		"metadata": Metadata(),
	},
	required=("quantity",),
)
_CREATE: dict[str, Field] = {
	"cancel_url": Url(),
	"client_reference_id": Text(200),
	"customer": Text(),
	"customer_creation": Choice(("always", "if_required")),
	"customer_email": Email(),
	"expires_at": Integer(),
	"line_items": ListOf(_LINE_ITEM),
	"locale": Choice(LOCALES),
	"metadata": Metadata(),
	"mode": Choice(("payment",)),
	"payment_intent_data": Group(
		{
			**PAYMENT_FIELDS,
			"metadata": Metadata(),
			"setup_future_usage": Choice(("off_session", "on_session")),
		},
	),
	"submit_type": Choice(("auto", "book", "donate", "pay")),
	"success_url": Url(),
	"ui_mode": Choice(("hosted_page",)),
	**TYPE_FIELDS,
}


def create(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""Open a session; its PaymentIntent comes only when somebody first submits the page."""
	store, now = operation.store, operation.store.clock.now()
	_check_lifetime(params, now)
	if "customer" in params and ("customer_email" in params or "customer_creation" in params):
		other = "customer_email" if "customer_email" in params else "customer_creation"
		raise ApiError(f"You may only specify one of these parameters: customer, {other}.", param=other)
	customer = None
	if "customer" in params:
		customer = store.require("customer", params["customer"], "customer", status=400)
	lines, descriptions = _lines(operation, params["line_items"])
	amount, currency = _total(lines)
	session = build_session(
		params,
		amount=amount,
		currency=currency,
		types=chosen_types(operation, params, currency) or dynamic_types(currency),
		customer=customer,
		created=now,
		base_url=store.base_url,
	)
	store.checkouts[session["id"]] = Checkout(lines, descriptions, params.get("payment_intent_data", {}))
	expire_later(operation, session)
	return store.add(session)


def retrieve(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Return a session."""
	return operation.store.require("checkout.session", id, "session")


def list_all(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""List sessions, also by customer, PaymentIntent and status."""
	sessions = operation.store.newest_first("checkout.session")
	found = matching(sessions, params, "customer", "payment_intent", "status")
	return page(found, params, "/v1/checkout/sessions")


def list_line_items(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""List what is paid for, in the order it was sent."""
	operation.store.require("checkout.session", id, "session")
	return page(operation.store.checkouts[id].line_items, params, f"/v1/checkout/sessions/{id}/line_items")


def expire_now(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Close an open session, so that nobody can pay it any more."""
	session = operation.store.require("checkout.session", id, "session")
	if session["status"] != "open":
		raise ApiError(
			'Only Checkout Sessions with a status in ["open"] can be expired. '
			f"This Checkout Session has a status of `{session['status']}`.",
			executed=True,
		)
	expire(operation, session)
	return session


def _check_lifetime(params: dict[str, Any], now: int) -> None:
	ahead = params.get("expires_at", now + LIFETIME) - now
	if not SHORTEST_LIFETIME <= ahead <= LIFETIME:
		raise parameter_invalid(
			"expires_at",
			"The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.",
		)


def _lines(operation: Operation, sent: list[dict[str, Any]]) -> tuple[list[StripeObject], list[str]]:
	"""Return the lines with the descriptions of what they are for."""
	lines, descriptions = [], []
	for position, line in enumerate(sent):
		price, product = _price_of(operation, line, f"line_items[{position}]")
		lines.append(build_line_item(line, price, product["name"]))
		descriptions.append(product.get("description") or "")
	return lines, descriptions


def _price_of(operation: Operation, line: dict[str, Any], path: str) -> tuple[StripeObject, dict[str, Any]]:
	"""Return the price of a line and its product: those it names, or ones made on the fly."""
	store = operation.store
	if "price" in line:
		price = store.require("price", line["price"], f"{path}[price]", status=400)
		return price, store.require("product", price["product"], f"{path}[price]")
	if "price_data" not in line:
		raise parameter_missing(f"{path}[price_data]")
	data = line["price_data"]
	price = build_price(data, new_id("prod_T", 13), store.clock.now(), active=False)
	return price, data["product_data"]


def _total(lines: list[StripeObject]) -> tuple[int, str]:
	"""Return the sum of the lines in minor units, and their one currency."""
	if not lines:
		raise parameter_missing("line_items")
	currencies = {line["currency"] for line in lines}
	if len(currencies) > 1:
		raise parameter_invalid(
			"line_items", "All line items of a Checkout Session must have the same currency."
		)
	currency = currencies.pop()
	amount = sum(line["amount_total"] for line in lines)
	check_amount(amount, currency, "The Checkout Session's total amount due must add up to")
	return amount, currency


_FILTERS: dict[str, Field] = {
	"customer": Text(),
	"payment_intent": Text(),
	"status": Choice(("complete", "expired", "open")),
}
_PATH = "/v1/checkout/sessions"
ROUTES = (
	Route(
		"POST",
		_PATH,
		create,
		"checkout.session",
		Group(_CREATE, required=("line_items", "mode", "success_url")),
	),
	Route("GET", _PATH, list_all, "checkout.session", Group(PAGE_FIELDS | _FILTERS), is_list=True),
	Route("GET", f"{_PATH}/<id>", retrieve, "checkout.session"),
	Route("GET", f"{_PATH}/<id>/line_items", list_line_items, "item", Group(PAGE_FIELDS), is_list=True),
	Route("POST", f"{_PATH}/<id>/expire", expire_now, "checkout.session"),
)
