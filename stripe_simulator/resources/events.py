"""/v1/events"""

from __future__ import annotations

import fnmatch
from typing import Any

from stripe_simulator.api import Route
from stripe_simulator.delivery import Deliverer
from stripe_simulator.errors import ApiError, resource_missing
from stripe_simulator.fields import Boolean, Field, Group, ListOf, Text
from stripe_simulator.lists import PAGE_FIELDS, page
from stripe_simulator.objects import StripeObject
from stripe_simulator.store import Operation

RETENTION = 30 * 24 * 60 * 60
"""Seconds for which events can be read."""
_FIELDS: dict[str, Field] = {
	"delivery_success": Boolean(),
	"type": Text(),
	"types": ListOf(Text(), most=20),
}


def event_routes(deliverer: Deliverer) -> tuple[Route, ...]:
	"""Return the routes; whether an event was delivered is the deliverer's to know."""

	def list_all(operation: Operation, params: dict[str, Any]) -> StripeObject:
		"""List events, also by type (`charge.*` works) and by whether the endpoint took them."""
		if "type" in params and "types" in params:
			raise ApiError("You may only specify one of these parameters: type, types.", param="types")
		events = recent(operation)
		if patterns := params.get("types", [params["type"]] if "type" in params else None):
			events = [
				event for event in events if any(fnmatch.fnmatchcase(event["type"], p) for p in patterns)
			]
		if "delivery_success" in params:
			wanted = params["delivery_success"]
			events = [event for event in events if deliverer.is_delivered(event["id"]) == wanted]
		return page(events, params, "/v1/events")

	return (
		Route("GET", "/v1/events", list_all, "event", Group(PAGE_FIELDS | _FIELDS), is_list=True),
		Route("GET", "/v1/events/<id>", retrieve, "event"),
	)


def retrieve(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Return an event."""
	event = find_recent(operation, id)
	if event is None:
		raise resource_missing("event", id, "id")
	return event


def find_recent(operation: Operation, id: str) -> StripeObject | None:
	"""Return an event that can still be read, or None."""
	return next((event for event in recent(operation) if event["id"] == id), None)


def recent(operation: Operation) -> list[StripeObject]:
	"""Return the events that can still be read, the newest first."""
	oldest = operation.store.clock.now() - RETENTION
	return [event for event in operation.store.newest_first("event") if event["created"] >= oldest]
