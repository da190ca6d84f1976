"""Tax within a payment: to the cent, and over all parts never a cent more or less."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepaid_billing.payments.vat import tax_in, tax_of_part

CENTS = st.integers(1, 10**8).map(lambda minor: Decimal(minor).scaleb(-2))
RATES = st.integers(0, 9999).map(lambda hundredths: Decimal(hundredths).scaleb(-2))


@pytest.mark.parametrize(
	"gross,rate,currency,tax",
	[
		("119", "19", "EUR", "19"),
		("50", "19", "EUR", "7.98"),
		("10", "0", "EUR", "0"),
		("0.03", "20", "EUR", "0.01"),
		("107.7", "7.7", "CHF", "7.7"),
		("1000", "10", "JPY", "91"),
		("1", "15", "KWD", "0.130"),
	],
)
def test_the_tax_in_a_payment(gross: str, rate: str, currency: str, tax: str) -> None:
	assert tax_in(Decimal(gross), Decimal(rate), currency) == Decimal(tax)


@given(CENTS, RATES)
def test_tax_is_whole_cents_and_within_half_a_cent_of_the_exact_one(gross: Decimal, rate: Decimal) -> None:
	tax = tax_in(gross, rate, "EUR")
	assert 0 <= tax < gross or (tax == gross == Decimal("0.01"))
	assert tax == tax.quantize(Decimal("0.01"))
	assert abs(tax * (100 + rate) - gross * rate) <= Decimal("0.005") * (100 + rate)


@given(CENTS, RATES, st.lists(st.integers(1, 10**8), max_size=8))
def test_the_taxes_of_all_parts_are_the_tax_of_the_whole(gross: Decimal, rate: Decimal, cuts: list) -> None:
	tax = tax_in(gross, rate, "EUR")
	left = sorted({min(Decimal(cut).scaleb(-2), gross) for cut in cuts} | {gross, Decimal(0)}, reverse=True)
	taxes = [tax_of_part(part, gross, tax, "EUR") for part in left]
	parts = [before - after for before, after in pairwise(taxes)]
	assert sum(parts) == tax
	assert all(part >= 0 for part in parts)


def test_there_is_no_tax_in_nothing() -> None:
	assert tax_of_part(Decimal(0), Decimal(0), Decimal(0), "EUR") == 0
