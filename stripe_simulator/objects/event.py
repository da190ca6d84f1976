"""The snapshot event: an object as it was when something happened to it."""

from __future__ import annotations

from typing import Any

from stripe_simulator import API_VERSION
from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject

_PAYMENT_KINDS = ("payment_intent", "charge", "refund")


def build_event(
	*,
	type: str,
	data: StripeObject,
	created: int,
	request_id: str | None,
	idempotency_key: str | None,
	previous: StripeObject | None = None,
) -> StripeObject:
	"""Build an event around `data`. `request_id` is None for what Stripe did by itself.

	`previous` holds the old values of what has changed, for an event that tells of a change.
	"""
	changes = {} if previous is None else {"previous_attributes": previous}
	return {
		"id": new_id("evt_3S" if data["object"] in _PAYMENT_KINDS else "evt_1S", 23),
		"object": "event",
		"api_version": API_VERSION,
		"created": created,
		"data": {"object": data, **changes},
		"livemode": False,
		"pending_webhooks": 0,
		"request": {"id": request_id, "idempotency_key": idempotency_key},
		"type": type,
	}


def previous_attributes(old: StripeObject, new: StripeObject) -> StripeObject:
	"""Return the old values of all keys that differ, group by group; what was not there is null."""
	changes: dict[str, Any] = {}
	for key in old.keys() | new.keys():
		before, after = old.get(key), new.get(key)
		if isinstance(before, dict) and isinstance(after, dict):
			before = previous_attributes(before, after)
			if not before:
				continue
		elif before == after:
			continue
		changes[key] = before
	return dict(sorted(changes.items()))
