"""Money and rates by the pattern of each language, with the currency's own decimals. CLDR's patterns, as Babel has them."""

from decimal import Decimal

import pytest

from prepaid_billing.display import decimals_of, money, percentage


@pytest.mark.parametrize(
	"language,currency,amount,shown",
	[
		("en", "EUR", "1234.5", "€1,234.50"),
		("en", "CHF", "1234.5", "CHF1,234.50"),
		("en", "JPY", "1234.5", "¥1,235"),
		("en", "EUR", "-0.005", "−€0.01"),
		("en-GB", "GBP", "12.34", "£12.34"),
		("de", "EUR", "1234.5", "1.234,50\u00a0€"),
		("de", "CHF", "12.34", "12,34\u00a0CHF"),
		("de", "HUF", "1234.5", "1.234,50\u00a0HUF"),
		("de", "EUR", "-12.34", "−12,34\u00a0€"),
		("fr", "EUR", "1234.5", "1\u202f234,50\u00a0€"),
		("nl", "EUR", "12.34", "€\u00a012,34"),
		("sv", "EUR", "12.34", "12,34\u00a0€"),
		("xx", "EUR", "12.34", "€12.34"),
	],
)
def test_an_amount_has_the_pattern_of_its_language(
	language: str, currency: str, amount: str, shown: str
) -> None:
	assert money(Decimal(amount), currency, language) == shown


@pytest.mark.parametrize(
	"language,amount,shown",
	[
		("en", "0.42", "€0.42"),
		("en", "0.4275", "€0.4275"),
		("de", "0.000001", "0,000001\u00a0€"),
		("de", "100", "100,00\u00a0€"),
		("fr", "0.4275", "0,4275\u00a0€"),
	],
)
def test_an_exact_amount_keeps_up_to_six_decimals(language: str, amount: str, shown: str) -> None:
	assert money(Decimal(amount), "EUR", language, exact=True) == shown


@pytest.mark.parametrize(
	"amounts,currency,decimals",
	[
		((), "EUR", 2),
		(("12.500000", "100"), "EUR", 2),
		(("12.5", "-0.01234"), "EUR", 5),
		(("0.000001", "0"), "EUR", 6),
		(("1000000", "0.000000"), "JPY", 0),
		(("1", "0.42"), "JPY", 2),
		(("1",), "KWD", 3),
	],
)
def test_a_table_has_the_decimals_that_its_longest_amount_needs(
	amounts: tuple[str, ...], currency: str, decimals: int
) -> None:
	found = [Decimal(amount) for amount in amounts]
	assert decimals_of(found, currency) == decimals
	for amount in found:
		text = money(amount, currency, "en", exact=True, decimals=decimals)
		assert len(text.partition(".")[2]) == decimals
		assert Decimal("".join(sign for sign in text.replace("−", "-") if sign in "-.0123456789")) == amount


@pytest.mark.parametrize(
	"language,rate,shown",
	[
		("en", "7.7", "7.7%"),
		("en", "19", "19%"),
		("de", "7.7", "7,7\u00a0%"),
		("de", "19.00", "19\u00a0%"),
		("sv", "5.5", "5,5\u00a0%"),
		("tr", "20", "%20"),
	],
)
def test_a_rate_has_the_pattern_of_its_language(language: str, rate: str, shown: str) -> None:
	assert percentage(Decimal(rate), language) == shown
