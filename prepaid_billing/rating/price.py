"""The price of a call and its inverse, by billing increments. DESIGN.md section 5.

All arithmetic is on whole micro-units (a millionth of the currency's major unit), so nothing can round
before the end: a call costs ``round_half_up(connection_fee + rate_per_minute * billed / 60)``.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from prepaid_billing.rating.money import ZERO

_MICRO = 1_000_000
_SECONDS_PER_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Rate:
	"""What a minute costs. Amounts have at most six decimals; increments and durations are seconds."""

	rate_per_minute: Decimal
	billing_increment: int
	minimum_duration: int = 0
	connection_fee: Decimal = ZERO
	minimum_charge: Decimal = ZERO

	def __post_init__(self) -> None:
		if self.billing_increment < 1:
			raise ValueError("billing_increment must be at least one second")
		if min(self.rate_per_minute, self.connection_fee, self.minimum_charge) < 0 or self.minimum_duration < 0:
			raise ValueError("a rate has no negative part")

	@property
	def first_block(self) -> int:
		"""Seconds that every answered call is billed at least."""
		return max(self.billing_increment, self.minimum_duration)


def whole_seconds(seconds: Decimal) -> int:
	"""Round a measured duration up to whole seconds: 0.4 s counts as 1."""
	return int(seconds.to_integral_value(rounding=ROUND_CEILING))


def billed_seconds(rate: Rate, seconds: int) -> int:
	"""Return the seconds that a call of ``seconds`` is billed for; 0 for a call that was not answered.

	Raises ValueError for a negative duration.
	"""
	if seconds < 0:
		raise ValueError("a call cannot last less than zero seconds")
	if seconds == 0:
		return 0
	beyond = max(0, seconds - rate.first_block)
	steps = -(-beyond // rate.billing_increment)
	return rate.first_block + steps * rate.billing_increment


def cost(rate: Rate, seconds: int) -> Decimal:
	"""Return what a call of ``seconds`` in all costs, rounded once, half up, to six decimals.

	A slice of a call costs ``cost(rate, total so far) - cost(rate, before)``, never a fresh price.
	"""
	billed = billed_seconds(rate, seconds)
	if billed == 0:
		return ZERO
	sixtieths = _micro(rate.connection_fee) * _SECONDS_PER_MINUTE + _micro(rate.rate_per_minute) * billed
	rounded = (sixtieths + _SECONDS_PER_MINUTE // 2) // _SECONDS_PER_MINUTE
	return Decimal(max(rounded, _micro(rate.minimum_charge))).scaleb(-6)


def max_seconds(rate: Rate, money: Decimal, longest: int) -> int:
	"""Return the longest call, in seconds from the answer, that ``money`` pays for; at most ``longest``.

	The exact inverse of cost: ``cost(max_seconds) <= money < cost(max_seconds + 1)``, but for the cap.
	"""
	if longest <= 0 or cost(rate, 1) > money:
		return 0
	# Rounded half up, the price is at most `money` exactly when the sixtieths before rounding are at
	# most this many.
	affordable = (
		(_micro(money) - _micro(rate.connection_fee)) * _SECONDS_PER_MINUTE + _SECONDS_PER_MINUTE // 2 - 1
	)
	per_second = _micro(rate.rate_per_minute)
	if per_second == 0:
		return longest
	steps = (affordable // per_second - rate.first_block) // rate.billing_increment
	return min(longest, rate.first_block + steps * rate.billing_increment)


def _micro(amount: Decimal) -> int:
	return int(amount * _MICRO)
