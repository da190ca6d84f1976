"""Value added tax. Pure: what a payment contains of it, and a part of a payment. Amounts are in major units."""

from decimal import ROUND_HALF_UP, Decimal

from prepaid_billing.rating.money import ZERO, exact, exponent


def tax_in(gross: Decimal, rate: Decimal, currency: str) -> Decimal:
	"""Return the tax in ``gross`` at ``rate`` per cent, rounded half up to the currency's smallest unit."""
	return _rounded(gross * rate / (100 + rate), currency)


def tax_of_part(part: Decimal, gross: Decimal, tax: Decimal, currency: str) -> Decimal:
	"""Return the tax in ``part`` of a payment that was ``gross`` with ``tax`` in it: none of none, all of all."""
	return _rounded(part * tax / gross, currency) if gross else ZERO


def _rounded(amount: Decimal, currency: str) -> Decimal:
	return exact(amount.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_UP))
