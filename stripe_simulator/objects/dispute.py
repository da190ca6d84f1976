"""The dispute: the customer's bank takes a payment back, or asks about it."""

from __future__ import annotations

from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject

EVIDENCE = tuple(
	"""access_activity_log billing_address cancellation_policy cancellation_policy_disclosure cancellation_rebuttal
	customer_communication customer_email_address customer_name customer_purchase_ip customer_signature
	duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id product_description receipt
	refund_policy refund_policy_disclosure refund_refusal_explanation service_date service_documentation
	shipping_address shipping_carrier shipping_date shipping_documentation shipping_tracking_number uncategorized_file
	uncategorized_text""".split()
)
"""What a merchant can put forward."""
TIME_TO_ANSWER = 7 * 24 * 60 * 60
"""Seconds until evidence is due."""
_NETWORK_REASONS = {"fraudulent": "10.4", "product_not_received": "13.1", "duplicate": "12.6.1"}


def build_dispute(
	charge: StripeObject, *, amount: int, reason: str, inquiry: bool, created: int
) -> StripeObject:
	"""Build a dispute about `amount` (minor units); money that moved is added as balance transactions."""
	return {
		"id": new_id("du_1S", 23),
		"object": "dispute",
		"amount": amount,
		"balance_transactions": [],
		"charge": charge["id"],
		"created": created,
		"currency": charge["currency"],
		"enhanced_eligibility_types": [],
		"evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
		"evidence_details": {
			"due_by": created + TIME_TO_ANSWER,
			"enhanced_eligibility": {},
			"has_evidence": False,
			"past_due": False,
			"submission_count": 0,
			"submission_method": "not_submitted",
		},
		"is_charge_refundable": inquiry,
		"livemode": False,
		"metadata": {},
		"payment_intent": charge["payment_intent"],
		"payment_method_details": _method_details(charge, reason, inquiry),
		"reason": reason,
		"status": "warning_needs_response" if inquiry else "needs_response",
	}


def _method_details(charge: StripeObject, reason: str, inquiry: bool) -> StripeObject | None:
	card = charge["payment_method_details"].get("card")
	if card is None:
		return None
	return {
		"card": {
			"brand": card["brand"],
			"case_type": "inquiry" if inquiry else "chargeback",
			"network": card["network"],
			"network_reason_code": _NETWORK_REASONS.get(reason),
		},
		"type": "card",
	}
