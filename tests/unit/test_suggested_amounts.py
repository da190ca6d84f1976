"""The amounts that a top-up page offers first."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepaid_billing.payments.suggest import round_up, suggested

SETTINGS = [Decimal(n) for n in (50, 100, 200, 500)]
LIMITS = (Decimal(10), Decimal(10_000))


@pytest.mark.parametrize(
	"month,offered",
	[
		("0", [50, 100, 200, 500]),
		("83.20", [25, 45, 90, 170]),
		("437", [110, 250, 450, 900]),
		("1", [10, 50, 100, 200]),
		("6", [10, 15, 50, 100]),
		("30000", [50, 100, 7500, 10_000]),
		("15000", [50, 3800, 7500, 10_000]),
	],
)
def test_offers_follow_what_a_month_cost_and_the_settings_fill_up(month: str, offered: list[int]) -> None:
	assert suggested(Decimal(month), SETTINGS, *LIMITS) == offered


@given(st.decimals(0, 100_000, places=6))
def test_there_are_always_four_that_may_be_paid_each_once(month: Decimal) -> None:
	offered = suggested(month, SETTINGS, *LIMITS)
	assert len(set(offered)) == 4 and offered == sorted(offered)
	# Whole amounts can be paid in every currency.
	assert all(LIMITS[0] <= amount <= LIMITS[1] and amount % 5 == 0 for amount in offered)


@given(st.decimals("0.01", 5_000, places=2))
def test_the_first_offer_is_about_a_week_or_the_least_that_may_be_paid(month: Decimal) -> None:
	first = suggested(month, SETTINGS, *LIMITS)[0]
	assert first == LIMITS[0] or month / 4 <= first < month / 4 * Decimal("1.25") + 5


@given(st.decimals("0.01", 100_000, places=2))
def test_rounding_never_offers_less_and_never_much_more(amount: Decimal) -> None:
	assert amount <= round_up(amount) < amount * Decimal("1.25") + 5
