"""The payment method: a card or a bank account, without its number."""

from __future__ import annotations

from typing import Any

from stripe_simulator.bank_accounts import BankAccount
from stripe_simulator.cards import Card
from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject

_ADDRESS_PARTS = ("city", "country", "line1", "line2", "postal_code", "state")


def build_billing_details(sent: dict[str, Any]) -> StripeObject:
	"""Build the billing details; the Checkout page asks for name and e-mail address only."""
	address = sent.get("address") or {}
	return {
		"address": {part: address.get(part) for part in _ADDRESS_PARTS},
		"email": sent.get("email"),
		"name": sent.get("name"),
		"phone": sent.get("phone"),
		"tax_id": None,
	}


def build_payment_method(
	instrument: Card | BankAccount, billing_details: StripeObject, created: int, metadata: dict[str, str]
) -> StripeObject:
	"""Build a payment method that belongs to no customer."""
	details = _card(instrument) if isinstance(instrument, Card) else _sepa_debit(instrument)
	kind = "card" if isinstance(instrument, Card) else "sepa_debit"
	return {
		"id": new_id("pm_1S", 23),
		"object": "payment_method",
		"allow_redisplay": "limited",
		"billing_details": billing_details,
		kind: details,
		"created": created,
		"customer": None,
		"customer_account": None,
		"livemode": False,
		"metadata": metadata,
		"type": kind,
	}


def _card(card: Card) -> StripeObject:
	return {
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
	}


def _sepa_debit(account: BankAccount) -> StripeObject:
	return {
		"bank_code": account.bank_code,
		"branch_code": "",
		"country": account.country,
		"fingerprint": account.fingerprint,
		"generated_from": {"charge": None, "setup_attempt": None},
		"last4": account.last4,
	}
