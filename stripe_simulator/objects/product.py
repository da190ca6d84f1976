"""The product: what a price is for."""

from __future__ import annotations

from typing import Any

from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject


def build_product(params: dict[str, Any], created: int) -> StripeObject:
	"""Build an active product."""
	return {
		"id": new_id("prod_T", 13),
		"object": "product",
		"active": True,
		"created": created,
		"default_price": None,
		"description": params.get("description"),
		"images": params.get("images", []),
		"livemode": False,
		"marketing_features": [],
		"metadata": params.get("metadata", {}),
		"name": params["name"],
		"package_dimensions": None,
		"shippable": None,
		"statement_descriptor": None,
		"tax_code": params.get("tax_code"),
		"type": "service",
		"unit_label": None,
		"updated": created,
		"url": None,
	}
