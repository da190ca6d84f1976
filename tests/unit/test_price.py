"""The price of a call and the longest call that a sum pays for."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepaid_billing.rating.price import Rate, billed_seconds, cost, max_seconds, whole_seconds

LONGEST = 86_400


def rate(per_minute: str, increment: int = 1, first: int = 0, fee: str = "0", minimum: str = "0") -> Rate:
	return Rate(Decimal(per_minute), increment, first, Decimal(fee), Decimal(minimum))


amounts = st.decimals(min_value=0, max_value=1000, places=6)
rates = st.builds(Rate, amounts, st.integers(1, 600), st.integers(0, 600), amounts, amounts)
seconds = st.integers(0, LONGEST)

# research/features.md, section 4.3: seconds -> billed seconds at 60/60, 60/1, 30/6, 6/6, 1/1
INCREMENTS = {"60/60": (60, 60), "60/1": (1, 60), "30/6": (6, 30), "6/6": (6, 6), "1/1": (1, 1)}
BILLED = {
	1: (60, 60, 30, 6, 1),
	7: (60, 60, 30, 12, 7),
	30: (60, 60, 30, 30, 30),
	31: (60, 60, 36, 36, 31),
	59: (60, 60, 60, 60, 59),
	61: (120, 61, 66, 66, 61),
	75: (120, 75, 78, 78, 75),
	3601: (3660, 3601, 3606, 3606, 3601),
}


@pytest.mark.parametrize("real", BILLED)
@pytest.mark.parametrize("column,increment", list(enumerate(INCREMENTS)))
def test_a_call_is_billed_by_first_block_and_step(real: int, column: int, increment: str) -> None:
	step, first = INCREMENTS[increment]
	assert billed_seconds(rate("0.10", step, first), real) == BILLED[real][column]


@pytest.mark.parametrize(
	"rated,duration,expected",
	[
		(rate("0.42"), 157, "1.099000"),
		(rate("0.42"), 15, "0.105000"),
		(rate("0.35", 60), 1, "0.350000"),
		(rate("0.35", 60), 61, "0.700000"),
		(rate("0.006", 6, 30), 32, "0.003600"),
		(rate("0.006", 6, 30), 57, "0.006000"),
		(rate("0.006", 6, 30), 75, "0.007800"),
		(rate("0.50"), 60, "0.500000"),
		(rate("0.42"), 0, "0.000000"),
		(rate("0"), 3600, "0.000000"),
		(rate("0.30", 6, 30, "0.05"), 186, "0.980000"),
		(rate("0.30", 1, 0, "0", "0.10"), 1, "0.100000"),
		(rate("0.000001"), 29, "0.000000"),
		(rate("0.000001"), 30, "0.000001"),
		(rate("0.42"), LONGEST, "604.800000"),
	],
)
def test_a_call_costs_exactly(rated: Rate, duration: int, expected: str) -> None:
	assert str(cost(rated, duration)) == expected


@pytest.mark.parametrize(
	"rated,money,expected",
	[
		(rate("0.30", 60), "1.00", 180),
		(rate("0.30", 6, 30, "0.05"), "1.00", 186),
		(rate("0.42"), "1.099", 157),
		(rate("0.42"), "1.098999", 156),
		(rate("0.42"), "0", 0),
		(rate("0.42"), "-5", 0),
		(rate("0"), "0", LONGEST),
		(rate("0.42", 1, 0, "0.10"), "0.10", 0),
		(rate("0.42", 1, 0, "0", "0.10"), "0.099999", 0),
	],
)
def test_a_sum_pays_for_at_most(rated: Rate, money: str, expected: int) -> None:
	assert max_seconds(rated, Decimal(money), LONGEST) == expected


def test_no_call_is_longer_than_the_cap() -> None:
	assert max_seconds(rate("0.42"), Decimal("999999999"), 3600) == 3600
	assert max_seconds(rate("0.42"), Decimal("999999999"), 0) == 0


@given(rates, amounts, st.integers(1, LONGEST))
def test_max_seconds_is_the_exact_inverse_of_cost(rated: Rate, money: Decimal, longest: int) -> None:
	longest_affordable = max_seconds(rated, money, longest)
	assert 0 <= longest_affordable <= longest
	assert cost(rated, longest_affordable) <= money
	if longest_affordable < longest:
		assert cost(rated, longest_affordable + 1) > money


@given(rates, seconds, seconds)
def test_a_longer_call_never_costs_less(rated: Rate, one: int, other: int) -> None:
	assert cost(rated, min(one, other)) <= cost(rated, max(one, other))


@given(rates, st.lists(seconds, max_size=6))
def test_slices_by_the_cumulative_rule_sum_to_the_whole_call(rated: Rate, marks: list[int]) -> None:
	marks = sorted(marks)
	total = sum(
		(cost(rated, mark) - cost(rated, before) for before, mark in zip([0, *marks], marks, strict=False)),
		Decimal(0),
	)
	assert total == cost(rated, marks[-1] if marks else 0)


@given(rates, seconds, amounts)
def test_no_float_comes_out_of_a_price(rated: Rate, duration: int, money: Decimal) -> None:
	price = cost(rated, duration)
	assert type(price) is Decimal and price.as_tuple().exponent == -6
	assert type(billed_seconds(rated, duration)) is int
	assert type(max_seconds(rated, money, LONGEST)) is int


def test_a_started_second_counts_whole() -> None:
	assert [whole_seconds(Decimal(text)) for text in ("0", "0.4", "1", "1.000001")] == [0, 1, 1, 2]


@pytest.mark.parametrize("broken", [{"increment": 0}, {"per_minute": "-1"}, {"first": -1}, {"fee": "-1"}])
def test_a_rate_refuses_what_no_price_list_can_mean(broken: dict) -> None:
	with pytest.raises(ValueError):
		rate(**{"per_minute": "0.42", **broken})


def test_a_negative_duration_is_refused() -> None:
	with pytest.raises(ValueError):
		cost(rate("0.42"), -1)
