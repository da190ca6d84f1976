"""How much of a call is granted at a time."""

from decimal import Decimal

import pytest

from prepaid_billing.calls.grant import grant
from prepaid_billing.rating.price import Rate

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
