"""/v1/balance and /v1/balance_transactions"""

from __future__ import annotations

from typing import Any

from stripe_simulator.api import Route
from stripe_simulator.currency import Currency
from stripe_simulator.fields import Field, Group, Text
from stripe_simulator.lists import PAGE_FIELDS, matching, page
from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.balance import build_balance
from stripe_simulator.store import Operation

_FILTERS: dict[str, Field] = {"currency": Currency(), "source": Text(), "type": Text()}


def retrieve_balance(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""Return what the merchant has at Stripe, by currency."""
	return build_balance(operation.store.newest_first("balance_transaction"))


def retrieve(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Return a balance transaction."""
	return operation.store.require("balance_transaction", id, "balance_transaction")


def list_all(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""List balance transactions, also by currency, type and source."""
	found = matching(operation.store.newest_first("balance_transaction"), params, *_FILTERS)
	return page(found, params, "/v1/balance_transactions")


_PATH = "/v1/balance_transactions"
ROUTES = (
	Route("GET", "/v1/balance", retrieve_balance, "balance"),
	Route("GET", _PATH, list_all, "balance_transaction", Group(PAGE_FIELDS | _FILTERS), is_list=True),
	Route("GET", f"{_PATH}/<id>", retrieve, "balance_transaction"),
)
