"""/v1/payment_methods, and those of one customer"""

from __future__ import annotations

from typing import Any

from stripe_simulator.api import Route
from stripe_simulator.bank_accounts import BankAccount, account_of, normal_iban
from stripe_simulator.cards import Card
from stripe_simulator.errors import parameter_invalid, parameter_missing, resource_missing
from stripe_simulator.fields import Choice, Field, Group, Metadata, Text
from stripe_simulator.flows import methods
from stripe_simulator.lists import PAGE_FIELDS, matching, page
from stripe_simulator.objects import StripeObject
from stripe_simulator.resources.shared import BILLING_DETAILS
from stripe_simulator.store import Operation
from stripe_simulator.versions import KINDS

_CREATE: dict[str, Field] = {
	"billing_details": BILLING_DETAILS,
	"card": Group({"token": Text()}, required=("token",)),
	"metadata": Metadata(),
	"sepa_debit": Group({"iban": Text()}, required=("iban",)),
	"type": Choice(KINDS),
}


def create(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""Make a payment method of a test token or an IBAN; card numbers are for the Checkout page only."""
	billing = params.get("billing_details", {})
	instrument = _instrument(operation, params, billing)
	return methods.create(operation, instrument, billing, params.get("metadata", {}))


def retrieve(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Return a payment method."""
	return methods.find_or_create(operation, id, "payment_method", status=404)


def attach(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Give a payment method, or a new one of a test token, to a customer."""
	customer = operation.store.require("customer", params["customer"], "customer", status=400)
	method = methods.find_or_create(operation, id, "payment_method", status=404)
	methods.attach(operation, method, customer["id"])
	return method


def detach(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Take a payment method from its customer."""
	method = operation.store.require("payment_method", id, "payment_method")
	methods.detach(operation, method)
	return method


def list_all(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""List the payment methods of a customer, also by type."""
	return _page(operation, params, params["customer"], "/v1/payment_methods")


def list_of_customer(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""List the payment methods of the customer in the path, also by type."""
	operation.store.require("customer", id, "customer")
	return _page(operation, params, id, f"/v1/customers/{id}/payment_methods")


def retrieve_of_customer(
	operation: Operation, params: dict[str, Any], id: str, method_id: str
) -> StripeObject:
	"""Return a payment method of one customer."""
	method = operation.store.find("payment_method", method_id)
	if method is None or method["customer"] != id:
		raise resource_missing("payment_method", method_id, "payment_method")
	return method


def _page(operation: Operation, params: dict[str, Any], customer: str, url: str) -> StripeObject:
	of_customer = matching(
		operation.store.newest_first("payment_method"), {**params, "customer": customer}, "customer", "type"
	)
	return page(of_customer, params, url)


def _instrument(operation: Operation, params: dict[str, Any], billing: dict[str, Any]) -> Card | BankAccount:
	kind = params["type"]
	if kind not in params:
		raise parameter_missing(kind)
	if kind == "card":
		token = params["card"]["token"]
		card = methods.test_card(operation.store, token) if token.startswith("tok_") else None
		if card is None:
			raise resource_missing("token", token, "card[token]", status=400)
		return card
	for name in ("name", "email"):
		if not billing.get(name):
			raise parameter_missing(f"billing_details[{name}]")
	iban = normal_iban(params["sepa_debit"]["iban"])
	if not iban:
		raise parameter_invalid(
			"sepa_debit[iban]", "The IBAN you provided is invalid.", "invalid_bank_account_iban"
		)
	return account_of(iban)


_PATH = "/v1/payment_methods"
_OF_CUSTOMER = "/v1/customers/<id>/payment_methods"
_KIND: dict[str, Field] = {"type": Choice(KINDS)}
ROUTES = (
	Route("POST", _PATH, create, "payment_method", Group(_CREATE, required=("type",))),
	Route(
		"GET",
		_PATH,
		list_all,
		"payment_method",
		Group(PAGE_FIELDS | _KIND | {"customer": Text()}, required=("customer",)),
		is_list=True,
	),
	Route("GET", f"{_PATH}/<id>", retrieve, "payment_method"),
	Route(
		"POST",
		f"{_PATH}/<id>/attach",
		attach,
		"payment_method",
		Group({"customer": Text()}, required=("customer",)),
	),
	Route("POST", f"{_PATH}/<id>/detach", detach, "payment_method"),
	Route("GET", _OF_CUSTOMER, list_of_customer, "payment_method", Group(PAGE_FIELDS | _KIND), is_list=True),
	Route("GET", f"{_OF_CUSTOMER}/<method_id>", retrieve_of_customer, "payment_method"),
)
