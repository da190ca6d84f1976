"""The Checkout Session, for one payment."""

from __future__ import annotations

from typing import Any

from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject

LIFETIME = 24 * 60 * 60
"""Seconds a session stays open when `expires_at` isn't given."""


def build_session(
	params: dict[str, Any],
	*,
	amount: int,
	currency: str,
	types: list[str],
	customer: StripeObject | None,
	created: int,
	base_url: str,
) -> StripeObject:
	"""Build an open, unpaid session; `amount` is the sum of its lines in minor units."""
	id = new_id("cs_test_a1", 56)
	email = customer["email"] if customer else params.get("customer_email")
	return {
		"id": id,
		"object": "checkout.session",
		"adaptive_pricing": {"enabled": False},
		"after_expiration": None,
		"allow_promotion_codes": None,
		"amount_subtotal": amount,
		"amount_total": amount,
		"automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
		"billing_address_collection": None,
		"cancel_url": params.get("cancel_url"),
		"client_reference_id": params.get("client_reference_id"),
		"client_secret": None,
		"collected_information": {"business_name": None, "individual_name": None, "shipping_details": None},
		"consent": None,
		"consent_collection": None,
		"created": created,
		"currency": currency,
		"currency_conversion": None,
		"custom_fields": [],
		"custom_text": {
			"after_submit": None,
			"shipping_address": None,
			"submit": None,
			"terms_of_service_acceptance": None,
		},
		"customer": customer["id"] if customer else None,
		"customer_account": None,
		"customer_creation": None if customer else params.get("customer_creation", "if_required"),
		"customer_details": customer_details(email) if email else None,
		"customer_email": params.get("customer_email"),
		"discounts": [],
		"expires_at": params.get("expires_at", created + LIFETIME),
		"integration_identifier": None,
		"invoice": None,
		"invoice_creation": _no_invoice(),
		"livemode": False,
		"locale": params.get("locale"),
		"managed_payments": None,
		"metadata": params.get("metadata", {}),
		"mode": "payment",
		"origin_context": None,
		"payment_intent": None,
		"payment_link": None,
		"payment_method_collection": "if_required",
		"payment_method_configuration_details": None,
		"payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
		"payment_method_types": types,
		"payment_status": "unpaid",
		"permissions": None,
		"phone_number_collection": {"enabled": False},
		"recovered_from": None,
		"saved_payment_method_options": None,
		"setup_intent": None,
		"shipping_address_collection": None,
		"shipping_cost": None,
		"shipping_options": [],
		"status": "open",
		"submit_type": params.get("submit_type"),
		"subscription": None,
		"success_url": params["success_url"],
		"total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
		"ui_mode": "hosted_page",
		"url": f"{base_url}/c/pay/{id}",
		"wallet_options": None,
	}


def customer_details(email: str | None, payer: StripeObject | None = None) -> StripeObject:
	"""Build `customer_details`; `payer` are the billing details once somebody paid."""
	return {
		"address": payer["address"] if payer else None,
		"business_name": None,
		"email": email,
		"individual_name": None,
		"name": payer["name"] if payer else None,
		"phone": None,
		"tax_exempt": "none",
		"tax_ids": [] if payer else None,
	}


def _no_invoice() -> StripeObject:
	return {
		"enabled": False,
		"invoice_data": {
			"account_tax_ids": None,
			"custom_fields": None,
			"description": None,
			"footer": None,
			"issuer": None,
			"metadata": {},
			"rendering_options": None,
		},
	}
