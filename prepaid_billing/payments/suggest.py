"""Which amounts a top-up page offers first. Pure: plain data in, plain data out. Amounts are in major units."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal

PARTS = (Decimal("0.25"), Decimal("0.5"), Decimal(1), Decimal(2))
"""The offers as multiples of what a month costs: about a week, two weeks, a month and two."""

MOST = len(PARTS)

_STEPS = ((Decimal(50), 5), (Decimal(200), 10), (Decimal(1000), 50), (Decimal(5000), 100))
_LARGEST_STEP = 500


def suggested(
	month: Decimal, fallback: Sequence[Decimal], smallest: Decimal, largest: Decimal
) -> list[Decimal]:
	"""Return up to four amounts, rising: PARTS of what ``month`` cost, or the least or the most that may be paid.

	Rounded up to amounts that a person would write down. Where that gives fewer than four within the limits,
	those of the settings fill up.
	"""
	from_use = [round_up(min(max(month * part, smallest), largest)) for part in PARTS] if month > 0 else []
	within = [amount for amount in [*from_use, *fallback] if smallest <= amount <= largest]
	return sorted(list(dict.fromkeys(within))[:MOST])


def round_up(amount: Decimal) -> Decimal:
	"""Return the next amount in steps of 5, 10, 50, 100 or 500, the larger the amount the coarser."""
	step = next((step for below, step in _STEPS if amount <= below), _LARGEST_STEP)
	return (amount / step).to_integral_value(ROUND_CEILING) * step
