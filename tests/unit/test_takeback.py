"""What refunds and disputes take back: in any order the same, once, and never more than was credited."""

from dataclasses import replace
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepaid_billing.payments.facts import Unclear
from prepaid_billing.payments.takeback import (
	DISPUTE,
	REFUND,
	ROUNDING,
	Claim,
	Turned,
	merged,
	of_dispute,
	of_refund,
	refunded,
	shares,
	status_of_topup,
	taken_back,
)

FIFTY = Decimal(50)


def refund(amount: str, status: str = "Succeeded", stripe_id: str = "re_1") -> Claim:
	return Claim(REFUND, stripe_id, status, Decimal(amount), "EUR")


def dispute(amount: str, status: str = "Open", stripe_id: str = "du_1") -> Claim:
	return Claim(DISPUTE, stripe_id, status, Decimal(amount), "EUR")


@pytest.mark.parametrize(
	"claims,taken,back,status",
	[
		([], "0", "0", "Paid"),
		([refund("20")], "20", "20", "Partly Refunded"),
		([refund("20", "Planned")], "20", "20", "Partly Refunded"),
		([refund("20", "Pending")], "20", "20", "Partly Refunded"),
		([refund("20", "Failed")], "0", "0", "Paid"),
		([refund("20", "Cancelled")], "0", "0", "Paid"),
		([refund("20"), refund("30", stripe_id="re_2")], "50", "50", "Refunded"),
		([dispute("50", "Inquiry")], "0", "0", "Paid"),
		([dispute("50")], "50", "0", "Disputed"),
		([dispute("50", "Lost")], "50", "0", "Disputed"),
		([dispute("50", "Won")], "0", "0", "Paid"),
		# a refund and a dispute of the same money take it once
		([refund("50"), dispute("50")], "50", "50", "Disputed"),
		([refund("20"), dispute("50")], "50", "20", "Disputed"),
		([refund("20"), dispute("50", "Won")], "20", "20", "Partly Refunded"),
	],
)
def test_claims_take_back_once(claims: list[Claim], taken: str, back: str, status: str) -> None:
	assert taken_back(FIFTY, FIFTY, claims) == Decimal(taken)
	assert refunded(claims) == Decimal(back)
	assert status_of_topup(FIFTY, claims) == status


def test_a_part_takes_its_share_of_what_was_credited_and_the_last_one_the_rest() -> None:
	paid, credited = Decimal("59.50"), FIFTY
	assert taken_back(paid, credited, [refund("20")]) == Decimal("16.806723")
	assert taken_back(paid, credited, [refund("20"), refund("39.49", stripe_id="re_2")]) == Decimal(
		"49.991597"
	)
	assert taken_back(paid, credited, [refund("20"), refund("39.50", stripe_id="re_2")]) == credited


amounts = st.integers(1, 10_000).map(lambda cents: Decimal(cents).scaleb(-2))
claims = st.lists(
	st.builds(refund, amounts.map(str), st.sampled_from(("Planned", "Pending", "Succeeded", "Failed")))
	| st.builds(dispute, amounts.map(str), st.sampled_from(("Inquiry", "Open", "Won", "Lost"))),
	max_size=5,
)


@given(paid=amounts, share=st.integers(1, 100), on_it=claims)
def test_never_more_than_was_credited_and_more_claims_never_take_less(
	paid: Decimal, share: int, on_it: list[Claim]
) -> None:
	credited = (paid * share / 100).quantize(Decimal("0.01"))
	before = Decimal(0)
	for count in range(len(on_it) + 1):
		taken = taken_back(paid, credited, on_it[:count])
		assert before <= taken <= credited
		before = taken


@given(paid=amounts, share=st.integers(1, 100), on_it=claims, data=st.data())
def test_shares_add_up_to_what_is_taken_whatever_is_reported_of_whom(
	paid: Decimal, share: int, on_it: list[Claim], data: st.DataObject
) -> None:
	credited = (paid * share / 100).quantize(Decimal("0.01"))
	now: list[Claim] = []
	taken: list[Decimal] = []
	for claim in on_it * 2:
		place = data.draw(st.integers(0, len(now)))
		now = [*now[:place], claim, *now[place + 1 :]]
		taken = [*taken, Decimal(0)][: len(now)]
		after = shares(paid, credited, now, taken, place)
		assert sum(after) == taken_back(paid, credited, now)
		for one, has in zip(now, after, strict=True):
			assert abs(has) <= ROUNDING if not one.takes else has >= -ROUNDING
		for had, has in zip(
			taken[:place] + taken[place + 1 :], after[:place] + after[place + 1 :], strict=True
		):
			assert has == had or has - had > ROUNDING
		taken = after


