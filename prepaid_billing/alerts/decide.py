"""Which warning is due. Pure: plain data in, plain data out."""

from dataclasses import dataclass
from decimal import Decimal

LEVELS = ("", "Low", "Critical", "Empty")
MOST_PER_DAY = 3
NOT_LOW = "The available balance is not below the threshold."
WARNED_TODAY = "Three warnings were sent within a day."
WARNED_OF_LATE = "A warning was sent within the interval."
DAY_US = 86_400 * 1_000_000


@dataclass(frozen=True, slots=True)
class WarningState:
	"""What is known of the warnings of a company. Instants are UTC microseconds, amounts major units.

	``warnings_today`` counts those of the last 24 hours, ``wanted`` are the levels that the company has switched on.
	"""

	level: str
	last_warning_us: int
	warnings_today: int
	available: Decimal
	threshold: Decimal
	wanted: tuple[str, ...] = LEVELS[1:]


@dataclass(frozen=True, slots=True)
class WarningDecision:
	"""Whether to warn, at which level, and why (not), in words for the log and the command."""

	send: bool
	level: str
	reason: str


def level_of(available: Decimal, threshold: Decimal) -> str:
	"""Return "Empty" (nothing left), "Critical" (below a quarter of the threshold), "Low" or "" (good)."""
	if available <= 0:
		return "Empty"
	if available * 4 < threshold:
		return "Critical"
	return "Low" if available < threshold else ""


def unwanted(state: WarningState) -> str:
	"""Return why there is nothing to warn of, or nobody wants to hear it; nothing where there is."""
	level = level_of(state.available, state.threshold)
	if not level:
		return NOT_LOW
	return "" if level in state.wanted else "The company has switched off the mails of this level."


def decide(state: WarningState, now_us: int, interval_us: int) -> WarningDecision:
	"""Return whether a warning is due now.

	A worse level is told at once; the same or a better one not again within the interval; at most
	MOST_PER_DAY within a day.
	"""
	level = level_of(state.available, state.threshold)
	if reason := unwanted(state):
		return WarningDecision(False, level, reason)
	since_last = now_us - state.last_warning_us
	if state.warnings_today >= MOST_PER_DAY:
		return WarningDecision(False, level, WARNED_TODAY)
	if LEVELS.index(level) > LEVELS.index(state.level):
		return WarningDecision(True, level, "The balance fell to this level.")
	if since_last >= interval_us:
		return WarningDecision(True, level, "The last warning is older than the interval.")
	return WarningDecision(False, level, WARNED_OF_LATE)
