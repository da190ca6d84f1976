"""The strict way in for amounts, and the exact way back from the database."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepaid_billing.rating.money import (
	AmountError,
	as_text,
	exponent,
	from_database,
	parse_amount,
	parse_signed_amount,
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
		("0.000001", "0.000001"),
		("999999999.999999", "999999999.999999"),
	],
)
def test_a_plain_amount_is_taken_exactly(value: object, expected: str) -> None:
	assert as_text(parse_amount(value)) == expected


def test_a_signed_amount_may_be_negative() -> None:
	assert parse_signed_amount("-12.5") == Decimal("-12.5")


@given(st.decimals(min_value=Decimal("-999999999.999999"), max_value=Decimal("999999999.999999"), places=6))
def test_an_amount_survives_frappes_float_exactly(amount: Decimal) -> None:
	assert from_database(float(amount)) == amount
	assert from_database(str(amount)) == amount
	assert from_database(float(f"{amount:.9f}")) == amount


def test_nothing_stored_is_zero() -> None:
	assert from_database(None) == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e9, -1e9, 0.0000001, "1.0000005"], ids=repr)
def test_a_stored_value_outside_of_the_limits_is_not_taken_for_money(value: float | str) -> None:
	with pytest.raises(AmountError):
		from_database(value)


@pytest.mark.parametrize(
	"currency,places", [("EUR", 2), ("usd", 2), ("JPY", 0), ("krw", 0), ("KWD", 3), ("tnd", 3)]
)
def test_a_currency_is_paid_in_as_many_decimals_as_it_has(currency: str, places: int) -> None:
	assert exponent(currency) == places
