"""Stripe's lists: newest first, paged by object id."""

from __future__ import annotations

from typing import Any

from stripe_simulator.errors import ApiError, resource_missing
from stripe_simulator.fields import Field, Group, Integer, Text
from stripe_simulator.objects import StripeObject

DEFAULT_LIMIT = 10


class CreatedRange:
	"""`created=<unix seconds>` or `created[gt|gte|lt|lte]=<unix seconds>`."""

	_bounds = Group({"gt": Integer(), "gte": Integer(), "lt": Integer(), "lte": Integer()})

	def parse(self, value: Any, path: str) -> dict[str, int]:
		"""Return the bounds that were given; a plain number is both bounds."""
		if isinstance(value, str):
			moment = Integer().parse(value, path)
			return {"gte": moment, "lte": moment}
		return self._bounds.parse(value, path)


PAGE_FIELDS: dict[str, Field] = {
	"limit": Integer(1, 100),
	"starting_after": Text(),
	"ending_before": Text(),
	"created": CreatedRange(),
}


def page(things: list[StripeObject], params: dict[str, Any], url: str) -> StripeObject:
	"""Return one page of `things`, which come newest first and already filtered by all but `created`."""
	things = [thing for thing in things if is_created_within(thing, params.get("created", {}))]
	limit = params.get("limit", DEFAULT_LIMIT)
	if "starting_after" in params and "ending_before" in params:
		raise ApiError("You can only use one of starting_after and ending_before.", param="starting_after")
	if "starting_after" in params:
		things = things[_position(things, params, "starting_after") + 1 :]
	elif "ending_before" in params:
		newer = things[: _position(things, params, "ending_before")]
		return _list(newer[-limit:], len(newer) > limit, url)
	return _list(things[:limit], len(things) > limit, url)


def is_created_within(thing: StripeObject, bounds: dict[str, int]) -> bool:
	"""Tell whether `created` lies within all the bounds; an object without it always does."""
	created = thing.get("created", 0)
	return not (
		("gt" in bounds and created <= bounds["gt"])
		or ("gte" in bounds and created < bounds["gte"])
		or ("lt" in bounds and created >= bounds["lt"])
		or ("lte" in bounds and created > bounds["lte"])
	)


def matching(things: list[StripeObject], params: dict[str, Any], *names: str) -> list[StripeObject]:
	"""Keep the objects that equal every named parameter which was sent."""
	return [thing for thing in things if all(thing[name] == params[name] for name in names if name in params)]


def _position(things: list[StripeObject], params: dict[str, Any], cursor: str) -> int:
	for position, thing in enumerate(things):
		if thing["id"] == params[cursor]:
			return position
	raise resource_missing("object", params[cursor], cursor, status=400)


def _list(things: list[StripeObject], has_more: bool, url: str) -> StripeObject:
	return {"object": "list", "data": things, "has_more": has_more, "url": url}
