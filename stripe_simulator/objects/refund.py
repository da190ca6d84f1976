"""The refund: money of a charge on its way back."""

from __future__ import annotations

import secrets

from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject


def build_refund(
	charge: StripeObject,
	*,
	amount: int,
	reason: str | None,
	metadata: dict[str, str],
	status: str,
	created: int,
) -> StripeObject:
	"""Build a refund of `amount` (minor units). Its metadata is its own, never the charge's."""
	return {
		"id": new_id("re_3S" if charge["id"].startswith("ch_") else "pyr_1S", 23),
		"object": "refund",
		"amount": amount,
		"balance_transaction": None,
		"charge": charge["id"],
		"created": created,
		"currency": charge["currency"],
		"customer": charge["customer"],
		"customer_account": None,
		"destination_details": _destination(charge),
		"metadata": metadata,
		"payment_intent": charge["payment_intent"],
		"payment_method": charge["payment_method"],
		"reason": reason,
		"receipt_number": None,
		"source_transfer_reversal": None,
		"status": status,
		"transfer_reversal": None,
	}


def card_reference() -> str:
	"""Return the number by which the customer's bank can find a refund."""
	return f"7402714633{secrets.randbelow(10**13):013d}"


def _destination(charge: StripeObject) -> StripeObject | None:
	if charge["payment_method_details"]["type"] != "card":
		return None
	return {
		"card": {
			"reference_status": "pending",
			"reference_type": "acquirer_reference_number",
			"type": "refund",
		},
		"type": "card",
	}
