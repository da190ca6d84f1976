"""Which low balance warning is due: decided without a database."""

from decimal import Decimal

import pytest

from prepaid_billing.alerts.decide import DAY_US, WarningState, decide, level_of

HOUR = 3_600_000_000
NOW = 1_000 * DAY_US


@pytest.mark.parametrize(
	"available,threshold,level",
	[
		("20", "20", ""), ("19.999999", "20", "Low"), ("5", "20", "Low"), ("4.999999", "20", "Critical"),
		("0.000001", "20", "Critical"), ("0", "20", "Empty"), ("-1", "20", "Empty"), ("0", "0", "Empty"), ("0.000001", "0", ""), ("-1", "0", "Empty"),
	],
)  # fmt: skip
def test_the_level_follows_from_available_and_threshold(available: str, threshold: str, level: str) -> None:
	assert level_of(Decimal(available), Decimal(threshold)) == level


def due(level: str, hours_ago: float, today: int, available: str) -> tuple[bool, str]:
	last = NOW - int(hours_ago * HOUR) if level else 0
	state = WarningState(level, last, today, Decimal(available), Decimal(20))
	decision = decide(state, NOW, 24 * HOUR)
	assert decision.reason.endswith(".")
	return decision.send, decision.level


@pytest.mark.parametrize(
	"state,expected",
	[
		(("", 0, 0, "25"), (False, "")),
		(("", 0, 0, "10"), (True, "Low")),
		(("", 0, 0, "0"), (True, "Empty")),
		(("Low", 1, 1, "10"), (False, "Low")),
		(("Low", 23.99, 1, "10"), (False, "Low")),
		(("Low", 24, 1, "10"), (True, "Low")),
		(("Low", 1, 1, "3"), (True, "Critical")),
		(("Critical", 1, 2, "0"), (True, "Empty")),
		(("", 0, 3, "10"), (False, "Low")),
		(("Empty", 1, 1, "10"), (False, "Low")),
		(("Critical", 1, 3, "0"), (False, "Empty")),
		(("Critical", 24, 2, "0"), (True, "Empty")),
	],
)
def test_a_warning_is_due(state: tuple, expected: tuple[bool, str]) -> None:
	assert due(*state) == expected
