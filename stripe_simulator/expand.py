"""`expand`: put whole objects where an answer has only their ids."""

from __future__ import annotations

from stripe_simulator.errors import ApiError
from stripe_simulator.objects import StripeObject
from stripe_simulator.store import Store

MAX_DEPTH = 4
EXPANDABLE: dict[str, dict[str, str]] = {
	"checkout.session": {"customer": "customer", "line_items": "list", "payment_intent": "payment_intent"},
	"payment_intent": {
		"customer": "customer",
		"latest_charge": "charge",
		"payment_method": "payment_method",
	},
	"charge": {"customer": "customer", "payment_intent": "payment_intent"},
	"payment_method": {"customer": "customer"},
}


def check_expand(kind: str, paths: list[str]) -> None:
	"""Refuse a path that no object of this kind has, before anything is done."""
	for path in paths:
		names = path.split(".")
		if len(names) > MAX_DEPTH:
			raise ApiError(
				f"You cannot expand more than {MAX_DEPTH} levels of a property ({path}).", param="expand"
			)
		current: str | None = kind
		for name in names:
			current = EXPANDABLE.get(current or "", {}).get(name)
			if current is None:
				raise ApiError(
					f"This property cannot be expanded ({path}). You may want to try expanding 'data.{path}' "
					"on a list, or check the spelling.",
					param="expand",
				)


def expanded(store: Store, thing: StripeObject, paths: list[str]) -> StripeObject:
	"""Return a copy of the object with the checked paths expanded; what is null stays null."""
	result = dict(thing)
	for path in paths:
		name, _, rest = path.partition(".")
		result[name] = _value(store, result, name, [rest] if rest else [])
	return result


def _value(store: Store, owner: StripeObject, name: str, rest: list[str]) -> StripeObject | None:
	if name == "line_items":
		url = f"/v1/checkout/sessions/{owner['id']}/line_items"
		lines = store.checkouts[owner["id"]].line_items
		return {"object": "list", "data": lines, "has_more": False, "url": url}
	current = owner[name]
	if isinstance(current, str):
		current = store.find(EXPANDABLE[owner["object"]][name], current)
	return expanded(store, current, rest) if current else None
