"""What refunds and disputes take back from a top-up. Pure: the same reports in any order end in the same state."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from prepaid_billing.payments.facts import (
	Unclear,
	check_kind,
	currency_of,
	field,
	id_of,
	text_of,
	to_major,
	unreadable,
)
from prepaid_billing.rating.money import LIMIT, N_, ZERO

REFUND, DISPUTE = "Billing Refund", "Billing Dispute"

# Status by Stripe's word, and how late in its life each stands: a later one is never undone by an earlier one.
# Which end of a dispute is the later one no report tells: see Turned.
_REFUND = {
	"pending": "Pending",
	"requires_action": "Pending",
	"succeeded": "Succeeded",
	"failed": "Failed",
	"canceled": "Cancelled",
}
_DISPUTE = {
	"warning_needs_response": "Inquiry",
	"warning_under_review": "Inquiry",
	"warning_closed": "Inquiry",
	"prevented": "Inquiry",
	"needs_response": "Open",
	"under_review": "Open",
	"won": "Won",
	"lost": "Lost",
	# After it was lost; the money stays away meanwhile.
	"appeal_needs_response": "Lost",
	"appeal_under_review": "Lost",
}
_AGE = {
	REFUND: {"Planned": 0, "Pending": 1, "Succeeded": 2, "Failed": 3, "Cancelled": 3},
	DISPUTE: {"Inquiry": 0, "Open": 1, "Lost": 2, "Won": 2},
}
_ENDS = {"Lost", "Won"}
_TAKES = {REFUND: ("Planned", "Pending", "Succeeded"), DISPUTE: ("Open", "Lost")}


ROUNDING = Decimal("0.00001")
"""More than parts of a payment can differ by from being rounded: no entry is made for less."""


class Turned(ValueError):
	"""A dispute is told to have ended otherwise than before, or to be of another amount: only Stripe knows what holds."""


@dataclass(frozen=True, slots=True)
class Claim:
	"""A refund or a dispute as Stripe or we know it. ``amount`` is in major units of what was paid.

	``failure`` says why a refund failed; ``record`` is the name of our own refund that Stripe's one carries.
	``read_after`` is how many reports of it we had when it was read at Stripe to learn what holds now.
	"""

	kind: str
	stripe_id: str | None
	status: str
	amount: Decimal
	currency: str
	reason: str = ""
	failure: str = ""
	record: str = ""
	read_after: int | None = None

	@property
	def takes(self) -> Decimal:
		"""What it takes from the payment: nothing once it failed, was won, or while it only asks."""
		return self.amount if self.status in _TAKES[self.kind] else ZERO


def of_refund(refund: dict) -> Claim:
	"""Read a refund object of Stripe. Raises Unclear, also for a status that we do not know."""
	check_kind(refund, "refund")
	return Claim(
		REFUND,
		id_of(refund),
		_known(_REFUND, refund),
		_amount(refund),
		currency_of(refund),
		text_of(refund, "reason"),
		text_of(refund, "failure_reason"),
		text_of(refund.get("metadata"), "refund"),
	)


def of_dispute(dispute: dict) -> Claim:
	"""Read a dispute object of Stripe. Raises Unclear, also for a status that we do not know."""
	check_kind(dispute, "dispute")
	return Claim(
		DISPUTE,
		id_of(dispute),
		_known(_DISPUTE, dispute),
		_amount(dispute),
		currency_of(dispute),
		text_of(dispute, "reason"),
	)


def merged(known: Claim | None, new: Claim) -> Claim:
	"""Return the claim as it stands after ``new`` was heard of it, in whatever order.

	Raises Unclear where both are final and contradict each other, or where the amount of a refund has changed, and
	Turned where a dispute has two ends or amounts and the new one was not read at Stripe for that.
	"""
	if known is None:
		return new
	if new.read_after is not None:
		return new
	if known.amount != new.amount:
		if new.kind == DISPUTE:
			raise Turned
		raise Unclear(N_("It was {0} {1} before and is {2} now."), known.amount, known.currency, new.amount)
	if {known.status, new.status} == _ENDS:
		raise Turned
	before, after = (_AGE[new.kind][claim.status] for claim in (known, new))
	if before == after and known.status != new.status:
		raise Unclear(N_("It was {0} before and is {1} now."), known.status, new.status)
	return new if after >= before else known


def taken_back(paid: Decimal, credited: Decimal, claims: Iterable[Claim]) -> Decimal:
	"""Return what claims take from the ``credited`` part of a payment, in major units.

	In proportion to what was paid, rounded half up to six decimals; all of it once everything is claimed, and
	never more, also where a refund and a dispute claim the same money.
	"""
	claimed = sum((claim.takes for claim in claims), ZERO)
	return credited if claimed >= paid else _part(claimed, paid, credited)


def shares(
	paid: Decimal, credited: Decimal, claims: Sequence[Claim], taken: Sequence[Decimal], reported: int
) -> list[Decimal]:
	"""Return what each claim shall have taken after a report of the one at the place ``reported``; ``taken`` before it.

	A claim that takes keeps what it has, and one that does not has nothing, but for a rounding. Where two claim the
	same money the first one has it, and when that fails the other one takes it. The reported one has the remainder.
	"""
	most = [_part(claim.takes, paid, credited) for claim in claims]
	found = [have if has or abs(have) <= ROUNDING else ZERO for has, have in zip(most, taken, strict=True)]
	found[reported] = ZERO
	left = taken_back(paid, credited, claims) - sum(found, ZERO)
	for place in range(len(claims)):
		more = min(most[place] - found[place], left - most[reported])
		if place != reported and more > ROUNDING:
			found[place], left = found[place] + more, left - more
	found[reported] = left
	return found


def _part(amount: Decimal, paid: Decimal, credited: Decimal) -> Decimal:
	return (amount * credited / paid).quantize(ZERO, ROUND_HALF_UP)


def refunded(claims: Iterable[Claim]) -> Decimal:
	"""Return how much of the payment goes back to the card by refunds, in major units."""
	return sum((claim.takes for claim in claims if claim.kind == REFUND), ZERO)


def status_of_topup(paid: Decimal, claims: Iterable[Claim]) -> str:
	"""Return the status of a paid top-up with these claims on it."""
	claims = list(claims)
	if any(claim.takes for claim in claims if claim.kind == DISPUTE):
		return "Disputed"
	back = refunded(claims)
	if not back:
		return "Paid"
	return "Refunded" if back >= paid else "Partly Refunded"


def _amount(thing: dict) -> Decimal:
	amount = to_major(field(thing, "amount", int), currency_of(thing))
	if not 0 < amount < LIMIT:
		raise unreadable("amount")
	return amount


def _known(statuses: dict[str, str], thing: dict) -> str:
	status = field(thing, "status", str)
	if status not in statuses:
		raise Unclear(N_("Stripe calls it {0}."), status[:140])
	return statuses[status]
