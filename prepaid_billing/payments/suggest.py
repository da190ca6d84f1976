"""Which amounts a top-up page offers first. Pure: plain data in, plain data out. Amounts are in major units."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import chain

PARTS = (Decimal("0.25"), Decimal("0.5"), Decimal(1), Decimal(2))
"""The offers as multiples of what a month costs: about a week, two weeks, a month and two."""

MOST = len(PARTS)

_OF_THE_LARGEST = (Decimal("0.5"), Decimal("0.25"), Decimal("0.75"))
"""What is offered with the largest amount where use is beyond it, where an offer from use is not a fifth from it already."""

_STEPS = ((Decimal(50), 5), (Decimal(200), 10), (Decimal(1000), 50), (Decimal(5000), 100))
_LARGEST_STEP = 500


@dataclass(frozen=True, slots=True)
class Offers:
	"""The amounts, rising, and which of them is chosen at first: about a week of use. None where there are none."""

	amounts: list[Decimal]
	first: Decimal | None


def suggested(
	month: Decimal, fallback: Sequence[Decimal], smallest: Decimal, largest: Decimal, step: Decimal
) -> Offers:
	"""Return four amounts by what ``month`` cost, fewer only where no more can be paid; ``fallback`` where it cost nothing.

	Each lies within the limits, which can be paid themselves, and is a multiple of ``step``: what can be paid at all.
	"""
	if month <= 0 or smallest > largest:
		amounts = sorted({amount for amount in fallback if smallest <= amount <= largest})
		return Offers(amounts, amounts[0] if amounts else None)
	by_use = [min(round_up(max(month * part, smallest)), largest) for part in PARTS]
	found = set(by_use)
	parts = _parts_of(largest)
	apart = [part for part in parts if all(abs(part - amount) * 5 >= amount for amount in by_use)]
	for amount in chain(_beyond(max(by_use)), apart, parts, _closest(smallest, step)):
		if len(found) == MOST:
			break
		if smallest <= amount <= largest:
			found.add(amount)
	return Offers(sorted(found), by_use[0])


def round_up(amount: Decimal) -> Decimal:
	"""Return the next amount in steps of 5, 10, 50, 100 or 500, the larger the amount the coarser."""
	step = _step(amount)
	return (amount / step).to_integral_value(ROUND_CEILING) * step


def _step(amount: Decimal) -> int:
	return next((step for below, step in _STEPS if amount <= below), _LARGEST_STEP)


def _beyond(amount: Decimal) -> Iterator[Decimal]:
	"""Yield what follows where use is so small that its parts are all the least: each twice the one before, as those are."""
	return (round_up(amount * 2**times) for times in range(1, MOST))


def _parts_of(largest: Decimal) -> list[Decimal]:
	"""Return parts of the largest amount, rounded down to what a person would write."""
	exact = [largest * part for part in _OF_THE_LARGEST]
	return [(part / _step(part)).to_integral_value(ROUND_FLOOR) * _step(part) for part in exact]


def _closest(smallest: Decimal, step: Decimal) -> Iterator[Decimal]:
	"""Yield what can be paid from the least on, in fives, ones and steps: between limits that are close nothing else is."""
	for pitch in (Decimal(5), Decimal(1), step):
		begin = (smallest / pitch).to_integral_value(ROUND_CEILING)
		yield from ((begin + number) * pitch for number in range(MOST))
