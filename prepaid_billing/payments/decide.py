"""What a look at a payment means for a top-up. Pure: the same facts in any order end in the same state."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from prepaid_billing.payments.facts import PaymentFacts
from prepaid_billing.rating.money import N_

FINAL = ("Paid", "Partly Refunded", "Refunded", "Disputed")
"""A top-up in one of these was credited, once and for ever."""


@dataclass(frozen=True, slots=True)
class TopupState:
	"""A top-up as it stands in our own row, which is the truth about what was asked. Major units."""

	status: str
	amount: Decimal
	currency: str
	livemode: bool
	session_id: str | None
	payment_intent_id: str | None


@dataclass(frozen=True, slots=True)
class Decision:
	"""What to do: "credit", "status" (only set one), "note" (keep the reason), "nothing" or "park".

	The reason to park is a text to be translated, ``words`` go into its places.
	"""

	action: str
	status: str = ""
	reason: str = ""
	words: tuple[object, ...] = ()


def decide(topup: TopupState, facts: PaymentFacts) -> Decision:
	"""Return what ``facts`` about the payment of ``topup`` lead to. What does not fit is parked for a person."""
	if problem := _mismatch(topup, facts):
		return Decision("park", reason=problem[0], words=problem[1:])
	if topup.status in FINAL:
		if facts.outcome == "failed":
			# Or an earlier failure that is told of late: only Stripe's dashboard shows which.
			return Decision(
				"park", reason=N_("It failed after it was credited. Look at the payment at Stripe.")
			)
		return Decision("nothing")
	if facts.outcome == "paid":
		return Decision("credit", "Paid")
	if facts.outcome == "processing":
		# An event of before the failure may arrive after it.
		return Decision("nothing") if topup.status == "Failed" else Decision("status", "Processing")
	if facts.outcome == "expired":
		return Decision("status", "Expired") if topup.status == "Created" else Decision("nothing")
	if facts.outcome == "failed":
		return Decision("status", "Failed", facts.reason)
	if facts.outcome == "declined":
		return Decision("note", reason=facts.reason)
	return Decision("nothing")


def _mismatch(topup: TopupState, facts: PaymentFacts) -> tuple[Any, ...]:
	if facts.livemode != topup.livemode:
		return (N_("Test mode and live mode do not mix."),)
	if facts.currency != topup.currency:
		return N_("Paid in {0}, asked for in {1}."), facts.currency, topup.currency
	if facts.session_id and topup.session_id and facts.session_id != topup.session_id:
		return (N_("Another Checkout session than the one we opened."),)
	if (
		facts.payment_intent_id
		and topup.payment_intent_id
		and facts.payment_intent_id != topup.payment_intent_id
	):
		return (N_("A second payment for a top-up that was paid before."),)
	if facts.outcome == "paid" and facts.amount != topup.amount:
		return N_("Paid {0} {1}, asked for {2}."), facts.amount, facts.currency, topup.amount
	if facts.outcome == "paid" and not facts.payment_intent_id:
		return (N_("Paid without a payment intent."),)
	return ()
