"""Which low balance warning is due: decided without a database."""

from decimal import Decimal

import pytest

from prepaid_billing.alerts.decide import (
	DAY_US,
	LEVELS,
	Standing,
	WarningState,
	decide,
	level_of,
	mark_of,
)

HOUR = 3_600_000_000
NOW = 1_000 * DAY_US


def standing(available: str, threshold: str = "20", held: str = "0", least: str | None = None) -> Standing:
	free = Decimal(available)
	return Standing(free, free + Decimal(held), Decimal(threshold), Decimal(least) if least else None)


@pytest.mark.parametrize(
	"available,threshold,level",
	[
		("20", "20", ""), ("19.999999", "20", "Low"), ("5", "20", "Low"), ("4.999999", "20", "Critical"),
		("0.000001", "20", "Critical"), ("0", "20", "Empty"), ("-1", "20", "Empty"), ("0", "0", "Empty"), ("0.000001", "0", ""), ("-1", "0", "Empty"),
	],
)  # fmt: skip
def test_the_level_follows_from_available_and_threshold(available: str, threshold: str, level: str) -> None:
	assert level_of(standing(available, threshold)) == level


@pytest.mark.parametrize(
	"available,threshold,least,level",
	[
		("0.004", "20", "0.007", "Empty"), ("0.007", "20", "0.007", "Critical"), ("0.3", "0", "0.42", "Empty"), ("0.42", "0", "0.42", ""),
		("0", "20", "0", "Empty"), ("6", "20", "7", "Empty"),
	],
)  # fmt: skip
def test_what_pays_for_no_call_is_used_up(available: str, threshold: str, least: str, level: str) -> None:
	assert level_of(standing(available, threshold, least=least)) == level


@pytest.mark.parametrize("threshold", ["0", "20"])
@pytest.mark.parametrize("available", ["0", "0.004"])
def test_money_that_calls_hold_is_not_used_up(available: str, threshold: str) -> None:
	assert level_of(standing(available, threshold, held="50", least="0.007")) == "Critical"


def due(level: str, hours_ago: float, today: int, available: str) -> tuple[bool, str]:
	last = NOW - int(hours_ago * HOUR) if level else 0
	decision = decide(WarningState(level, last, today, standing(available)), NOW, 24 * HOUR)
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


@pytest.mark.parametrize(
	"off,mark,available,told",
	[
		(("Critical",), "", "4", "Low"),
		(("Critical",), "Low", "4", ""),
		(("Critical",), "Low", "0", "Empty"),
		(("Critical", "Empty"), "", "0", "Low"),
		(("Low",), "", "10", ""),
		(("Low",), "", "4", "Critical"),
		(("Empty",), "Low", "0", "Critical"),
		(LEVELS, "", "0", ""),
	],
)
def test_the_worst_level_that_is_wanted_is_told(
	off: tuple[str, ...], mark: str, available: str, told: str
) -> None:
	wanted = tuple(level for level in LEVELS[1:] if level not in off)
	state = WarningState(mark, NOW - HOUR if mark else 0, 0, standing(available), wanted)
	decision = decide(state, NOW, 24 * HOUR)
	assert (decision.send, decision.told) == (bool(told), told)


@pytest.mark.parametrize(
	"mark,available,kept",
	[
		("Empty", "0", "Empty"), ("Empty", "0.01", "Empty"), ("Empty", "4", "Critical"), ("Empty", "10", "Low"),
		("Critical", "5", "Critical"), ("Critical", "9.99", "Critical"), ("Critical", "10", "Low"), ("Low", "19", "Low"),
		("Low", "0", "Low"), ("", "0", ""), ("Critical", "39", "Low"), ("Critical", "40", ""),
	],
)  # fmt: skip
def test_the_mark_is_lowered_when_half_of_the_money_would_still_be_a_better_level(
	mark: str, available: str, kept: str
) -> None:
	assert mark_of(WarningState(mark, NOW, 1, standing(available, least="0.007"))) == kept
