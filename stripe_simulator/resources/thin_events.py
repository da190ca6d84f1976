"""/v2/core/events: the thin twins of the events, for the same 30 days."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlencode

from stripe_simulator.api import Route
from stripe_simulator.errors import ApiError, parameter_invalid
from stripe_simulator.fields import Field, Group, Integer, ListOf, Text
from stripe_simulator.lists import page
from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.thin_event import build_thin_event, snapshot_id
from stripe_simulator.resources.events import find_recent, recent
from stripe_simulator.store import Operation

DEFAULT_LIMIT = 20


class Moment:
	"""A moment as ISO 8601 writes it, such as 2026-11-23T10:00:00.000Z."""

	def parse(self, value: Any, path: str) -> float:
		"""Return Unix seconds, or raise ApiError."""
		try:
			moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
		except (AttributeError, ValueError):
			raise parameter_invalid(path, f"Invalid timestamp: {value}") from None
		if moment.tzinfo is None:
			raise parameter_invalid(path, f"Invalid timestamp: {value} has no time zone")
		return moment.timestamp()


_FIELDS: dict[str, Field] = {
	"created": Group({bound: Moment() for bound in ("gt", "gte", "lt", "lte")}),
	"limit": Integer(1, 100),
	"object_id": Text(),
	"page": Text(),
	"types": ListOf(Text(), most=20),
}


def retrieve(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Return a thin event."""
	event = find_recent(operation, snapshot_id(id))
	thin = build_thin_event(event) if event else None
	if thin is None or thin["id"] != id:
		raise ApiError(f"Event {id} not found.", status=404, code="not_found")
	return thin


def list_all(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""List thin events, the newest first, also by the object they are about and by type."""
	events = recent(operation)
	if "object_id" in params:
		events = [event for event in events if event["data"]["object"]["id"] == params["object_id"]]
	if "types" in params:
		events = [event for event in events if f"v1.{event['type']}" in params["types"]]
	part = {"limit": params.get("limit", DEFAULT_LIMIT), "created": params.get("created", {})}
	if "page" in params:
		if all(event["id"] != params["page"] for event in events):
			raise parameter_invalid("page", f"There is no page {params['page']}.")
		part["starting_after"] = params["page"]
	shown = page(events, part, "")
	return {
		"data": [build_thin_event(event) for event in shown["data"]],
		"next_page_url": _next(params, shown["data"][-1]["id"]) if shown["has_more"] else None,
	}


def _next(params: dict[str, Any], last: str) -> str:
	"""Return the address of the page that follows the event `last`, with the filters of this one."""
	sent = [(name, params[name]) for name in ("limit", "object_id") if name in params]
	sent += [(f"types[{position}]", type) for position, type in enumerate(params.get("types", ()))]
	sent += [(f"created[{bound}]", _written(moment)) for bound, moment in params.get("created", {}).items()]
	return f"{_PATH}?{urlencode([*sent, ('page', last)])}"


def _written(moment: float) -> str:
	return datetime.fromtimestamp(moment, timezone.utc).isoformat()


_PATH = "/v2/core/events"
ROUTES = (
	Route("GET", _PATH, list_all, "v2.core.event", Group(_FIELDS), is_list=True),
	Route("GET", f"{_PATH}/<id>", retrieve, "v2.core.event"),
)
