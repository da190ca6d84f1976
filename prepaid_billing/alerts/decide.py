"""Which warning is due. Pure: plain data in, plain data out."""

from dataclasses import dataclass, replace
from decimal import Decimal

LEVELS = ("", "Low", "Critical", "Empty")
MOST_PER_DAY = 3
NOT_LOW = "The available balance is not below the threshold."
WARNED_TODAY = "Three warnings were sent within a day."
WARNED_OF_LATE = "A warning was sent within the interval."
DAY_US = 86_400 * 1_000_000


@dataclass(frozen=True, slots=True)
class Standing:
	"""What the level of a balance follows from, in major units.

	``least`` is what the shortest call costs at today's rate, None where no rate applies.
	"""

	available: Decimal
	balance: Decimal
	threshold: Decimal
	least: Decimal | None = None

	def pays_for_nothing(self, amount: Decimal) -> bool:
		"""Whether an amount starts no call, however short."""
		return amount <= 0 or (self.least is not None and amount < self.least)


@dataclass(frozen=True, slots=True)
class WarningState:
	"""What is known of the warnings of a company. ``last_warning_us`` is in UTC microseconds.

	``level`` is the mark: the worst that was told and not left since. ``warnings_today`` counts those of the last 24 hours,
	``wanted`` are the levels that the company has switched on.
	"""

	level: str
	last_warning_us: int
	warnings_today: int
	standing: Standing
	wanted: tuple[str, ...] = LEVELS[1:]


@dataclass(frozen=True, slots=True)
class WarningDecision:
	"""Whether to warn, at which level the balance is, and why (not), in words for the log and the command.

	``told`` is the level that the mail is about: a better one where the company has switched this one's mails off.
	"""

	send: bool
	level: str
	reason: str
	told: str = ""


def level_of(standing: Standing) -> str:
	"""Return "Empty" (the balance pays for no call), "Critical", "Low" or "" (good).

	Critical is below a quarter of the threshold, or that what is available starts no call. What calls in progress hold is
	not used up, so money that is held alone is never Empty.
	"""
	if standing.pays_for_nothing(standing.balance):
		return "Empty"
	if standing.available * 4 < standing.threshold or standing.pays_for_nothing(standing.available):
		return "Critical"
	return "Low" if standing.available < standing.threshold else ""


def told_of(state: WarningState) -> str:
	"""Return the worst level that the balance has reached and the company wants to hear of, or nothing."""
	reached = LEVELS[: LEVELS.index(level_of(state.standing)) + 1]
	return next((level for level in reversed(reached) if level in state.wanted), "")


def mark_of(state: WarningState) -> str:
	"""Return the mark as it is to be kept: lowered where the level it stands for was left.

	It was left when half of the money would still be better, so that calls which hold money and free it lower nothing.
	"""
	half = replace(state.standing, available=state.standing.available / 2, balance=state.standing.balance / 2)
	return min(state.level, told_of(replace(state, standing=half)), key=LEVELS.index)


def unwanted(state: WarningState) -> str:
	"""Return why there is nothing to warn of, or nobody wants to hear it; nothing where there is."""
	if not level_of(state.standing):
		return NOT_LOW
	return "" if told_of(state) else "The company has switched off the mails of this level."


def decide(state: WarningState, now_us: int, interval_us: int) -> WarningDecision:
	"""Return whether a warning is due now.

	A worse level is told at once; the same or a better one not again within the interval; at most
	MOST_PER_DAY within a day.
	"""
	level, told = level_of(state.standing), told_of(state)
	if reason := unwanted(state):
		return WarningDecision(False, level, reason)
	if state.warnings_today >= MOST_PER_DAY:
		return WarningDecision(False, level, WARNED_TODAY)
	if not is_told(told, state.level, state.last_warning_us, now_us, interval_us):
		reason = (
			"The balance fell to this level."
			if LEVELS.index(told) > LEVELS.index(state.level)
			else "The last warning is older than the interval."
		)
		return WarningDecision(True, level, reason, told)
	return WarningDecision(False, level, WARNED_OF_LATE)


def is_told(level: str, mark: str, marked_us: int, now_us: int, interval_us: int) -> bool:
	"""Whether a mark says that a level, or a worse one, was told within the interval."""
	return LEVELS.index(level) <= LEVELS.index(mark) and now_us - marked_us < interval_us
