"""Currencies: how many decimals they have and how little or much a card may be charged."""

from __future__ import annotations

import re
from typing import Any

from stripe_simulator.errors import ApiError, parameter_invalid

MAX_AMOUNT = 99_999_999
"""Eight digits in minor units, in every currency."""
_ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
_THREE_DECIMAL = frozenset("bhd jod kwd omr tnd".split())
_WHOLE_UNITS_IN_HUNDREDTHS = frozenset("isk ugx".split())
_MINIMUM = {
	"aed": 200,
	"czk": 1500,
	"dkk": 250,
	"gbp": 30,
	"hkd": 400,
	"huf": 17500,
	"mxn": 1000,
	"myr": 200,
	"nok": 300,
	"pln": 200,
	"ron": 200,
	"sek": 300,
	"thb": 1000,
}
"""docs.stripe.com/currencies#minimum-and-maximum-charge-amounts; where it names none, 50 stands for 0.50."""
_KNOWN = frozenset(
	"""aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf
	clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils
	inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk
	mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp
	sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xof xpf yer zar
	zmw""".split()
)


class Currency:
	"""A parameter with a three-letter currency; upper case is taken and turned into lower case."""

	def parse(self, value: Any, path: str) -> str:
		"""Return the lower-case code, or raise ApiError for a currency that Stripe doesn't know."""
		code = value.lower() if isinstance(value, str) else ""
		if not re.fullmatch(r"[a-z]{3}", code) or code not in _KNOWN:
			raise parameter_invalid(path, f"Invalid currency: {value}", "parameter_invalid_string")
		return code


def decimals_of(currency: str) -> int:
	"""Return the number of decimals: 100 minor units are 1.00 EUR, 100 JPY or 0.100 KWD."""
	if currency in _ZERO_DECIMAL:
		return 0
	return 3 if currency in _THREE_DECIMAL else 2


def check_amount(amount: int, currency: str, subject: str, param: str | None = None) -> None:
	"""Refuse an amount (minor units) that cannot be charged or is too small or too large; `subject` begins the sentence."""
	minimum = _MINIMUM.get(currency, 50)
	if amount < minimum:
		raise ApiError(
			f"{subject} at least {plain_amount(minimum, currency)} {currency}",
			code="amount_too_small",
			param=param,
		)
	if amount > MAX_AMOUNT:
		raise ApiError(
			f"{subject} no more than {plain_amount(MAX_AMOUNT, currency)} {currency}",
			code="amount_too_large",
			param=param,
		)
	check_step(amount, currency, param)


def check_step(amount: int, currency: str, param: str | None = None) -> None:
	"""Refuse an amount (minor units) that the currency is not paid or refunded in.

	docs.stripe.com/currencies: the last of three decimals must be 0, and ISK and UGX, sent in hundredths, have no parts.
	The page names no error; this one is the general one for an amount in docs.stripe.com/error-codes.
	"""
	step = 100 if currency in _WHOLE_UNITS_IN_HUNDREDTHS else 10 if currency in _THREE_DECIMAL else 1
	if amount % step:
		raise ApiError(
			f"Invalid amount: {amount}. Amounts in {currency} must be evenly divisible by {step}.",
			code="invalid_charge_amount",
			param=param,
		)


def plain_amount(amount: int, currency: str) -> str:
	"""Write minor units with the currency's decimals and a point: 5000 EUR is `50.00`."""
	decimals = decimals_of(currency)
	digits = f"{amount:0{decimals + 1}d}"
	return f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits
