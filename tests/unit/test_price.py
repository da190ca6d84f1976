"""The price of a call and the longest call that a sum pays for."""

from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from decimal import Decimal, FloatOperation, Inexact, getcontext, localcontext
from fractions import Fraction
from itertools import pairwise, product
from math import floor
from struct import Struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepaid_billing.rating.price import Rate, billed_seconds, cost, max_seconds, whole_seconds

LONGEST = 86_400
MICRO = Decimal("0.000001")


@pytest.fixture(scope="module", autouse=True)
def decimals_refuse_floats_and_rounding() -> Iterator[None]:
	"""Wherever a price would mix a float into a Decimal, or round one unasked, the test raises."""
	with localcontext():
		getcontext().traps[FloatOperation] = True
		getcontext().traps[Inexact] = True
		yield


def rate(per_minute: str, increment: int = 1, first: int = 0, fee: str = "0", minimum: str = "0") -> Rate:
	return Rate(Decimal(per_minute), increment, first, Decimal(fee), Decimal(minimum))


def amount(number: int) -> Decimal:
	"""Nothing, less than a cent, less than a euro or up to a thousand, each as often: 32 bits decide."""
	magnitude, micro = number % 4, number // 4
	return Decimal(micro % (0, 10**4, 10**6, 10**9)[magnitude] if magnitude else 0).scaleb(-6)


def rate_of(price: int, fee: int, minimum: int, increment: int, first: int) -> Rate:
	"""A rate of any amounts, with a usual increment or any other up to ten minutes: 16 bits decide."""
	step = (1, 6, 60, 1 + increment // 4 % 600)[increment % 4]
	return Rate(amount(price), step, first % 601, amount(fee), amount(minimum))


def numbers(layout: str) -> st.SearchStrategy[tuple[int, ...]]:
	"""Unsigned integers as ``struct`` lays them out, from one draw of bytes.

	A draw costs Hypothesis far more than all the prices computed from it, and its own integers are mostly small.
	"""
	form = Struct(f">{layout}")
	return st.binary(min_size=form.size, max_size=form.size).map(form.unpack)


RATE = "IIIHH"

# research/features.md, section 4.3: seconds -> billed seconds at 60/60, 60/1, 30/6, 6/6, 1/1
INCREMENTS = {"60/60": (60, 60), "60/1": (1, 60), "30/6": (6, 30), "6/6": (6, 6), "1/1": (1, 1)}
BILLED = {
	0: (0, 0, 0, 0, 0),
	1: (60, 60, 30, 6, 1),
	7: (60, 60, 30, 12, 7),
	30: (60, 60, 30, 30, 30),
	31: (60, 60, 36, 36, 31),
	59: (60, 60, 60, 60, 59),
	61: (120, 61, 66, 66, 61),
	75: (120, 75, 78, 78, 75),
	3601: (3660, 3601, 3606, 3606, 3601),
	LONGEST: (LONGEST, LONGEST, LONGEST, LONGEST, LONGEST),
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
		(rate("0.125"), 600, "1.250000"),
		(rate("1", 60, 60), 80, "2.000000"),
		(rate("0.42"), 0, "0.000000"),
		(rate("0.42", 60, 60, "0.10", "0.20"), 0, "0.000000"),
		(rate("0"), 3600, "0.000000"),
		(rate("0", fee="0.05"), 3600, "0.050000"),
		(rate("0", minimum="0.05"), 3600, "0.050000"),
		(rate("0.30", 6, 30, "0.05"), 186, "0.980000"),
		(rate("0.30", minimum="0.10"), 1, "0.100000"),
		(rate("0.30", minimum="0.10"), 20, "0.100000"),
		(rate("0.30", minimum="0.10"), 21, "0.105000"),
		(rate("0.30", fee="0.06", minimum="0.10"), 10, "0.110000"),
		(rate("0.000001"), 29, "0.000000"),
		(rate("0.000001"), 30, "0.000001"),
		(rate("0.42"), LONGEST, "604.800000"),
		(rate("999999999.999999"), LONGEST, "1439999999999.998560"),
	],
)
def test_a_call_costs_exactly(rated: Rate, duration: int, expected: str) -> None:
	assert str(cost(rated, duration)) == expected


def test_a_rate_without_fee_and_minimums_is_billed_by_the_second() -> None:
	assert Rate(Decimal("0.42"), 1) == rate("0.42")


@pytest.mark.parametrize(
	"rated,money,expected",
	[
		(rate("0.30", 60), "1.00", 180),
		(rate("0.30", 6, 30, "0.05"), "1.00", 186),
		(rate("0.42"), "1.099", 157),
		(rate("0.42"), "1.098999", 156),
		(rate("0.42"), "0.007", 1),
		(rate("0.42"), "0.006999", 0),
		(rate("0.42"), "0", 0),
		(rate("0.42"), "-5", 0),
		(rate("0"), "0", LONGEST),
		(rate("0"), "-0.000001", 0),
		(rate("0", fee="0.05"), "0.05", LONGEST),
		(rate("0", fee="0.05"), "0.049999", 0),
		(rate("0.000001"), "0", 29),
		(rate("0.000001"), "0.000001", 89),
		(rate("0.000060"), "0.000001", 1),
		(rate("0.42", fee="0.10"), "0.10", 0),
		(rate("0.42", fee="0.10"), "0.107", 1),
		(rate("0.42", minimum="0.10"), "0.099999", 0),
		(rate("0.42", minimum="0.10"), "0.10", 14),
		(rate("0.42"), "999999999", LONGEST),
	],
)
def test_a_sum_pays_for_at_most(rated: Rate, money: str, expected: int) -> None:
	assert max_seconds(rated, Decimal(money), LONGEST) == expected


