"""Which of several reports about a call is the truth, and what the call then owes."""

from decimal import Decimal
from itertools import permutations

import pytest

from prepaid_billing.calls.report import CDR, CONFLICT, END, NEWS, OLD, SAME, USAGE, Report, judge, owed
from prepaid_billing.rating.money import ZERO
from prepaid_billing.rating.price import Rate

NOTHING = Report("", 0)
RATE = Rate(Decimal("0.42"), 1)


@pytest.mark.parametrize(
	"known,new,verdict",
	[
		(NOTHING, Report(END, 0), NEWS),
		(NOTHING, Report(CDR, 0), NEWS),
		(Report(USAGE, 60), Report(END, 60), NEWS),
		(Report(USAGE, 60), Report(CDR, 10), NEWS),
		(Report(END, 60), Report(CDR, 60), NEWS),
		(Report(END, 60), Report(END, 60), SAME),
		(Report(END, 60), Report(END, 61), CONFLICT),
		(Report(CDR, 60), Report(END, 61), OLD),
		(Report(CDR, 60), Report(CDR, 60), SAME),
		(Report(CDR, 60), Report(CDR, 61), CONFLICT),
		(Report(CDR, 60), Report(CDR, 61, 1), NEWS),
		(Report(CDR, 60, 1), Report(CDR, 61), OLD),
		(Report(CDR, 60, 1), Report(CDR, 60, 2), NEWS),
	],
)
def test_a_better_report_is_news_and_a_worse_one_is_old(known: Report, new: Report, verdict: str) -> None:
	assert judge(known, new) == verdict


def test_any_order_of_the_same_reports_ends_with_the_best_one() -> None:
	reports = [Report(USAGE, 50), Report(END, 61), Report(CDR, 60), Report(CDR, 59, 2), Report(CDR, 70, 1)]
	for order in permutations(reports):
		known = NOTHING
		for report in order:
			known = report if judge(known, report) == NEWS else known
		assert known == Report(CDR, 59, 2)


@pytest.mark.parametrize(
	"seconds,percent,not_billable,amount",
	[
		(60, "0", False, "0.42"),
		(60, "50", False, "0.21"),
		(60, "100", False, "0"),
		(60, "0", True, "0"),
		(0, "50", False, "0"),
		# 0.007 x 12.5 % = 0.000875
		(1, "12.5", False, "0.006125"),
		# 0.007 x 0.01 % = 0.0000007, rounded half up once
		(1, "0.01", False, "0.006999"),
	],
)
def test_a_call_owes_its_price_less_what_was_given_back(
	seconds: int, percent: str, not_billable: bool, amount: str
) -> None:
	assert owed(RATE, seconds, Decimal(percent), not_billable) == Decimal(amount)


def test_what_a_call_owes_has_six_decimals() -> None:
	assert owed(RATE, 1, Decimal("33.33"), False).as_tuple().exponent == -6
	assert owed(RATE, 1, ZERO, True) == 0
