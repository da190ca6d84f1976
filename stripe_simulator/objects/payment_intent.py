"""The PaymentIntent."""

from __future__ import annotations

from typing import Any

from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject

_OPTIONS: dict[str, StripeObject] = {
	"card": {
		"installments": None,
		"mandate_options": None,
		"network": None,
		"request_three_d_secure": "automatic",
	},
	"sepa_debit": {},
}


def build_payment_intent(
	params: dict[str, Any],
	*,
	amount: int,
	currency: str,
	types: list[str],
	customer: str | None,
	created: int,
) -> StripeObject:
	"""Build an intent over `amount` (minor units) that waits for a payment method.

	`params` are those of a PaymentIntent, or the `payment_intent_data`
	of a session, whose own metadata is not copied, as with Stripe.
	"""
	id = new_id("pi_3S", 23)
	return {
		"id": id,
		"object": "payment_intent",
		"amount": amount,
		"amount_capturable": 0,
		"amount_details": {"tip": {}},
		"amount_received": 0,
		"application": None,
		"application_fee_amount": None,
		"automatic_payment_methods": params.get("automatic_payment_methods"),
		"canceled_at": None,
		"cancellation_reason": None,
		"capture_method": params.get("capture_method", "automatic_async"),
		"client_secret": new_id(f"{id}_secret_", 25),
		"confirmation_method": "automatic",
		"created": created,
		"currency": currency,
		"customer": customer,
		"customer_account": None,
		"description": params.get("description"),
		"excluded_payment_method_types": None,
		"last_payment_error": None,
		"latest_charge": None,
		"livemode": False,
		"metadata": params.get("metadata", {}),
		"next_action": None,
		"on_behalf_of": None,
		"payment_method": None,
		"payment_method_configuration_details": None,
		"payment_method_options": {kind: dict(_OPTIONS[kind]) for kind in types},
		"payment_method_types": types,
		"processing": None,
		"receipt_email": params.get("receipt_email"),
		"review": None,
		"setup_future_usage": params.get("setup_future_usage"),
		"shipping": params.get("shipping"),
		"source": None,
		"statement_descriptor": params.get("statement_descriptor"),
		"statement_descriptor_suffix": params.get("statement_descriptor_suffix"),
		"status": "requires_payment_method",
		"transfer_data": None,
		"transfer_group": None,
	}
