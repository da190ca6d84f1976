"""Amounts as people type them, in the way in which the pages write them: ``1.000,50`` in German, ``1,000.50`` in English."""

from __future__ import annotations

import re
from decimal import Decimal

from babel.numbers import get_currency_symbol, get_decimal_symbol, get_group_symbol

from prepaid_billing.portal.figures import language, number
from prepaid_billing.rating.money import LIMIT, exact, exponent, payment_decimals


def typed_amount(text: str | None, currency: str) -> Decimal | None:
	"""Return an amount from 0, in major units, or None where the text is none that everybody would read alike.

	Thousands are grouped by the mark of the user's language alone. One or two decimals may follow a point or a comma,
	because no language groups by so few digits. ``1.000`` is a thousand in German and nothing at all in English.
	"""
	places = exponent(currency)
	written = _without_currency(text or "", currency)
	group, mark = re.escape(get_group_symbol(language())), re.escape(get_decimal_symbol(language()))
	for whole, decimal in (
		("[0-9]+", mark if places > 2 else "[.,]"),
		(rf"[0-9]{{1,3}}(?:{group}[0-9]{{3}})+", mark),
	):
		decimals = rf"(?:{decimal}([0-9]{{1,{places}}}))?" if places else "()"
		if found := re.fullmatch(rf"({whole}){decimals}", written):
			amount = Decimal(f"{re.sub('[^0-9]', '', found[1])}.{found[2] or 0}")
			return exact(amount) if amount < LIMIT else None
	return None


def example(currency: str) -> str:
	"""Return an amount as it may be typed, for a sentence that asks for one."""
	places = payment_decimals(currency)
	return number(Decimal("12.5"), "0." + "0" * places if places else "0")


def _without_currency(text: str, currency: str) -> str:
	"""Return a text without the currency before or behind it, by its code or its sign."""
	names = "|".join(re.escape(name) for name in (currency, get_currency_symbol(currency, locale=language())))
	return re.sub(rf"^(?:{names})\s*|\s*(?:{names})$", "", text.strip())
