"""/v1/customers"""

from __future__ import annotations

import copy
from typing import Any

from stripe_simulator.api import Route
from stripe_simulator.fields import Email, Field, Group, ListOf, Metadata, Text
from stripe_simulator.lists import PAGE_FIELDS, matching, page
from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.customer import build_customer, update_customer
from stripe_simulator.resources.shared import ADDRESS
from stripe_simulator.store import Operation

_FIELDS: dict[str, Field] = {
	"address": ADDRESS,
	"description": Text(clearable=True),
	"email": Email(clearable=True),
	"metadata": Metadata(),
	"name": Text(256, clearable=True),
	"phone": Text(20, clearable=True),
	"preferred_locales": ListOf(Text()),
}


def create(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""Make a customer."""
	customer = operation.store.add(build_customer(params, operation.store.clock.now()))
	operation.emit("customer.created", customer)
	return customer


def retrieve(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Return a customer."""
	return operation.store.require("customer", id, "id")


def update(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Change what was sent, and leave the rest."""
	customer = operation.store.require("customer", id, "id")
	before = copy.deepcopy(customer)
	update_customer(customer, params)
	if customer != before:
		operation.emit("customer.updated", customer, before=before)
	return customer


def list_all(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""List customers, also by their exact e-mail address."""
	found = matching(operation.store.newest_first("customer"), params, "email")
	return page(found, params, "/v1/customers")


ROUTES = (
	Route("POST", "/v1/customers", create, "customer", Group(_FIELDS)),
	Route("GET", "/v1/customers", list_all, "customer", Group(PAGE_FIELDS | {"email": Text()}), is_list=True),
	Route("GET", "/v1/customers/<id>", retrieve, "customer"),
	Route("POST", "/v1/customers/<id>", update, "customer", Group(_FIELDS)),
)
