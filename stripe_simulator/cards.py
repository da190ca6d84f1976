"""Stripe's test cards: what each number does, and the tokens that stand for them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from stripe_simulator.behaviour import (
	EXPIRED_CARD,
	GENERIC_DECLINE,
	INSUFFICIENT_FUNDS,
	LOST_CARD,
	NO_TEST_CARD,
	Behaviour,
)

GROUPED_TEST_CARDS = {
	"4242 4242 4242 4242": "card_pays",
	"4000 0000 0000 9995": "card_insufficient_funds",
	"4000 0000 0000 0002": "card_declined",
	"4000 0000 0000 3220": "card_authentication",
	"4000 0000 0000 0259": "card_dispute",
}
"""The numbers the Checkout page tells about, each with the key of its text, the one that pays first."""

_BEHAVIOURS = {
	"4242424242424242": Behaviour(),
	"5555555555554444": Behaviour(),
	"378282246310005": Behaviour(),
	"4000000000000077": Behaviour(),
	"4000000000009995": Behaviour(INSUFFICIENT_FUNDS, attaches=False),
	"4000000000000002": Behaviour(GENERIC_DECLINE, attaches=False),
	"4000000000009987": Behaviour(LOST_CARD, attaches=False),
	"4000000000000069": Behaviour(EXPIRED_CARD, attaches=False),
	"4000000000000341": Behaviour(GENERIC_DECLINE),
	"4000002500003155": Behaviour(authentication="until_set_up"),
	"4000002760003184": Behaviour(authentication="always"),
	"4000000000003220": Behaviour(authentication="always"),
	"4000008400001629": Behaviour(GENERIC_DECLINE, authentication="always"),
	"4000000000000259": Behaviour(dispute="fraudulent"),
	"4000000000002685": Behaviour(dispute="product_not_received"),
	"4000000000001976": Behaviour(dispute="fraudulent", inquiry=True),
	"4000000000005126": Behaviour(refund="fails_later"),
	"4000000000007726": Behaviour(refund="succeeds_later"),
}
"""docs.stripe.com/testing; any other card is declined as no test card."""
_TOKENS = {
	"visa": "4242424242424242",
	"mastercard": "5555555555554444",
	"amex": "378282246310005",
	"bypassPending": "4000000000000077",
	"chargeDeclined": "4000000000000002",
	"visa_chargeDeclined": "4000000000000002",
	"chargeDeclinedInsufficientFunds": "4000000000009995",
	"visa_chargeDeclinedInsufficientFunds": "4000000000009995",
	"visa_chargeDeclinedLostCard": "4000000000009987",
	"chargeDeclinedExpiredCard": "4000000000000069",
	"chargeCustomerFail": "4000000000000341",
	"authenticationRequiredOnSetup": "4000002500003155",
	"authenticationRequired": "4000002760003184",
	"threeDSecure2Required": "4000000000003220",
	"threeDSecureRequiredChargeDeclined": "4000008400001629",
	"createDispute": "4000000000000259",
	"createDisputeProductNotReceived": "4000000000002685",
	"createDisputeInquiry": "4000000000001976",
	"refundFail": "4000000000005126",
	"pendingRefund": "4000000000007726",
}
"""What follows `pm_card_` or `tok_`."""
_BRANDS = (
	("visa", r"4"),
	("mastercard", r"5[1-5]|2[2-7]"),
	("amex", r"3[47]"),
	("discover", r"6011|64|65"),
	("diners", r"3[0689]"),
	("jcb", r"35"),
)


@dataclass(frozen=True)
class Card:
	"""A card without its number."""

	brand: str
	last4: str
	exp_month: int
	exp_year: int
	fingerprint: str
	behaviour: Behaviour


def card_of(number: str, exp_month: int, exp_year: int) -> Card:
	"""Return the card of a valid number (digits only); the number itself is kept nowhere."""
	brand = next((brand for brand, start in _BRANDS if re.match(start, number)), "unknown")
	fingerprint = hashlib.sha256(number.encode()).hexdigest()[:16]
	behaviour = _BEHAVIOURS.get(number, Behaviour(NO_TEST_CARD, attaches=False))
	return Card(brand, number[-4:], exp_month, exp_year, fingerprint, behaviour)


def card_of_token(token: str, year: int) -> Card | None:
	"""Return the test card behind `pm_card_visa` or `tok_visa`, valid until next `year`'s end, or None."""
	match = re.fullmatch(r"(?:pm_card|tok)_(\w+)", token)
	number = _TOKENS.get(match[1]) if match else None
	return card_of(number, 12, year + 1) if number else None


def is_card_number(digits: str) -> bool:
	"""Tell whether this is a card number: 12 to 19 digits with a right check digit (Luhn)."""
	if not re.fullmatch(r"[0-9]{12,19}", digits):
		return False
	total = 0
	for position, digit in enumerate(reversed(digits)):
		value = int(digit) * (1 + position % 2)
		total += value - 9 if value > 9 else value
	return total % 10 == 0
