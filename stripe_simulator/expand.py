"""`expand`: put whole objects where an answer has only their ids."""

from __future__ import annotations

from stripe_simulator.errors import ApiError
from stripe_simulator.objects import StripeObject
from stripe_simulator.store import Store

MAX_DEPTH = 4
ANY = "any"
"""Stands for a property that may be an object of several kinds."""
EXPANDABLE: dict[str, dict[str, str]] = {
	"balance_transaction": {"source": ANY},
	"charge": {
		"balance_transaction": "balance_transaction",
		"customer": "customer",
		"payment_intent": "payment_intent",
		"refunds": "list",
	},
	"checkout.session": {"customer": "customer", "line_items": "list", "payment_intent": "payment_intent"},
	"dispute": {"charge": "charge", "payment_intent": "payment_intent"},
	"payment_intent": {
		"customer": "customer",
		"latest_charge": "charge",
		"payment_method": "payment_method",
	},
	"payment_method": {"customer": "customer"},
	"price": {"product": "product"},
	"refund": {
		"balance_transaction": "balance_transaction",
		"charge": "charge",
		"customer": "customer",
		"failure_balance_transaction": "balance_transaction",
		"payment_intent": "payment_intent",
		"payment_method": "payment_method",
	},
	"setup_intent": {"customer": "customer", "payment_method": "payment_method"},
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
		return _whole_list(store.checkouts[owner["id"]].line_items, url)
	if name == "refunds":
		refunds = [r for r in store.newest_first("refund") if r["charge"] == owner["id"]]
		return _whole_list(refunds, f"/v1/charges/{owner['id']}/refunds")
	current = owner.get(name)
	if isinstance(current, str):
		kind = EXPANDABLE[owner["object"]][name]
		current = store.find_any(current) if kind == ANY else store.find(kind, current)
	return expanded(store, current, rest) if current else None


def _whole_list(things: list[StripeObject], url: str) -> StripeObject:
	return {"object": "list", "data": things, "has_more": False, "url": url}
