"""The thin event of API v2: that something happened to an object, without the object."""

from __future__ import annotations

from datetime import datetime, timezone

from stripe_simulator.objects import StripeObject

_PREFIX = "evt_test_65"
_WITHOUT_ADDRESS = ("billing_portal.session",)
"""Kinds of objects that cannot be read again, so that nothing can refer to them."""


def build_thin_event(event: StripeObject) -> StripeObject:
	"""Build the thin twin of a snapshot event."""
	thing, request = event["data"]["object"], event["request"]
	created = datetime.fromtimestamp(event["created"], timezone.utc).replace(tzinfo=None)
	refers = thing["object"] not in _WITHOUT_ADDRESS
	return {
		"id": _PREFIX + event["id"].removeprefix("evt_"),
		"object": "v2.core.event",
		"context": None,
		"created": f"{created.isoformat(timespec='milliseconds')}Z",
		"livemode": False,
		"reason": _reason(request["id"], request["idempotency_key"]),
		**({"related_object": _related(thing)} if refers else {}),
		"snapshot_event": event["id"],
		"type": f"v1.{event['type']}",
	}


def snapshot_id(thin_id: str) -> str:
	"""Return the id of the snapshot event of which a thin event is the twin."""
	return thin_id.replace(_PREFIX, "evt_", 1)


def _reason(request: str | None, idempotency_key: str | None) -> StripeObject | None:
	if request is None:
		return None
	return {"request": {"id": request, "idempotency_key": idempotency_key or ""}, "type": "request"}


def _related(thing: StripeObject) -> StripeObject:
	path = thing["object"].replace(".", "/")
	return {"id": thing["id"], "type": thing["object"], "url": f"/v1/{path}s/{thing['id']}"}