@pytest.mark.parametrize("longest", [0, 1, 3600])
def test_no_call_is_longer_than_the_cap(longest: int) -> None:
	assert max_seconds(rate("0.42"), Decimal("999999999"), longest) == longest
	assert max_seconds(rate("0"), Decimal(0), longest) == longest


def formula(rated: Rate, duration: int) -> Decimal:
	"""DESIGN.md section 5 in fractions, one increment after the other."""
	billed = max(rated.billing_increment, rated.minimum_duration)
	while billed < duration:
		billed += rated.billing_increment
	price = Fraction(rated.connection_fee) + Fraction(rated.rate_per_minute) * billed / 60
	half_up = Decimal(floor(price * 10**6 + Fraction(1, 2))) * MICRO
	return max(half_up, rated.minimum_charge) if duration else Decimal(0)


@pytest.mark.parametrize(
	"per_minute,step",
	list(product(("0", "0.000001", "0.000007", "0.0061", "0.42", "12.345679"), (1, 6, 7, 60))),
)
def test_every_second_of_two_minutes_is_priced_by_the_formula_and_found_again(
	per_minute: str, step: int
) -> None:
	for first, fee, minimum in product((0, 1, 30), ("0", "0.000001", "0.05"), ("0", "0.06")):
		rated = rate(per_minute, step, first, fee, minimum)
		prices = [cost(rated, duration) for duration in range(122)]
		assert prices == [formula(rated, duration) for duration in range(122)]
		for price in set(prices):
			for money in (price - MICRO, price, price + MICRO):
				paid = [duration for duration, other in enumerate(prices) if other <= money]
				assert max_seconds(rated, money, 120) == min(120, max(paid, default=0))


def price_of(rated: Rate, duration: int) -> Decimal:
	"""The cost of a call, which in every example is a Decimal of six places, from whole billed seconds."""
	price = cost(rated, duration)
	assert type(price) is Decimal and price.as_tuple().exponent == -6
	assert type(billed_seconds(rated, duration)) is int
	return price


@given(numbers(RATE + "II"))
def test_max_seconds_is_the_exact_inverse_of_cost_without_a_float(drawn: tuple[int, ...]) -> None:
	rated, money, longest = rate_of(*drawn[:5]), amount(drawn[5]), 1 + drawn[6] % LONGEST
	affordable = max_seconds(rated, money, longest)
	assert type(affordable) is int and 0 <= affordable <= longest
	assert price_of(rated, affordable) <= money
	assert price_of(rated, affordable + 1) > money or affordable == longest


@given(numbers(RATE + "I"))
def test_one_more_second_never_costs_less_nor_a_float(drawn: tuple[int, ...]) -> None:
	rated, duration = rate_of(*drawn[:5]), drawn[5] % LONGEST
	assert price_of(rated, duration) <= price_of(rated, duration + 1)


@given(numbers(RATE + "B8I"))
def test_any_slices_by_the_cumulative_rule_sum_to_the_whole_call(drawn: tuple[int, ...]) -> None:
	rated, count, moments = rate_of(*drawn[:5]), drawn[5] % 9, drawn[6:]
	marks = sorted(moment % (LONGEST + 1) for moment in moments[:count])
	prices = [price_of(rated, mark) for mark in (0, *marks)]
	slices = [after - before for before, after in pairwise(prices)]
	assert all(part >= 0 for part in slices)
	assert sum(slices) == prices[-1]


def test_a_started_second_counts_whole() -> None:
	measured = ("0", "0.000001", "0.4", "0.5", "1", "1.000001", "86399.9")
	assert [whole_seconds(Decimal(text)) for text in measured] == [0, 1, 1, 1, 1, 2, LONGEST]


def test_a_call_of_less_than_a_second_is_billed_like_one_of_a_second() -> None:
	assert cost(rate("0.42"), whole_seconds(Decimal("0.4"))) == Decimal("0.007")


@pytest.mark.parametrize(
	"broken",
	[
		{"increment": 0},
		{"increment": -1},
		{"first": -1},
		{"per_minute": "-0.000001"},
		{"fee": "-0.000001"},
		{"minimum": "-0.000001"},
		{"per_minute": "0.0000001"},
		{"fee": "NaN"},
		{"minimum": "1000000000"},
	],
	ids=str,
)
def test_a_rate_refuses_what_no_price_list_can_mean(broken: dict) -> None:
	with localcontext() as context, pytest.raises(ValueError):
		context.traps[Inexact] = False
		rate(**{"per_minute": "0.42", **broken})


def test_a_rate_never_changes() -> None:
	with pytest.raises(FrozenInstanceError):
		rate("0.42").rate_per_minute = Decimal(0)  # type: ignore[misc]


def test_a_negative_duration_is_refused() -> None:
	with pytest.raises(ValueError):
		cost(rate("0.42"), -1)
