"""The balance transaction: what moved the merchant's money at Stripe, with the fee."""

from __future__ import annotations

from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject

AVAILABLE_AFTER = 2 * 24 * 60 * 60
"""Seconds until the money can be paid out."""


def build_balance_transaction(
	*,
	source: StripeObject,
	amount: int,
	type: str,
	reporting_category: str,
	description: str | None,
	created: int,
	fee: int = 0,
	fee_description: str = "",
) -> StripeObject:
	"""Build a movement of `amount` (minor units, negative where money leaves) in the currency of its source."""
	currency = source["currency"]
	details = {
		"amount": fee,
		"application": None,
		"currency": currency,
		"description": fee_description,
		"type": "stripe_fee",
	}
	return {
		"id": new_id("txn_3S", 23),
		"object": "balance_transaction",
		"amount": amount,
		"available_on": created + AVAILABLE_AFTER,
		"balance_type": "payments",
		"created": created,
		"currency": currency,
		"description": description,
		"exchange_rate": None,
		"fee": fee,
		"fee_details": [details] if fee else [],
		"net": amount - fee,
		"reporting_category": reporting_category,
		"source": source["id"],
		"status": "pending",
		"type": type,
	}
