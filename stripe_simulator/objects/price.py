"""The price: kept for several sessions, or made on the fly for one line."""

from __future__ import annotations

from typing import Any

from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject


def build_price(params: dict[str, Any], product: str, created: int, active: bool = True) -> StripeObject:
	"""Build a one-time price in minor units; one made on the fly is not active."""
	return {
		"id": new_id("price_1S", 23),
		"object": "price",
		"active": active,
		"billing_scheme": "per_unit",
		"created": created,
		"currency": params["currency"],
		"custom_unit_amount": None,
		"livemode": False,
		"lookup_key": None,
		"metadata": params.get("metadata", {}),
		"nickname": params.get("nickname"),
		"product": product,
		"recurring": None,
		"tax_behavior": params.get("tax_behavior", "unspecified"),
		"tiers_mode": None,
		"transform_quantity": None,
		"type": "one_time",
		"unit_amount": params["unit_amount"],
		"unit_amount_decimal": str(params["unit_amount"]),
	}
