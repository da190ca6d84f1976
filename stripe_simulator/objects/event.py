"""The snapshot event: an object as it was when something happened to it."""

from __future__ import annotations

from stripe_simulator import API_VERSION
from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject

_PAYMENT_KINDS = ("payment_intent", "charge")


def build_event(
	*, type: str, data: StripeObject, created: int, request_id: str | None, idempotency_key: str | None
) -> StripeObject:
	"""Build an event around `data`. `request_id` is None for what Stripe did by itself."""
	return {
		"id": new_id("evt_3S" if data["object"] in _PAYMENT_KINDS else "evt_1S", 23),
		"object": "event",
		"api_version": API_VERSION,
		"created": created,
		"data": {"object": data},
		"livemode": False,
		"pending_webhooks": 0,
		"request": {"id": request_id, "idempotency_key": idempotency_key},
		"type": type,
	}
