"""/v1/checkout/sessions"""

from __future__ import annotations

from typing import Any

from stripe_simulator.api import Route
from stripe_simulator.currency import MAX_AMOUNT, Currency, check_amount
from stripe_simulator.errors import ApiError, parameter_invalid, parameter_missing
from stripe_simulator.fields import (
	Choice,
	Email,
	Field,
	Group,
	Integer,
	ListOf,
	Metadata,
	Refused,
	Text,
	Url,
)
from stripe_simulator.lists import PAGE_FIELDS, matching, page
from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.checkout_session import LIFETIME, build_session
from stripe_simulator.objects.line_item import build_line_item
from stripe_simulator.payment import expire
from stripe_simulator.store import Checkout, Operation

SHORTEST_LIFETIME = 30 * 60
"""Seconds that `expires_at` must at least be ahead."""
_LOCALES = tuple(
	"""auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR ro
	ru sk sl sv th tr vi zh zh-HK zh-TW""".split()
)
_PRODUCT_DATA = Group(
	{
		"name": Text(),
		"description": Text(),
		"images": ListOf(Url(), most=8),
		"metadata": Metadata(),
		"tax_code": Text(),
	},
	required=("name",),
)
_PRICE_DATA = Group(
	{
		"currency": Currency(),
		"unit_amount": Integer(0, MAX_AMOUNT),
		"product_data": _PRODUCT_DATA,
		"tax_behavior": Choice(("exclusive", "inclusive", "unspecified")),
	},
	required=("currency", "unit_amount", "product_data"),
)
_LINE_ITEM = Group(
	{"price_data": _PRICE_DATA, "quantity": Integer(1, 999_999), "metadata": Metadata()},
	required=("price_data", "quantity"),
)
_CREATE: dict[str, Field] = {
	"cancel_url": Url(),
	"client_reference_id": Text(200),
	"customer": Text(),
	"customer_creation": Choice(("always", "if_required")),
	"customer_email": Email(),
	"expires_at": Integer(),
	"line_items": ListOf(_LINE_ITEM),
	"locale": Choice(_LOCALES),
	"metadata": Metadata(),
	"mode": Choice(("payment",)),
	"payment_intent_data": Group(
		{"description": Text(1000), "metadata": Metadata(), "receipt_email": Email()},
	),
	"payment_method_types": Refused(
		"The payment_method_types parameter is no longer supported. Use allowed_payment_method_types, or leave it out "
		"to use dynamic payment methods.",
		"payment_method_types_no_longer_supported",
	),
	"allowed_payment_method_types": ListOf(Choice(("card",))),
	"submit_type": Choice(("auto", "book", "donate", "pay")),
	"success_url": Url(),
	"ui_mode": Choice(("hosted_page",)),
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
	lines = [build_line_item(line, now) for line in params["line_items"]]
	amount, currency = _total(lines)
	session = build_session(
		params, amount=amount, currency=currency, customer=customer, created=now, base_url=store.base_url
	)
	products = [line["price_data"]["product_data"] for line in params["line_items"]]
	store.open_checkout(session, Checkout(lines, products, params.get("payment_intent_data", {})))
	return session


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
	check_amount(amount, currency)
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
