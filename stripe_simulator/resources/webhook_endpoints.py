"""/v1/webhook_endpoints"""

from __future__ import annotations

from typing import Any

from stripe_simulator import API_VERSION
from stripe_simulator.api import Route
from stripe_simulator.errors import parameter_invalid
from stripe_simulator.fields import Boolean, Choice, Field, Group, ListOf, Metadata, Text
from stripe_simulator.ids import new_id
from stripe_simulator.lists import PAGE_FIELDS, page
from stripe_simulator.loopback import why_no_webhook_url
from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.customer import merged_metadata
from stripe_simulator.objects.webhook_endpoint import build_webhook_endpoint
from stripe_simulator.store import Operation


class LocalUrl:
	"""An address on this machine: the simulator posts nowhere else."""

	def parse(self, value: Any, path: str) -> str:
		"""Return the address, or raise ApiError."""
		text = Text().parse(value, path) or ""
		if problem := why_no_webhook_url(text):
			raise parameter_invalid(path, f"Invalid URL: {text} {problem}", "url_invalid")
		return text


_CREATE: dict[str, Field] = {
	"api_version": Choice((API_VERSION,)),
	"description": Text(clearable=True),
	"enabled_events": ListOf(Text()),
	"metadata": Metadata(),
	"url": LocalUrl(),
}
_UPDATE: dict[str, Field] = {
	**{name: field for name, field in _CREATE.items() if name != "api_version"},
	"disabled": Boolean(),
}


def create(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""Make an endpoint; only this answer shows its secret."""
	secret = new_id("whsec_", 32)
	endpoint = build_webhook_endpoint(params, operation.store.clock.now())
	operation.store.add_endpoint(endpoint, secret)
	return endpoint | {"secret": secret}


def retrieve(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Return an endpoint without its secret."""
	return operation.store.require("webhook_endpoint", id, "webhook_endpoint")


def update(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Change what was sent, and leave the rest."""
	endpoint = retrieve(operation, {}, id)
	if "disabled" in params:
		endpoint["status"] = "disabled" if params.pop("disabled") else "enabled"
	if "metadata" in params:
		params["metadata"] = merged_metadata(endpoint["metadata"], params["metadata"])
	endpoint |= params
	return endpoint


def delete(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Forget an endpoint: nothing more is posted to it."""
	retrieve(operation, {}, id)
	del operation.store.objects["webhook_endpoint"][id]
	return {"id": id, "object": "webhook_endpoint", "deleted": True}


def list_all(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""List the endpoints, among them the one of the settings."""
	return page(operation.store.newest_first("webhook_endpoint"), params, "/v1/webhook_endpoints")


_PATH = "/v1/webhook_endpoints"
ROUTES = (
	Route("POST", _PATH, create, "webhook_endpoint", Group(_CREATE, required=("enabled_events", "url"))),
	Route("GET", _PATH, list_all, "webhook_endpoint", Group(PAGE_FIELDS), is_list=True),
	Route("GET", f"{_PATH}/<id>", retrieve, "webhook_endpoint"),
	Route("POST", f"{_PATH}/<id>", update, "webhook_endpoint", Group(_UPDATE)),
	Route("DELETE", f"{_PATH}/<id>", delete, "webhook_endpoint"),
)
