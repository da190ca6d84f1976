"""Our books beside Stripe's: what differs, object by object and in sum. Pure. Amounts are in major units.

In sum alone two errors could hide each other, so every object is compared.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from prepaid_billing.rating.money import ZERO, as_text

PAYMENT, REFUND, DISPUTE = "payment", "refund", "dispute"


@dataclass(frozen=True, slots=True)
class Position:
	"""One object of Stripe, by its id there, and what it adds to our money: less than zero for what it takes."""

	kind: str
	stripe_id: str
	topup: str
	currency: str
	amount: Decimal


@dataclass(frozen=True, slots=True)
class Difference:
	"""An object that is not the same on both sides, None where it is not there at all, or has a ``problem``."""

	kind: str
	stripe_id: str
	topup: str
	currency: str
	at_stripe: Decimal | None
	here: Decimal | None
	problem: str = ""

	@property
	def is_acceptable(self) -> bool:
		"""Whether it is of two amounts; else it only has a problem, which a person or time can mend."""
		return self.at_stripe is not None or not self.problem

	@property
	def amount(self) -> Decimal:
		"""What is at Stripe less what is here; nothing counts as 0."""
		return (self.at_stripe or ZERO) - (self.here or ZERO)

	def __str__(self) -> str:
		if self.problem:
			return f"{self.kind} {self.stripe_id} of top-up {self.topup}: {self.problem}"
		sides = (
			f"{side} {'nothing' if amount is None else f'{as_text(amount)} {self.currency}'}"
			for side, amount in (("at Stripe", self.at_stripe), ("here", self.here))
		)
		return f"{self.kind} {self.stripe_id} of top-up {self.topup}: {', '.join(sides)}"


def differences(theirs: Iterable[Position], ours: Iterable[Position]) -> list[Difference]:
	"""Return what differs, in the order of kind and id. What moves no money may be missing on one side."""
	left, right = _by_id(theirs), _by_id(ours)
	found = []
	for key in sorted(left.keys() | right.keys()):
		their, our = left.get(key), right.get(key)
		if _figure(their) != _figure(our):
			one = their or our
			found.append(
				Difference(
					*key,
					one.topup if one else "",
					one.currency if one else "",
					their.amount if their else None,
					our.amount if our else None,
				)
			)
	return found


def sums(theirs: Iterable[Position], ours: Iterable[Position]) -> dict[str, tuple[Decimal, Decimal]]:
	"""Return the sums at Stripe and here by currency."""
	found: dict[str, tuple[Decimal, Decimal]] = {}
	for position in theirs:
		their, our = found.get(position.currency, (ZERO, ZERO))
		found[position.currency] = (their + position.amount, our)
	for position in ours:
		their, our = found.get(position.currency, (ZERO, ZERO))
		found[position.currency] = (their, our + position.amount)
	return dict(sorted(found.items()))


def _by_id(positions: Iterable[Position]) -> dict[tuple[str, str], Position]:
	return {(position.kind, position.stripe_id): position for position in positions}


def _figure(position: Position | None) -> tuple[str, Decimal]:
	"""What is compared: currency and amount, alike for what moves nothing and for what is not there."""
	return (position.currency, position.amount) if position and position.amount else ("", ZERO)
