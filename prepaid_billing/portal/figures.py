"""Figures and prices as the customer's pages write them. Amounts are in major units."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, localcontext

import frappe
from babel.numbers import format_decimal
from frappe import _

from prepaid_billing.calls.pricing import minutes_of
from prepaid_billing.display import minutes_in_words, money, whole
from prepaid_billing.rating.money import exponent
from prepaid_billing.rating.price import Rate


def price_in_words(rate: Rate | None, currency: str) -> str:
	"""Return today's price of a call in one line, or nothing where no rate applies."""
	if not rate:
		return ""
	price = _("{0} per minute").format(money(rate.rate_per_minute, currency, exact=True))
	if rate.billing_increment == 1:
		price = _("{0}, billed by the second").format(price)
	else:
		price = _("{0}, billed in steps of {1} seconds").format(price, whole(rate.billing_increment))
	if rate.connection_fee:
		fee = money(rate.connection_fee, currency, exact=True)
		price = _("{0}, plus {1} per call").format(price, fee)
	return price


def minutes(rate: Rate | None, amount: Decimal) -> str:
	"""Return in words the whole minutes that an amount pays for, or nothing where calls have no price."""
	whole = minutes_of(rate, amount) if rate else None
	return "" if whole is None else minutes_in_words(whole)


def number(value: int | Decimal, pattern: str) -> str:
	"""Return a number in the user's language, by a pattern such as ``#,##0.00``, rounded half up as amounts are."""
	with localcontext() as context:
		context.rounding = ROUND_HALF_UP
		return format_decimal(value, pattern, locale=language())


def language() -> str:
	"""Return the user's language as Babel names it."""
	return frappe.local.lang.replace("-", "_")


def short(amount: Decimal, currency: str) -> str:
	"""Return an amount without its decimals where they are zero."""
	places = exponent(currency)
	return (
		re.sub(rf"[.,]0{{{places}}}(?=\D*$)", "", money(amount, currency))
		if places
		else money(amount, currency)
	)


def signed(amount: Decimal, currency: str, decimals: int = 0) -> str:
	"""Return an exact amount with its sign, also where it is a plus, and with at least so many decimals."""
	return ("+" if amount > 0 else "") + money(amount, currency, exact=True, decimals=decimals)
