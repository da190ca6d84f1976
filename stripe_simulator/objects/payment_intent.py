"""The PaymentIntent, as Checkout makes it."""

from __future__ import annotations

from typing import Any

from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject


def build_payment_intent(session: StripeObject, data: dict[str, Any], created: int) -> StripeObject:
	"""Build an intent that waits for a card.

	`data` is the session's `payment_intent_data`; the session's own metadata is not copied, as with Stripe.
	"""
	id = new_id("pi_3S", 23)
	return {
		"id": id,
		"object": "payment_intent",
		"amount": session["amount_total"],
		"amount_capturable": 0,
		"amount_details": {"tip": {}},
		"amount_received": 0,
		"application": None,
		"application_fee_amount": None,
		"automatic_payment_methods": None,
		"canceled_at": None,
		"cancellation_reason": None,
		"capture_method": "automatic_async",
		"client_secret": new_id(f"{id}_secret_", 25),
		"confirmation_method": "automatic",
		"created": created,
		"currency": session["currency"],
		"customer": session["customer"],
		"customer_account": None,
		"description": data.get("description"),
		"excluded_payment_method_types": None,
		"last_payment_error": None,
		"latest_charge": None,
		"livemode": False,
		"metadata": data.get("metadata", {}),
		"next_action": None,
		"on_behalf_of": None,
		"payment_method": None,
		"payment_method_configuration_details": None,
		"payment_method_options": {
			"card": {
				"installments": None,
				"mandate_options": None,
				"network": None,
				"request_three_d_secure": "automatic",
			}
		},
		"payment_method_types": ["card"],
		"processing": None,
		"receipt_email": data.get("receipt_email"),
		"review": None,
		"setup_future_usage": None,
		"shipping": None,
		"source": None,
		"statement_descriptor": None,
		"statement_descriptor_suffix": None,
		"status": "requires_payment_method",
		"transfer_data": None,
		"transfer_group": None,
	}
