"""How much of a call is granted at a time. Pure: plain data in, plain data out."""

from dataclasses import dataclass
from decimal import Decimal

from prepaid_billing.rating.price import Rate, cost, max_seconds

GRACE = 30
"""Seconds that a grant stays valid after its last granted second, for the gateway to report."""


@dataclass(frozen=True, slots=True)
class Grant:
	"""What a gateway may let a call run. Seconds are totals counted from the answer, ``hold`` is a total too.

	``validity`` is how many seconds from now the gateway has for what is still to run, and to report it.
	"""

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


@dataclass(frozen=True, slots=True)
class Running:
	"""A call in progress: what is granted and held so far, and the seconds used by the gateway's last word."""

	granted_seconds: int
	hold: Decimal
	used_seconds: int


def extend(rate: Rate, call: Running, available: Decimal, slice_seconds: int, longest: int) -> Grant:
	"""Return the next grant: ``slice_seconds`` beyond what is used, as far as the call's own hold and what is
	``available`` beside it pay for. A grant that was given is never taken back.
	"""
	affordable = max_seconds(rate, call.hold + available, longest)
	granted = min(call.used_seconds + slice_seconds, affordable)
	if granted <= call.granted_seconds:
		return _unchanged(call, max(affordable, call.granted_seconds))
	return Grant(granted, affordable, _validity(granted, call), cost(rate, granted))


def no_more(call: Running) -> Grant:
	"""Return the grant of a call that gets nothing more, whatever the balance: it runs to its end and stops."""
	return _unchanged(call, call.granted_seconds)


def _unchanged(call: Running, most: int) -> Grant:
	return Grant(call.granted_seconds, most, _validity(call.granted_seconds, call), call.hold)


def _validity(granted: int, call: Running) -> int:
	return max(0, granted - call.used_seconds) + GRACE
