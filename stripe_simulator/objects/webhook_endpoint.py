"""The webhook endpoint. Its secret is shown once, in the answer to its creation."""

from __future__ import annotations

from typing import Any

from stripe_simulator import API_VERSION
from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject


def build_webhook_endpoint(params: dict[str, Any], created: int) -> StripeObject:
	"""Build an enabled endpoint; the events it gets are always in the simulated API version."""
	return {
		"id": new_id("we_1S", 23),
		"object": "webhook_endpoint",
		"api_version": API_VERSION,
		"application": None,
		"created": created,
		"description": params.get("description"),
		"enabled_events": params["enabled_events"],
		"livemode": False,
		"metadata": params.get("metadata", {}),
		"status": "enabled",
		"url": params["url"],
	}
