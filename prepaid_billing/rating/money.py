"""Money as exact decimals: the one way in from outside, and the one seam to the database.

Every amount has at most six decimals and stays below 10^9, in the currency's major unit. Frappe reads
DECIMAL(21,9) columns as float; within these limits an amount has 15 digits at most, so the shortest text of
the float, which ``str`` gives, is exactly what was stored.
"""

import re
from decimal import Decimal, InvalidOperation

SCALE = 6
LIMIT = Decimal(10) ** 9
ZERO = Decimal("0.000000")
_AMOUNT = re.compile(r"-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,6})?")

# https://docs.stripe.com/currencies: minor units are hundredths but for these. UGX stands in Stripe's list of
# currencies without decimals, yet its special cases, as ISK's, take hundredths: 5 UGX are sent as 500.
_NO_DECIMALS = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
_THREE_DECIMALS = frozenset("BHD JOD KWD OMR TND".split())
_HUNDREDTHS_BY_CUSTOM = frozenset("ISK UGX".split())


def N_(text: str) -> str:
	"""Mark a text for translation, as gettext does; who shows it to a person translates it."""
	return text


class AmountError(ValueError):
	"""The value is no amount of money that we accept. The message is a sentence for people."""


def parse_amount(value: object) -> Decimal:
	"""Return a positive amount from outside, as a Decimal with six places.

	Takes a string such as ``"12.34"`` or an int. Raises AmountError for everything else: floats (they have
	already lost digits), bool, None, exponents, separators, blanks, zero, negative or too large numbers.
	"""
	amount = parse_signed_amount(value)
	if amount <= 0:
		raise AmountError(N_("The amount must be greater than zero."))
	return amount


def parse_signed_amount(value: object) -> Decimal:
	"""As parse_amount, but zero and negative amounts pass too."""
	if isinstance(value, int) and not isinstance(value, bool):
		value = str(value)
	if not isinstance(value, str):
		raise AmountError(N_('Send the amount as a string, such as "12.34".'))
	if not _AMOUNT.fullmatch(value):
		raise AmountError(
			N_("The amount must be a plain number below 1000000000 with at most six decimals after a point.")
		)
	return exact(Decimal(value))


def from_database(value: float | int | str | Decimal | None) -> Decimal:
	"""Return the exact amount behind a value that the database gave: a float by Frappe, or its text.

	Raises AmountError where the value could not have been written by us: no number, too large, too many
	decimals. An empty column is zero.
	"""
	if value is None:
		return ZERO
	try:
		return exact(Decimal(str(value)))
	except InvalidOperation as error:
		raise AmountError(N_("This is no amount of money.")) from error


def exact(amount: Decimal) -> Decimal:
	"""Return the same amount with six places, zero without a sign. Never rounds.

	Raises AmountError for NaN, infinity, 10^9 and beyond, and more than six decimals.
	"""
	if not amount.is_finite() or abs(amount) >= LIMIT:
		raise AmountError(N_("This amount is outside of the ledger's limits."))
	six_places = amount.quantize(ZERO)
	if six_places != amount:
		raise AmountError(N_("This amount has more decimals than the ledger keeps."))
	return six_places + ZERO


def as_text(amount: Decimal) -> str:
	"""Return an amount as API answers carry it: plain digits with six decimals, such as ``"12.340000"``."""
	return f"{amount:.{SCALE}f}"


def exponent(currency: str) -> int:
	"""Return how many decimals an amount of ``currency`` (ISO 4217, any case) has at Stripe."""
	code = currency.upper()
	if code in _NO_DECIMALS:
		return 0
	return 3 if code in _THREE_DECIMALS else 2


def payment_step(currency: str) -> Decimal:
	"""Return the amount, in major units, of which Stripe takes multiples alone (currency: ISO 4217, any case).

	One smallest unit, but the last of three decimals must be 0, and ISK and UGX have no parts although they are sent
	in hundredths: https://docs.stripe.com/currencies, "Three-decimal currencies" and "Special cases".
	"""
	code = currency.upper()
	if code in _HUNDREDTHS_BY_CUSTOM:
		return Decimal(1)
	return Decimal("0.010") if code in _THREE_DECIMALS else Decimal(1).scaleb(-exponent(code))


def payment_decimals(currency: str) -> int:
	"""Return how many decimals an amount to pay is written with: none where only whole units can be paid."""
	return exponent(currency) if payment_step(currency) < 1 else 0
