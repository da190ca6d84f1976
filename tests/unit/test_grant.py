"""How much of a call is granted at a time."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepaid_billing.calls.grant import Running, extend, grant, no_more
from prepaid_billing.rating.price import Rate, cost

RATE = Rate(Decimal("0.42"), 1)


@pytest.mark.parametrize(
	"money,granted,most,final,hold",
	[
		("50", 60, 7142, False, "0.42"),
		("0.42", 60, 60, True, "0.42"),
		("0.63", 60, 90, False, "0.42"),
		("0.21", 30, 30, True, "0.21"),
		("0.007", 1, 1, True, "0.007"),
	],
)
def test_what_the_money_pays_for_is_granted(
	money: str, granted: int, most: int, final: bool, hold: str
) -> None:
	given = grant(RATE, Decimal(money), 60, 86_400)
	assert given is not None
	assert (given.granted_seconds, given.max_seconds, given.final) == (granted, most, final)
	assert (given.hold, given.validity) == (Decimal(hold), granted + 30)


@pytest.mark.parametrize("money", ["0", "0.006999", "-1"])
def test_money_for_no_second_is_no_grant(money: str) -> None:
	assert grant(RATE, Decimal(money), 60, 86_400) is None


def test_the_last_grant_of_the_longest_call_is_final() -> None:
	given = grant(RATE, Decimal(1000), 60, 60)
	assert given is not None and given.final


def running(granted: int, used: int, rate: Rate = RATE) -> Running:
	return Running(granted, cost(rate, granted), used)


@pytest.mark.parametrize(
	"used,available,granted,most,final,hold,validity",
	[
		(45, "50", 105, 7202, False, "0.735", 90),
		(60, "50", 120, 7202, False, "0.84", 90),
		(45, "0.105", 75, 75, True, "0.525", 60),
		(45, "0", 60, 60, True, "0.42", 45),
		(0, "50", 60, 7202, False, "0.42", 90),
		# it ran on beyond its grant: what is left is held, so that no other call takes it
		(100, "0.105", 75, 75, True, "0.525", 30),
		(100, "50", 160, 7202, False, "1.12", 90),
		# a refund made at Stripe took the balance away beneath it
		(45, "-5", 60, 60, True, "0.42", 45),
	],
)
def test_the_next_slice_is_held_as_far_as_the_money_goes(
	used: int, available: str, granted: int, most: int, final: bool, hold: str, validity: int
) -> None:
	given_ = extend(RATE, running(60, used), Decimal(available), 60, 86_400)
	assert (given_.granted_seconds, given_.max_seconds, given_.final) == (granted, most, final)
	assert (given_.hold, given_.validity) == (Decimal(hold), validity)


def test_a_call_is_not_extended_beyond_the_longest_one() -> None:
	given_ = extend(RATE, running(60, 60), Decimal(1000), 60, 90)
	assert (given_.granted_seconds, given_.final) == (90, True)


def test_a_call_that_gets_nothing_more_keeps_its_grant_and_is_final() -> None:
	given_ = no_more(running(120, 70))
	assert (given_.granted_seconds, given_.hold, given_.final, given_.validity) == (
		120,
		Decimal("0.84"),
		True,
		80,
	)


rates = st.builds(
	Rate,
	st.integers(0, 2_000_000).map(lambda micros: Decimal(micros).scaleb(-6)),
	st.integers(1, 90),
	st.integers(0, 90),
	st.integers(0, 500_000).map(lambda micros: Decimal(micros).scaleb(-6)),
	st.integers(0, 500_000).map(lambda micros: Decimal(micros).scaleb(-6)),
)


@given(
	rate=rates,
	money=st.integers(1, 20_000_000).map(lambda micros: Decimal(micros).scaleb(-6)),
	used=st.lists(st.integers(0, 400), max_size=8),
	slice_seconds=st.integers(1, 200),
)
def test_grants_only_grow_are_always_paid_for_and_hold_what_they_cost(
	rate: Rate, money: Decimal, used: list[int], slice_seconds: int
) -> None:
	given_ = grant(rate, money, slice_seconds, 7_200)
	for seconds in sorted(used) if given_ else []:
		before = given_
		call = Running(before.granted_seconds, before.hold, seconds)
		given_ = extend(rate, call, money - before.hold, slice_seconds, 7_200)
		assert given_.granted_seconds >= before.granted_seconds
		assert before.hold <= given_.hold == cost(rate, given_.granted_seconds) <= money
		assert given_.final == (given_.granted_seconds >= given_.max_seconds)
