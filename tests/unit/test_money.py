"""The strict way in for amounts, and the exact way back from the database."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepaid_billing.rating.money import (
	AmountError,
	as_text,
	exact,
	exponent,
	from_database,
	parse_amount,
	parse_signed_amount,
	payment_decimals,
	payment_step,
)

REFUSED = [
	"NaN", "Infinity", "-Infinity", "1e3", "1,000", "１２", "٣", " 5", "5 ", "5\n", "+5", "0x10", "", ".", "5.", ".5",
	"00.5", "1_000", "1.2345678", "1000000000", "0", "0.000000", "-1", "1" * 40,
	float("nan"), float("inf"), 10.0, 0.1, True, False, None, [], {}, b"5", Decimal("5"), 0, -1, 10**9,
]  # fmt: skip


@pytest.mark.parametrize("value", REFUSED, ids=repr)
def test_what_is_no_plain_positive_amount_is_refused(value: object) -> None:
	with pytest.raises(AmountError):
		parse_amount(value)


@pytest.mark.parametrize(
	"value,expected",
	[
		("12.34", "12.340000"),
		(50, "50.000000"),
		(1, "1.000000"),
		("0.000001", "0.000001"),
		("0.5", "0.500000"),
		("10.10", "10.100000"),
		(999_999_999, "999999999.000000"),
		("999999999.999999", "999999999.999999"),
	],
)
def test_a_plain_amount_is_taken_exactly(value: object, expected: str) -> None:
	assert as_text(parse_amount(value)) == expected


@pytest.mark.parametrize(
	"value,expected",
	[("-12.5", "-12.500000"), (-3, "-3.000000"), ("0", "0.000000"), (0, "0.000000"), ("-0.0", "0.000000")],
)
def test_a_signed_amount_may_be_negative_or_zero(value: object, expected: str) -> None:
	assert as_text(parse_signed_amount(value)) == expected


def test_a_refusal_says_what_to_send() -> None:
	with pytest.raises(AmountError, match=r'as a string, such as "12\.34"'):
		parse_amount(12.34)
	with pytest.raises(AmountError, match="plain number below 1000000000 with at most six decimals"):
		parse_amount("1e3")
	with pytest.raises(AmountError, match="greater than zero"):
		parse_amount("0")


MOST = 10**15 - 1
# Bytes and not integers: those are mostly small, and here the large ones matter.
amounts = st.binary(min_size=8, max_size=8).map(
	lambda drawn: Decimal(int.from_bytes(drawn, "big") % (2 * MOST + 1) - MOST).scaleb(-6)
)


@given(amounts)
def test_an_amount_survives_the_text_of_its_column_and_frappes_float_exactly(amount: Decimal) -> None:
	column = f"{amount:.9f}"
	from_text, from_float = from_database(column), from_database(float(column))
	assert type(from_text) is type(from_float) is Decimal
	assert str(from_text) == str(from_float) == as_text(amount)
	assert parse_signed_amount(as_text(from_float)) == amount


@pytest.mark.parametrize(
	"edge", ["999999999.999999", "-999999999.999999", "0.000001", "-0.000001", "0.000000"]
)
def test_the_largest_and_the_smallest_amount_survive_as_well(edge: str) -> None:
	assert str(from_database(edge)) == str(from_database(float(edge))) == str(exact(Decimal(edge))) == edge


@pytest.mark.parametrize("value", [None, 0, 0.0, -0.0, "0", "-0.000000000"], ids=repr)
def test_nothing_stored_is_zero_without_a_sign(value: float | str | None) -> None:
	assert str(from_database(value)) == "0.000000"


@pytest.mark.parametrize(
	"value",
	[
		float("nan"), float("inf"), "-Infinity", "sNaN", 1e9, -1e9, 10**9, "1000000000.000000", 1e300, "9" * 60,
		"1000000000.000001", "-1000000001", 1e9 + 1, 12345678901,
		0.0000001, 0.0000009, "1.0000005", "1.0000009", "-1.0000009", "0." + "1" * 40, "", "abc",
	],
	ids=repr,
)  # fmt: skip
def test_a_stored_value_outside_of_the_limits_is_not_taken_for_money(value: float | str) -> None:
	with pytest.raises(AmountError):
		from_database(value)


# https://docs.stripe.com/currencies, with its special cases: UGX and ISK are sent in hundredths.
DECIMALS = {
	0: "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF jpy krw",
	2: "EUR USD GBP CHF UGX ISK HUF TWD usd Ugx",
	3: "BHD JOD KWD OMR TND kwd Tnd",
}


@pytest.mark.parametrize(
	"currency,decimals", [(code, decimals) for decimals, codes in DECIMALS.items() for code in codes.split()]
)
def test_a_currency_is_paid_in_as_many_decimals_as_stripe_takes(currency: str, decimals: int) -> None:
	assert exponent(currency) == decimals


# The same page, "Three-decimal currencies" and "Special cases".
STEPS = {"1": "JPY KRW ISK UGX isk", "0.01": "EUR USD HUF TWD BHD JOD KWD OMR TND tnd"}


@pytest.mark.parametrize(
	"currency,step", [(code, step) for step, codes in STEPS.items() for code in codes.split()]
)
def test_a_payment_is_made_in_steps_that_stripe_takes(currency: str, step: str) -> None:
	assert payment_step(currency) == Decimal(step)
	assert payment_decimals(currency) == (0 if step == "1" else exponent(currency))
