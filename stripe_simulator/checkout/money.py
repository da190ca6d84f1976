"""Amounts as people read them."""

from __future__ import annotations

from stripe_simulator.currency import decimals_of, plain_amount

NO_BREAK_SPACE = "\u00a0"
_SIGNS = {"eur": "€", "usd": "$", "gbp": "£", "jpy": "¥", "inr": "₹", "krw": "₩", "ils": "₪", "vnd": "₫"}


def format_amount(amount: int, currency: str, language: str) -> str:
	"""Write minor units as in `1.234,56 €` (language de) or `€1,234.56` (any other)."""
	whole, _, fraction = plain_amount(amount, currency).partition(".")
	sign = _SIGNS.get(currency, currency.upper())
	grouped = f"{int(whole):,}"
	if language == "de":
		number = grouped.replace(",", ".") + (f",{fraction}" if decimals_of(currency) else "")
		return f"{number}{NO_BREAK_SPACE}{sign}"
	number = grouped + (f".{fraction}" if decimals_of(currency) else "")
	return f"{sign}{number}" if currency in _SIGNS else f"{sign}{NO_BREAK_SPACE}{number}"
