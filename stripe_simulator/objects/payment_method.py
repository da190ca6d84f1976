"""The payment method: a card as it was typed on the Checkout page, without its number."""

from __future__ import annotations

from stripe_simulator.cards import Card
from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject


def build_billing_details(name: str, email: str | None) -> StripeObject:
	"""Build the billing details; the page asks for no address."""
	return {
		"address": {
			"city": None,
			"country": None,
			"line1": None,
			"line2": None,
			"postal_code": None,
			"state": None,
		},
		"email": email,
		"name": name,
		"phone": None,
		"tax_id": None,
	}


def build_payment_method(card: Card, billing_details: StripeObject, created: int) -> StripeObject:
	"""Build a payment method that belongs to no customer."""
	return {
		"id": new_id("pm_1S", 23),
		"object": "payment_method",
		"allow_redisplay": "limited",
		"billing_details": billing_details,
		"card": {
			"brand": card.brand,
			"checks": {
				"address_line1_check": None,
				"address_postal_code_check": None,
				"cvc_check": "pass",
			},
			"country": "DE",
			"display_brand": card.brand,
			"exp_month": card.exp_month,
			"exp_year": card.exp_year,
			"fingerprint": card.fingerprint,
			"funding": "credit",
			"generated_from": None,
			"last4": card.last4,
			"networks": {"available": [card.brand], "preferred": None},
			"regulated_status": "unregulated",
			"three_d_secure_usage": {"supported": True},
			"wallet": None,
		},
		"created": created,
		"customer": None,
		"customer_account": None,
		"livemode": False,
		"metadata": {},
		"type": "card",
	}
