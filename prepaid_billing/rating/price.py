"""The price of a call and its inverse, by billing increments. DESIGN.md section 5.

All arithmetic is on whole micro-units (a millionth of the currency's major unit), so nothing can round
before the end: a call costs ``round_half_up(connection_fee + rate_per_minute * billed / 60)``.
"""

import math
from dataclasses import dataclass
from decimal import Decimal

from prepaid_billing.rating.money import SCALE, ZERO, exact

_SECONDS_PER_MINUTE = 60
_HALF_A_MINUTE = 30


@dataclass(frozen=True)
class Rate:
	"""What a minute costs. Amounts are in the currency's major unit, increments and durations in seconds.

	Raises ValueError for a negative part, an increment below one second, and (as AmountError) an amount with
	more than six decimals or of 10^9 and more.
	"""

	rate_per_minute: Decimal
	billing_increment: int
	minimum_duration: int = 0
	connection_fee: Decimal = ZERO
	minimum_charge: Decimal = ZERO

	def __post_init__(self) -> None:
		amounts = (self.rate_per_minute, self.connection_fee, self.minimum_charge)
		if min(map(exact, amounts)) < 0 or self.minimum_duration < 0:
			raise ValueError("a rate has no negative part")
		if self.billing_increment < 1:
			raise ValueError("billing_increment must be at least one second")

	@property
	def first_block(self) -> int:
		"""Seconds that every answered call is billed at least."""
		return max(self.billing_increment, self.minimum_duration)


def whole_seconds(seconds: Decimal) -> int:
	"""Round a measured duration up to whole seconds: 0.4 s counts as 1."""
	return math.ceil(seconds)


def billed_seconds(rate: Rate, seconds: int) -> int:
	"""Return the seconds that a call of ``seconds`` is billed for; 0 for a call that was not answered.

	Raises ValueError for a negative duration.
	"""
	if seconds < 0:
		raise ValueError("a call cannot last less than zero seconds")
	if not seconds:
		return 0
	beyond = max(0, seconds - rate.first_block)
	steps = -(-beyond // rate.billing_increment)
	return rate.first_block + steps * rate.billing_increment


def cost(rate: Rate, seconds: int) -> Decimal:
	"""Return what a call of ``seconds`` in all costs, rounded once, half up, to six decimals.

	A slice of a call costs ``cost(rate, total so far) - cost(rate, before)``, never a fresh price.
	Raises ValueError for a negative duration.
	"""
	billed = billed_seconds(rate, seconds)
	if not billed:
		return ZERO
	sixtieths = _micro(rate.connection_fee) * _SECONDS_PER_MINUTE + _micro(rate.rate_per_minute) * billed
	rounded = (sixtieths + _HALF_A_MINUTE) // _SECONDS_PER_MINUTE
	return Decimal(max(rounded, _micro(rate.minimum_charge))).scaleb(-SCALE)


def max_seconds(rate: Rate, money: Decimal, longest: int) -> int:
	"""Return the longest call, in seconds from the answer, that ``money`` pays for; at most ``longest``.

	The exact inverse of cost: ``cost(max_seconds) <= money < cost(max_seconds + 1)``, but for the cap.
	"""
	if money < cost(rate, 1):
		return 0
	per_second = _micro(rate.rate_per_minute)
	if not per_second:
		return longest
	# Rounded half up, a price is at most `money` exactly when it was below `money` and a half before.
	too_much = (_micro(money) - _micro(rate.connection_fee)) * _SECONDS_PER_MINUTE + _HALF_A_MINUTE
	steps = ((too_much - 1) // per_second - rate.first_block) // rate.billing_increment
	return min(longest, rate.first_block + steps * rate.billing_increment)


def _micro(amount: Decimal) -> int:
	"""Return an exact amount in micro-units."""
	return int(amount.scaleb(SCALE))
