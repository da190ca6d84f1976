"""The session of the customer portal: the address at which a customer sees what is saved of them."""

from __future__ import annotations

from typing import Any

from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject

CONFIGURATION = "bpc_1SSimulatedDefaultPortal0"
"""The merchant's only configuration of the portal."""


def build_portal_session(params: dict[str, Any], created: int, base_url: str) -> StripeObject:
	"""Build a session for the customer of the parameters."""
	id = new_id("bps_1S", 23)
	return {
		"id": id,
		"object": "billing_portal.session",
		"after_expiration": None,
		"configuration": CONFIGURATION,
		"created": created,
		"customer": params["customer"],
		"customer_account": None,
		"flow": None,
		"livemode": False,
		"locale": params.get("locale"),
		"on_behalf_of": None,
		"return_url": params.get("return_url"),
		"url": f"{base_url}/c/portal/{id}",
	}
