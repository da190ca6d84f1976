"""Money and moments as people read them. For pages and mails; never parsed back."""

from collections.abc import Iterable
from copy import copy
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, lru_cache

import frappe
from babel import Locale, localedata
from babel.dates import format_date, format_datetime
from babel.numbers import NumberPattern, format_currency, format_decimal, format_percent
from frappe import _

from prepaid_billing.rating.money import exponent


def money(
	amount: Decimal, currency: str, language: str | None = None, exact: bool = False, decimals: int = 0
) -> str:
	"""Return an amount such as ``12,34 €`` or ``€12.34``, negative ones with a real minus sign.

	Rounded to the currency's own decimals, or with up to six where ``exact`` is asked for; of these at least ``decimals``
	are written.
	"""
	places = max(exponent(currency), decimals)
	shown = amount if exact else amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
	text = _unsigned(abs(shown), currency, places, exact, _locale(language))
	return f"−{text}" if shown < 0 else text


def decimals_of(amounts: Iterable[Decimal], currency: str) -> int:
	"""Return how many decimals show all of these amounts exactly: those of a table, so that its columns can be compared."""
	needed = [-int(amount.normalize().as_tuple().exponent) for amount in amounts]
	return max(exponent(currency), *needed, 0)


def moment(value: datetime | None, language: str | None = None) -> str:
	"""Return a site time such as ``22.11.2026, 14:05`` or ``22 Nov 2026, 14:05``, or nothing."""
	if value is None:
		return ""
	locale = _locale(language)
	pattern = "dd.MM.y, HH:mm" if locale.startswith("de") else "d MMM y, HH:mm"
	return format_datetime(value, pattern, locale=_parsed(locale))


def day_of(value: date | None, language: str | None = None) -> str:
	"""Return a day, or that of a site time, such as ``22.11.2026`` or ``22 Nov 2026``, or nothing."""
	if value is None:
		return ""
	pattern = "dd.MM.y" if _locale(language).startswith("de") else "d MMM y"
	return format_date(value, pattern, locale=_locale(language))


def weekday_of(value: date, language: str | None = None) -> str:
	"""Return the name of a day of the week, such as ``Sunday``."""
	return format_date(value, "EEEE", locale=_locale(language))


def month_of(value: date, language: str | None = None) -> str:
	"""Return the month of a day, such as ``November 2026``."""
	return format_date(value, "LLLL y", locale=_locale(language))


def time_of(value: datetime) -> str:
	"""Return the time of a day, such as ``14:05``."""
	return f"{value:%H:%M}"


def length(seconds: int) -> str:
	"""Return a length as people read it: ``1:05`` or ``2:03:09``."""
	hours, rest = divmod(seconds, 3600)
	minutes, seconds = divmod(rest, 60)
	return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def percentage(rate: Decimal, language: str | None = None) -> str:
	"""Return a rate in per cent such as ``7,7 %`` or ``7.7%``."""
	locale = _locale(language)
	return format_percent(rate / 100, _percent_pattern(locale), locale=_parsed(locale))


def whole(number: int, language: str | None = None) -> str:
	"""Return a whole number such as ``12.345`` or ``12,345``."""
	return format_decimal(number, "#,##0", locale=_locale(language))


def minutes_in_words(minutes: int) -> str:
	"""Return a number of minutes such as ``1 minute`` or ``12,345 minutes``."""
	return _("1 minute") if minutes == 1 else _("{0} minutes").format(whole(minutes))


def calls_in_words(calls: int) -> str:
	"""Return a number of calls such as ``1 call`` or ``12,345 calls``."""
	return _("1 call") if calls == 1 else _("{0} calls").format(whole(calls))


def transactions_in_words(entries: int) -> str:
	"""Return a number of transactions such as ``1 transaction`` or ``12,345 transactions``."""
	return _("1 transaction") if entries == 1 else _("{0} transactions").format(whole(entries))


def days_in_words(days: int) -> str:
	"""Return how long a balance lasts, such as ``about 12 days``."""
	if days >= 365:
		return _("more than a year")
	if days > 1:
		return _("about {0} days").format(days)
	return _("about 1 day") if days else _("less than a day")


@lru_cache(maxsize=4096)
def _unsigned(amount: Decimal, currency: str, places: int, exact: bool, locale: str) -> str:
	"""Kept for the prices that stand in every row of a table."""
	return format_currency(
		amount,
		currency,
		format=_pattern(places, exact, locale),
		locale=_parsed(locale),
		currency_digits=False,
	)


@cache
def _pattern(places: int, exact: bool, locale: str) -> NumberPattern:
	"""Return the language's own pattern of an amount, with the currency's decimals."""
	return _with_decimals(_parsed(locale).currency_formats["standard"], places, 6 if exact else places)


@cache
def _percent_pattern(locale: str) -> NumberPattern:
	return _with_decimals(_parsed(locale).percent_formats[None], 0, 3)


def _with_decimals(pattern: NumberPattern, least: int, most: int) -> NumberPattern:
	found = copy(pattern)
	found.frac_prec = (least, most)
	return found


@cache
def _parsed(locale: str) -> Locale:
	return Locale.parse(locale)


def _locale(language: str | None) -> str:
	code = (language or frappe.local.lang or "en").replace("-", "_")
	return code if localedata.exists(code) else "en"
