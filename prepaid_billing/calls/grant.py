"""How much of a call is granted at a time. Pure: plain data in, plain data out."""

from dataclasses import dataclass
from decimal import Decimal

from prepaid_billing.rating.price import Rate, cost, max_seconds

GRACE = 30
"""Seconds that a grant stays valid after its last granted second, for the gateway to report."""


@dataclass(frozen=True, slots=True)
class Grant:
	"""What a gateway may let a call run. Seconds are totals counted from the answer."""

	granted_seconds: int
	max_seconds: int
	validity: int
	hold: Decimal

	@property
	def final(self) -> bool:
		"""Whether no further second can be granted: the money, or the longest call, ends with this grant."""
		return self.granted_seconds >= self.max_seconds


def grant(rate: Rate, money: Decimal, slice_seconds: int, longest: int) -> Grant | None:
	"""Return the first grant of a call that ``money`` must pay for, or None where it pays for nothing.

	``slice_seconds`` is what is asked for; what the money does not cover is cut off.
	"""
	affordable = max_seconds(rate, money, longest)
	if affordable == 0:
		return None
	granted = min(slice_seconds, affordable)
	return Grant(granted, affordable, granted + GRACE, cost(rate, granted))
