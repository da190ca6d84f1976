"""The amounts that a top-up page offers first."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepaid_billing.payments.suggest import round_up, suggested

SETTINGS = [Decimal(n) for n in (50, 100, 200, 500)]
LIMITS = (Decimal(10), Decimal(10_000))
CENT = Decimal("0.01")
STEPS = (CENT, Decimal("0.010"), Decimal(1))


@pytest.mark.parametrize(
	"month,offered,first",
	[
		("0", [50, 100, 200, 500], 50),
		("83.20", [25, 45, 90, 170], 25),
		("437", [110, 250, 450, 900], 110),
		# Little use: the least, and from there on twice as much each time.
		("1", [10, 20, 40, 80], 10),
		("6", [10, 15, 30, 60], 10),
		# Much use: what lies beyond the largest is replaced by parts of it.
		("15000", [3800, 5000, 7500, 10_000], 3800),
		("30000", [2500, 5000, 7500, 10_000], 7500),
		("100000", [2500, 5000, 7500, 10_000], 10_000),
	],
)
def test_offers_follow_what_a_month_cost_the_settings_only_where_it_cost_nothing(
	month: str, offered: list[int], first: int
) -> None:
	found = suggested(Decimal(month), SETTINGS, *LIMITS, CENT)
	assert (found.amounts, found.first) == (offered, first)


@pytest.mark.parametrize(
	"month,smallest,largest,step,offered",
	[
		("15000", "10", "9999", "0.01", ["3800", "4900", "7500", "9999"]),
		("2000", "2.5", "999.13", "0.010", ["200", "500", "700", "999.13"]),
		("100", "10", "12", "0.01", ["10", "10.01", "11", "12"]),
		("100", "10", "11", "1", ["10", "11"]),
		("100", "10", "10", "1", ["10"]),
	],
)
def test_the_largest_is_offered_whatever_number_it_is(
	month: str, smallest: str, largest: str, step: str, offered: list[str]
) -> None:
	found = suggested(Decimal(month), SETTINGS, Decimal(smallest), Decimal(largest), Decimal(step))
	assert found.amounts == [Decimal(amount) for amount in offered]


@given(
	st.decimals("0.000001", 1_000_000, places=6),
	st.integers(1, 200_000),
	st.integers(0, 100_000_000),
	st.sampled_from(STEPS),
)
def test_as_many_as_fit_are_offered_that_may_be_paid_and_the_first_lasts_a_week(
	month: Decimal, least: int, more: int, step: Decimal
) -> None:
	smallest, largest = least * step, (least + more) * step
	found = suggested(month, SETTINGS, smallest, largest, step)
	assert len(found.amounts) == min(4, more + 1)
	assert found.amounts == sorted(set(found.amounts))
	assert all(smallest <= amount <= largest and amount % step == 0 for amount in found.amounts)
	assert found.first in found.amounts
	assert found.first >= month / 4 or found.first == largest
	assert found.first < max(month / 4, smallest) * Decimal("1.25") + 5


@given(st.integers(1, 10_000), st.integers(-10, 10_000))
def test_without_use_the_settings_amounts_are_offered_that_may_be_paid(smallest: int, more: int) -> None:
	limits = (Decimal(smallest), Decimal(smallest + more))
	found = suggested(Decimal(0), SETTINGS, *limits, CENT)
	assert found.amounts == [amount for amount in SETTINGS if limits[0] <= amount <= limits[1]]
	assert found.first == (found.amounts[0] if found.amounts else None)


@given(st.decimals("0.01", 100_000, places=2))
def test_rounding_never_offers_less_and_never_much_more(amount: Decimal) -> None:
	assert amount <= round_up(amount) < amount * Decimal("1.25") + 5
