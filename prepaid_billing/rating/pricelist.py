"""Which rate applies: the company's own beats the default price list, and none means no call."""

from collections.abc import Iterable
from dataclasses import dataclass

from prepaid_billing.rating.price import Rate


@dataclass(frozen=True)
class PricedRate:
	"""A rate with its name, its company (None: the default price list) and its validity.

	Instants are microseconds since 1970, UTC; the end is exclusive, None for a rate without one.
	"""

	name: str
	company: str | None
	valid_from_us: int
	valid_until_us: int | None
	rate: Rate


def applicable(rates: Iterable[PricedRate], company: str, at_us: int) -> PricedRate | None:
	"""Return the rate for a call of ``company`` that starts at ``at_us``; None refuses the call.

	A rate of the company comes before one of the default price list, the latest start first.
	"""
	valid = [rate for rate in rates if _applies(rate, company, at_us)]
	return max(valid, key=lambda rate: (rate.company == company, rate.valid_from_us), default=None)


def _applies(rate: PricedRate, company: str, at_us: int) -> bool:
	if rate.company not in (None, company) or at_us < rate.valid_from_us:
		return False
	return rate.valid_until_us is None or at_us < rate.valid_until_us
