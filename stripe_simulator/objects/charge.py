"""The charge: one attempt to take money from a card."""

from __future__ import annotations

import secrets

from stripe_simulator.cards import Card, Decline
from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject


def build_charge(
	intent: StripeObject, method: StripeObject, card: Card, created: int, business_name: str
) -> StripeObject:
	"""Build the charge of an attempt: paid, or failed where the card is declined.

	The metadata is the intent's at this moment. `balance_transaction` is null: with asynchronous capture it comes later.
	"""
	decline = card.decline
	return {
		"id": new_id("ch_3S", 23),
		"object": "charge",
		"amount": intent["amount"],
		"amount_captured": 0 if decline else intent["amount"],
		"amount_refunded": 0,
		"application": None,
		"application_fee": None,
		"application_fee_amount": None,
		"balance_transaction": None,
		"billing_details": method["billing_details"],
		"calculated_statement_descriptor": business_name.upper()[:22],
		"captured": not decline,
		"created": created,
		"currency": intent["currency"],
		"customer": intent["customer"],
		"description": intent["description"],
		"disputed": False,
		"failure_balance_transaction": None,
		"failure_code": decline.code if decline else None,
		"failure_message": decline.message if decline else None,
		"fraud_details": {},
		"livemode": False,
		"metadata": dict(intent["metadata"]),
		"on_behalf_of": None,
		"outcome": _outcome(decline),
		"paid": not decline,
		"payment_intent": intent["id"],
		"payment_method": method["id"],
		"payment_method_details": {
			"card": _card_details(method["card"], intent["amount"], not decline),
			"type": "card",
		},
		"radar_options": {},
		"receipt_email": intent["receipt_email"],
		"receipt_number": None,
		"receipt_url": None,
		"refunded": False,
		"review": None,
		"shipping": None,
		"source": None,
		"source_transfer": None,
		"statement_descriptor": None,
		"statement_descriptor_suffix": None,
		"status": "failed" if decline else "succeeded",
		"transfer_data": None,
		"transfer_group": None,
	}


def _outcome(decline: Decline | None) -> StripeObject:
	if decline is None:
		return {
			"advice_code": None,
			"network_advice_code": None,
			"network_decline_code": None,
			"network_status": "approved_by_network",
			"reason": None,
			"risk_level": "normal",
			"risk_score": 12,
			"seller_message": "Payment complete.",
			"type": "authorized",
		}
	return {
		"advice_code": decline.advice_code,
		"network_advice_code": None,
		"network_decline_code": decline.network_decline_code,
		"network_status": "declined_by_network" if decline.by_issuer else "not_sent_to_network",
		"reason": decline.decline_code,
		"risk_level": "normal",
		"risk_score": 33,
		"seller_message": decline.seller_message,
		"type": "issuer_declined" if decline.by_issuer else "invalid",
	}


def _card_details(card: StripeObject, amount: int, authorized: bool) -> StripeObject:
	return {
		"amount_authorized": amount if authorized else None,
		"authorization_code": f"{secrets.randbelow(10**6):06d}" if authorized else None,
		"brand": card["brand"],
		"checks": dict(card["checks"]),
		"country": card["country"],
		"exp_month": card["exp_month"],
		"exp_year": card["exp_year"],
		"extended_authorization": {"status": "disabled"},
		"fingerprint": card["fingerprint"],
		"funding": card["funding"],
		"incremental_authorization": {"status": "unavailable"},
		"installments": None,
		"last4": card["last4"],
		"mandate": None,
		"multicapture": {"status": "unavailable"},
		"network": card["brand"],
		"network_token": {"used": False},
		"network_transaction_id": f"{secrets.randbelow(10**15):015d}",
		"overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
		"regulated_status": card["regulated_status"],
		"three_d_secure": None,
		"wallet": None,
	}
