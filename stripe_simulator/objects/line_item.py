"""A line of a Checkout Session."""

from __future__ import annotations

from typing import Any

from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject


def build_line_item(params: dict[str, Any], price: StripeObject, name: str) -> StripeObject:
	"""Build a line from `line_items[n]` and its price; amounts are in minor units of the price's currency."""
	quantity = params.get("quantity", 1)
	total = price["unit_amount"] * quantity
	return {
		"id": new_id("li_1S", 23),
		"object": "item",
		"adjustable_quantity": None,
		"amount_discount": 0,
		"amount_subtotal": total,
		"amount_tax": 0,
		"amount_total": total,
		"currency": price["currency"],
		"description": name,
		"metadata": params.get("metadata", {}),
		"price": price,
		"quantity": quantity,
	}
