"""A line of a Checkout Session, with the price made for it on the fly."""

from __future__ import annotations

from typing import Any

from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject


def build_line_item(params: dict[str, Any], created: int) -> StripeObject:
	"""Build a line from `line_items[n]`; amounts are in minor units of its currency."""
	price_data = params["price_data"]
	quantity = params.get("quantity", 1)
	total = price_data["unit_amount"] * quantity
	return {
		"id": new_id("li_1S", 23),
		"object": "item",
		"adjustable_quantity": None,
		"amount_discount": 0,
		"amount_subtotal": total,
		"amount_tax": 0,
		"amount_total": total,
		"currency": price_data["currency"],
		"description": price_data["product_data"]["name"],
		"metadata": params.get("metadata", {}),
		"price": _build_price(price_data, created),
		"quantity": quantity,
	}


def _build_price(price_data: dict[str, Any], created: int) -> StripeObject:
	return {
		"id": new_id("price_1S", 23),
		"object": "price",
		"active": False,
		"billing_scheme": "per_unit",
		"created": created,
		"currency": price_data["currency"],
		"custom_unit_amount": None,
		"livemode": False,
		"lookup_key": None,
		"metadata": {},
		"nickname": None,
		"product": new_id("prod_T", 13),
		"recurring": None,
		"tax_behavior": price_data.get("tax_behavior", "unspecified"),
		"tiers_mode": None,
		"transform_quantity": None,
		"type": "one_time",
		"unit_amount": price_data["unit_amount"],
		"unit_amount_decimal": str(price_data["unit_amount"]),
	}
