"""What is known about the length of a call, and which of two reports wins. Pure: plain data in and out.

The truth, best first: a CDR (a higher revision beats a lower one), the gateway's end, the usage that was last
confirmed while the call ran. So any order and any repetition of the same reports ends in the same length.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from prepaid_billing.rating.money import ZERO
from prepaid_billing.rating.price import Rate, cost

USAGE, END, CDR = "Usage", "End", "CDR"
_RANK = {"": 0, USAGE: 1, END: 2, CDR: 3}

NEWS, SAME, OLD, CONFLICT = "news", "same", "old", "conflict"


@dataclass(frozen=True, slots=True)
class Report:
	"""How long a call was, in whole seconds, and who says so: "" (nobody yet), USAGE, END or CDR."""

	source: str
	seconds: int
	revision: int = 0


def judge(known: Report, new: Report) -> str:
	"""Say what ``new`` is beside what is ``known``.

	NEWS: it is the better one. OLD: a better one is known. SAME: it repeats what is known. CONFLICT: equal in
	rank, another length; which one is right only a person can say.
	"""
	ranks = [(_RANK[report.source], report.revision) for report in (known, new)]
	if ranks[0] != ranks[1]:
		return NEWS if ranks[1] > ranks[0] else OLD
	return SAME if known.seconds == new.seconds else CONFLICT


def owed(rate: Rate, seconds: int, refund_percent: Decimal, not_billable: bool) -> Decimal:
	"""Return what a call of ``seconds`` costs its company after what staff have given back, in major units.

	The refund is rounded once, half up, to six decimals.
	"""
	if not_billable:
		return ZERO
	price = cost(rate, seconds)
	return price - (price * refund_percent / 100).quantize(ZERO, ROUND_HALF_UP)
