"""Our books beside Stripe's: every object counts, and errors do not hide each other."""

from decimal import Decimal

import pytest

from prepaid_billing.payments.compare import (
	DISPUTE,
	PAYMENT,
	REFUND,
	Difference,
	Position,
	differences,
	sums,
)


def position(kind: str, stripe_id: str, amount: str, currency: str = "EUR") -> Position:
	return Position(kind, stripe_id, "t1", currency, Decimal(amount))


PAID = position(PAYMENT, "pi_1", "50")
BACK = position(REFUND, "re_1", "-20")


@pytest.mark.parametrize(
	"theirs,ours,found",
	[
		([PAID, BACK], [BACK, PAID], []),
		([], [], []),
		([PAID], [], [(PAYMENT, "pi_1", 50, None)]),
		([], [PAID], [(PAYMENT, "pi_1", None, 50)]),
		([PAID], [position(PAYMENT, "pi_1", "49.99")], [(PAYMENT, "pi_1", 50, Decimal("49.99"))]),
		([PAID], [position(PAYMENT, "pi_1", "50", "USD")], [(PAYMENT, "pi_1", 50, 50)]),
		# a refund that failed, or an inquiry, moves nothing: it may be there or not
		([position(REFUND, "re_1", "0")], [], []),
		([], [position(DISPUTE, "du_1", "0")], []),
		([position(REFUND, "re_1", "0")], [BACK], [(REFUND, "re_1", 0, -20)]),
		# one id for two kinds of object is two objects
		([PAID], [PAID, position(DISPUTE, "pi_1", "-1")], [(DISPUTE, "pi_1", None, -1)]),
	],
)
def test_what_differs(theirs: list[Position], ours: list[Position], found: list[tuple]) -> None:
	assert [(row.kind, row.stripe_id, row.at_stripe, row.here) for row in differences(theirs, ours)] == found


@pytest.mark.parametrize(
	"at_stripe,here,problem,expected",
	[
		(50, None, "", True),
		(None, 50, "", True),
		(50, None, "it was begun here, but is not kept here", True),
		# Neither is a matter of two amounts: it could not be read, or waits for Stripe.
		(None, None, "Unclear: Stripe calls it won.", False),
		(None, -20, "Stripe has not taken the refund", False),
	],
)
def test_what_is_no_matter_of_two_amounts_is_not_to_be_accepted(
	at_stripe: int | None, here: int | None, problem: str, expected: bool
) -> None:
	sides = (None if side is None else Decimal(side) for side in (at_stripe, here))
	assert Difference(PAYMENT, "pi_1", "t1", "EUR", *sides, problem).is_acceptable is expected


def test_two_errors_that_cancel_each_other_are_two_differences() -> None:
	theirs = [PAID, position(PAYMENT, "pi_2", "30")]
	ours = [position(PAYMENT, "pi_1", "30"), position(PAYMENT, "pi_2", "50")]
	assert sums(theirs, ours) == {"EUR": (80, 80)}
	assert len(differences(theirs, ours)) == 2


def test_sums_keep_currencies_apart() -> None:
	theirs = [PAID, BACK, position(PAYMENT, "pi_2", "100", "JPY")]
	assert sums(theirs, [PAID]) == {"EUR": (30, 50), "JPY": (100, 0)}


def test_a_difference_says_what_stands_where() -> None:
	(found,) = differences([PAID], [])
	assert str(found) == "payment pi_1 of top-up t1: at Stripe 50.000000 EUR, here nothing"