def test_of_two_that_claim_the_same_money_the_first_has_it_until_it_fails() -> None:
	both = [refund("20"), dispute("50")]
	assert shares(FIFTY, FIFTY, both, [Decimal(20), Decimal(0)], 1) == [20, 30]
	assert shares(FIFTY, FIFTY, both, [Decimal(0), Decimal(50)], 0) == [0, 50]
	failed = [refund("20", "Failed"), dispute("50")]
	assert shares(FIFTY, FIFTY, failed, [Decimal(20), Decimal(30)], 0) == [0, 50]
	assert shares(FIFTY, FIFTY, [refund("20"), dispute("50", "Won")], [Decimal(0), Decimal(50)], 1) == [20, 0]


def test_a_rounding_moves_no_claim_but_the_reported_one() -> None:
	paid, credited = Decimal("37.50"), Decimal("31.51")
	taken = shares(paid, credited, [dispute("17.50")], [Decimal(0)], 0)
	both = shares(paid, credited, [dispute("17.50"), refund("10")], [*taken, Decimal(0)], 1)
	assert both[0] == taken[0] == Decimal("14.704667")


LIVES = [
	(refund("20", "Planned"), refund("20", "Pending"), refund("20")),
	(refund("20", "Pending"), refund("20"), refund("20", "Failed")),
	(refund("20", "Pending"), refund("20", "Cancelled")),
	(dispute("50", "Inquiry"), dispute("50"), dispute("50", "Won")),
	(dispute("50", "Inquiry"), dispute("50"), dispute("50", "Lost")),
]


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life[-1].status)
def test_any_order_and_repetition_of_a_claims_life_ends_as_the_right_one(life: tuple[Claim, ...]) -> None:
	for order in permutations(life * 2, len(life) * 2):
		known = None
		for report in order:
			known = merged(known, report)
		assert known == life[-1]


@pytest.mark.parametrize(
	"known,new",
	[
		(refund("20", "Failed"), refund("20", "Cancelled")),
		(refund("20"), refund("21")),
	],
)
def test_reports_that_contradict_each_other_are_for_a_person(known: Claim, new: Claim) -> None:
	with pytest.raises(Unclear):
		merged(known, new)


@pytest.mark.parametrize("known,told", [("Won", "Lost"), ("Lost", "Won")])
def test_of_two_ends_of_a_dispute_no_report_says_which_came_later_only_stripe_does(
	known: str, told: str
) -> None:
	with pytest.raises(Turned):
		merged(dispute("50", known), dispute("50", told))
	for now in (known, told):
		read = replace(dispute("50", now), read_after=3)
		assert merged(dispute("50", known), read) == read


@pytest.mark.parametrize("status", ["Inquiry", "Open", "Won", "Lost"])
def test_a_dispute_of_another_amount_than_before_is_read_at_stripe_and_stands_as_read(status: str) -> None:
	with pytest.raises(Turned):
		merged(dispute("50", "Open"), dispute("40", status))
	read = replace(dispute("40", status), read_after=1)
	assert merged(dispute("50", "Open"), read) == read


STRIPE = {"object": "refund", "id": "x_1", "amount": 2000, "currency": "eur", "reason": None}


@pytest.mark.parametrize(
	"status,ours",
	[
		("pending", "Pending"),
		("requires_action", "Pending"),
		("succeeded", "Succeeded"),
		("failed", "Failed"),
		("canceled", "Cancelled"),
	],
)
def test_a_refund_is_read_in_major_units(status: str, ours: str) -> None:
	assert of_refund({**STRIPE, "status": status}) == Claim(REFUND, "x_1", ours, Decimal(20), "EUR")


@pytest.mark.parametrize(
	"status,ours",
	[
		("warning_needs_response", "Inquiry"),
		("warning_under_review", "Inquiry"),
		("warning_closed", "Inquiry"),
		("prevented", "Inquiry"),
		("needs_response", "Open"),
		("under_review", "Open"),
		("won", "Won"),
		("lost", "Lost"),
		("appeal_needs_response", "Lost"),
		("appeal_under_review", "Lost"),
	],
)
def test_a_dispute_is_read_by_whether_money_has_moved(status: str, ours: str) -> None:
	yen = {**STRIPE, "object": "dispute", "currency": "jpy", "status": status, "reason": "fraudulent"}
	assert of_dispute(yen) == Claim(DISPUTE, "x_1", ours, Decimal(2000), "JPY", "fraudulent")


def test_a_status_that_we_do_not_know_is_for_a_person() -> None:
	with pytest.raises(Unclear):
		of_dispute({**STRIPE, "object": "dispute", "status": "appeal_lost"})
	with pytest.raises(Unclear):
		of_refund({**STRIPE, "status": "new"})


@pytest.mark.parametrize(
	"value", [None, True, 0, -1, 10**11, 5000.0, "", "5000", [], {}, "x" * 300], ids=repr
)
@pytest.mark.parametrize("name", ["object", "id", "status", "amount", "currency"])
def test_a_claim_that_is_not_what_it_should_be_is_for_a_person(name: str, value: object) -> None:
	for read, good in ((of_refund, "refund"), (of_dispute, "dispute")):
		status = "succeeded" if good == "refund" else "won"
		with pytest.raises(Unclear):
			read({**STRIPE, "object": good, "status": status, name: value})
