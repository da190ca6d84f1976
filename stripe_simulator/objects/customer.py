"""The customer."""

from __future__ import annotations

from typing import Any

from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject

_ADDRESS_PARTS = ("city", "country", "line1", "line2", "postal_code", "state")


def build_customer(params: dict[str, Any], created: int) -> StripeObject:
	"""Build a customer from the parameters of its creation."""
	customer: StripeObject = {
		"id": new_id("cus_T", 13),
		"object": "customer",
		"address": None,
		"balance": 0,
		"business_name": None,
		"created": created,
		"currency": None,
		"customer_account": None,
		"default_source": None,
		"delinquent": False,
		"description": None,
		"discount": None,
		"email": None,
		"individual_name": None,
		"invoice_prefix": new_id("", 8).upper(),
		"invoice_settings": {
			"custom_fields": None,
			"default_payment_method": None,
			"footer": None,
			"rendering_options": None,
		},
		"livemode": False,
		"metadata": {},
		"name": None,
		"next_invoice_sequence": 1,
		"phone": None,
		"preferred_locales": [],
		"shipping": None,
		"tax_exempt": "none",
		"test_clock": None,
	}
	update_customer(customer, params)
	return customer


def update_customer(customer: StripeObject, params: dict[str, Any]) -> None:
	"""Set what was sent: metadata is merged key by key, and an empty value removes its key."""
	changes = dict(params)
	if "metadata" in changes:
		changes["metadata"] = merged_metadata(customer["metadata"], changes["metadata"])
	if changes.get("address"):
		changes["address"] = {part: changes["address"].get(part) for part in _ADDRESS_PARTS}
	customer.update(changes)


def merged_metadata(old: dict[str, str], sent: dict[str, str]) -> dict[str, str]:
	"""Return the old keys with the sent ones over them; an empty value, or nothing sent at all, removes."""
	if not sent:
		return {}
	return {key: text for key, text in {**old, **sent}.items() if text}
