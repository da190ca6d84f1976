"""Stripe's test cards: what each number does."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

GROUPED_TEST_CARDS = ("4242 4242 4242 4242", "4000 0000 0000 9995", "4000 0000 0000 0002")
"""The numbers the Checkout page tells about, the one that pays first."""


@dataclass(frozen=True)
class Decline:
	"""Why a card was declined; `by_issuer` is False where no bank was asked."""

	decline_code: str
	message: str
	seller_message: str
	network_decline_code: str | None = None
	advice_code: str | None = None
	by_issuer: bool = True
	code: str = "card_declined"


GENERIC_DECLINE = Decline(
	"generic_decline",
	"Your card was declined.",
	"The bank did not return any further details with this decline.",
	network_decline_code="01",
	advice_code="try_again_later",
)
INSUFFICIENT_FUNDS = Decline(
	"insufficient_funds",
	"Your card has insufficient funds.",
	"The bank returned the decline code `insufficient_funds`.",
	network_decline_code="51",
	advice_code="try_again_later",
)
NO_TEST_CARD = Decline(
	"test_mode_live_card",
	"Your card was declined. Your request was in test mode, but used a non test (real) card. "
	"For a list of valid test cards, visit: https://stripe.com/docs/testing.",
	"A non-test card was used in test mode.",
	by_issuer=False,
)
_OUTCOMES: dict[str, Decline | None] = {
	"4242424242424242": None,
	"4000000000009995": INSUFFICIENT_FUNDS,
	"4000000000000002": GENERIC_DECLINE,
}
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
	"""A card without its number; `decline` None means that it pays."""

	brand: str
	last4: str
	exp_month: int
	exp_year: int
	fingerprint: str
	decline: Decline | None


def card_of(number: str, exp_month: int, exp_year: int) -> Card:
	"""Return the card of a valid number (digits only); the number itself is kept nowhere."""
	brand = next((brand for brand, start in _BRANDS if re.match(start, number)), "unknown")
	fingerprint = hashlib.sha256(number.encode()).hexdigest()[:16]
	decline = _OUTCOMES.get(number, NO_TEST_CARD)
	return Card(brand, number[-4:], exp_month, exp_year, fingerprint, decline)


def is_card_number(digits: str) -> bool:
	"""Tell whether this is a card number: 12 to 19 digits with a right check digit (Luhn)."""
	if not re.fullmatch(r"[0-9]{12,19}", digits):
		return False
	total = 0
	for position, digit in enumerate(reversed(digits)):
		value = int(digit) * (1 + position % 2)
		total += value - 9 if value > 9 else value
	return total % 10 == 0
