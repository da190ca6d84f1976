"""The SetupIntent: a payment method is made ready for payments while the customer is away."""

from __future__ import annotations

from typing import Any

from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject

_OPTIONS: dict[str, StripeObject] = {
	"card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"},
	"sepa_debit": {},
}


def build_setup_intent(params: dict[str, Any], *, types: list[str], created: int) -> StripeObject:
	"""Build an intent that waits for a payment method."""
	id = new_id("seti_1S", 23)
	return {
		"id": id,
		"object": "setup_intent",
		"application": None,
		"automatic_payment_methods": params.get("automatic_payment_methods"),
		"cancellation_reason": None,
		"client_secret": new_id(f"{id}_secret_", 25),
		"created": created,
		"customer": params.get("customer"),
		"customer_account": None,
		"description": params.get("description"),
		"excluded_payment_method_types": None,
		"flow_directions": None,
		"last_setup_error": None,
		"latest_attempt": None,
		"livemode": False,
		"mandate": None,
		"metadata": params.get("metadata", {}),
		"next_action": None,
		"on_behalf_of": None,
		"payment_method": None,
		"payment_method_configuration_details": None,
		"payment_method_options": {kind: dict(_OPTIONS[kind]) for kind in types},
		"payment_method_types": types,
		"single_use_mandate": None,
		"status": "requires_payment_method",
		"usage": params.get("usage", "off_session"),
	}
