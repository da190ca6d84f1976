"""The charge: one attempt to take money from a card or a bank account."""

from __future__ import annotations

import secrets
import uuid

from stripe_simulator.behaviour import Decline
from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject


def build_charge(
	intent: StripeObject,
	method: StripeObject,
	created: int,
	business_name: str,
	*,
	decline: Decline | None = None,
	authenticated: bool = False,
	capture_before: int | None = None,
) -> StripeObject:
	"""Build the charge of an attempt: declined, pending for a bank debit, held until `capture_before`, and otherwise paid.

	The metadata is the intent's at this moment. `balance_transaction` is null until the money is booked.
	"""
	by_card = method["type"] == "card"
	paid = by_card and not decline
	return {
		"id": new_id("ch_3S" if by_card else "py_3S", 23),
		"object": "charge",
		"amount": intent["amount"],
		"amount_captured": intent["amount"] if paid and not capture_before else 0,
		"amount_refunded": 0,
		"application": None,
		"application_fee": None,
		"application_fee_amount": None,
		"balance_transaction": None,
		"billing_details": method["billing_details"],
		"calculated_statement_descriptor": business_name.upper()[:22],
		"captured": not (decline or capture_before),
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
		"outcome": _outcome(decline) if by_card else _bank_outcome(),
		"paid": paid,
		"payment_intent": intent["id"],
		"payment_method": method["id"],
		"payment_method_details": {
			method["type"]: _card_details(
				method["card"], intent["amount"], paid, authenticated, capture_before
			)
			if by_card
			else _bank_details(method["sepa_debit"]),
			"type": method["type"],
		},
		"radar_options": {},
		"receipt_email": intent["receipt_email"],
		"receipt_number": None,
		"receipt_url": None,
		"refunded": False,
		"review": None,
		"shipping": intent["shipping"],
		"source": None,
		"source_transfer": None,
		"statement_descriptor": intent["statement_descriptor"],
		"statement_descriptor_suffix": intent["statement_descriptor_suffix"],
		"status": "failed" if decline else "succeeded" if by_card else "pending",
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


def _bank_outcome() -> StripeObject:
	return {
		"advice_code": None,
		"network_advice_code": None,
		"network_decline_code": None,
		"network_status": "approved_by_network",
		"reason": None,
		"risk_level": "not_assessed",
		"seller_message": "Payment complete.",
		"type": "authorized",
	}


def _card_details(
	card: StripeObject, amount: int, authorized: bool, authenticated: bool, capture_before: int | None
) -> StripeObject:
	return {
		**({"capture_before": capture_before} if authorized and capture_before else {}),
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
		"three_d_secure": _passed_authentication() if authenticated else None,
		"wallet": None,
	}


def _passed_authentication() -> StripeObject:
	return {
		"authentication_flow": "challenge",
		"electronic_commerce_indicator": "05",
		"exemption_indicator": None,
		"result": "authenticated",
		"result_reason": None,
		"transaction_id": str(uuid.uuid4()),
		"version": "2.2.0",
	}


def _bank_details(account: StripeObject) -> StripeObject:
	return {
		"bank_code": account["bank_code"],
		"branch_code": account["branch_code"],
		"country": account["country"],
		"expected_debit_date": None,
		"fingerprint": account["fingerprint"],
		"last4": account["last4"],
		"mandate": new_id("mandate_1S", 23),
	}
