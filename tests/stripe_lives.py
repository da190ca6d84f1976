"""Lives of payments at the simulated Stripe, each with its events and the state in which it ends here."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import frappe

from prepaid_billing.ledger import balance_of
from prepaid_billing.payments import topups
from tests import site
from tests.factories import make_company
from tests.stripe_checkout import events_of, pay, pay_by_debit, simulate

_CARD = ("payment_intent.succeeded", "checkout.session.completed")
_REFUND = ("refund.created", "refund.failed")
_DISPUTE = ("charge.dispute.created", "charge.dispute.closed")
_DEBIT = ("checkout.session.completed", "payment_intent.processing")
_ARRIVED = ("checkout.session.async_payment_succeeded", "payment_intent.succeeded", "charge.succeeded")
_BOUNCED = ("checkout.session.async_payment_failed", "payment_intent.payment_failed", "charge.failed")


@dataclass(frozen=True)
class Life:
	"""What becomes of a payment of 50.00, the types of its events in the right order, and its end here.

	The end is the top-up's status, the balance, what was taken back, whether the charge is known that Stripe took the money
	by, and the statuses of its refunds and disputes with what each has taken.
	"""

	types: tuple[str, ...]
	end: tuple[str, int, int, bool, list[tuple[str, int]], list[tuple[str, int]]]
	is_debit: bool = False
	arrives: bool = True
	refund: int = 0
	refund_fails: bool = False
	dispute: str = ""


LIVES = {
	"refund failed, dispute won": Life(
		(*_CARD, *_REFUND, *_DISPUTE),
		("Paid", 50, 0, True, [("Failed", 0)], [("Won", 0)]),
		refund=2000,
		refund_fails=True,
		dispute="win",
	),
	"refund failed, dispute lost": Life(
		(*_CARD, *_REFUND, *_DISPUTE),
		("Disputed", 0, 50, True, [("Failed", 0)], [("Lost", 50)]),
		refund=2000,
		refund_fails=True,
		dispute="lose",
	),
	"refund stands": Life(
		(*_CARD, "refund.created", "charge.refunded"),
		("Partly Refunded", 30, 20, True, [("Succeeded", 20)], []),
		refund=2000,
	),
	"funds withdrawn and reinstated": Life(
		(
			*_CARD,
			"charge.dispute.created",
			"charge.dispute.funds_withdrawn",
			"charge.dispute.closed",
			"charge.dispute.funds_reinstated",
		),
		("Paid", 50, 0, True, [], [("Won", 0)]),
		dispute="win",
	),
	"debit arrived": Life((*_DEBIT, *_ARRIVED), ("Paid", 50, 0, True, [], []), is_debit=True),
	"debit failed": Life((*_DEBIT, *_BOUNCED), ("Failed", 0, 0, False, [], []), is_debit=True, arrives=False),
	"debit arrived, dispute lost": Life(
		(
			"checkout.session.completed",
			"checkout.session.async_payment_succeeded",
			"payment_intent.succeeded",
			"charge.dispute.created",
			"charge.dispute.funds_withdrawn",
			"charge.dispute.closed",
		),
		("Disputed", 0, 50, True, [], [("Lost", 50)]),
		is_debit=True,
		dispute="lose",
	),
}


def begin() -> tuple[str, str]:
	"""Begin a top-up of 50.00 of a new company; return both."""
	company = make_company()
	return company, topups.create(company, Decimal(50))["topup"]


def live(
	life: Life, meanwhile: Callable[[list[dict]], None] | None = None
) -> tuple[str, str, dict[str, dict]]:
	"""Let a new payment live at Stripe alone; return company, top-up and its events by type.

	``meanwhile`` is given, after each step of the life, all events that there are by then, oldest first.
	"""
	company, name = begin()
	topup = topups.find(name)

	def pause() -> None:
		if meanwhile:
			meanwhile(events_of(topup.checkout_session_id))

	(pay_by_debit if life.is_debit else pay)(topup.checkout_url)
	pause()
	intent = intent_of(name)
	if life.is_debit:
		simulate(f"payment_intents/{intent}/settle", outcome="succeeded" if life.arrives else "failed")
		pause()
	if life.refund:
		refund = simulate("refunds", payment_intent=intent, amount=life.refund)["id"]
		pause()
		if life.refund_fails:
			simulate(f"refunds/{refund}/fail")
			pause()
	if life.dispute:
		dispute = simulate("disputes", payment_intent=intent)["id"]
		pause()
		simulate(f"disputes/{dispute}/{life.dispute}")
	return company, name, {event["type"]: event for event in events_of(topup.checkout_session_id)}


def not_acted_on(events: list[dict]) -> list[tuple[str, str]]:
	"""Return type and status of the events that were delivered and neither acted on nor passed over."""
	ids = [event["id"] for event in events]
	rows = frappe.get_all("Stripe Event", {"event_id": ["in", ids]}, ["event_type", "status"], as_list=True)
	assert len(rows) == len(ids)
	return [row for row in rows if row[1] not in ("Processed", "Ignored")]


def intent_of(topup: str) -> str:
	"""Return the payment intent that the Checkout session of a top-up has at Stripe."""
	return topups.gateway.session_facts(topups.find(topup).checkout_session_id).payment_intent_id


def charge_of(session: str) -> str | None:
	"""Return the latest charge of the payment of a Checkout session at Stripe."""
	return topups.gateway.session_facts(session).charge_id


def end_of(company: str, topup: str) -> tuple:
	"""Return the state in which a payment's life has ended here, as Life.end has it."""
	site.fresh()
	row = topups.find(topup)
	kept = [
		list(frappe.get_all(kind, {"topup": topup}, ["status", "booked_amount"], as_list=True))
		for kind in ("Billing Refund", "Billing Dispute")
	]
	knows_charge = bool(row.charge_id) and row.charge_id == charge_of(row.checkout_session_id)
	return row.status, balance_of(company).balance, row.taken_back, knows_charge, *kept


def refund_before_its_payment() -> dict:
	"""Return an event that cannot be acted on, however often it comes: it refunds what is still on its way."""
	_company, name = begin()
	pay_by_debit(topups.find(name).checkout_url)
	number = frappe.generate_hash(length=12)
	refund = {
		"id": f"re_{number}",
		"object": "refund",
		"amount": 2000,
		"currency": "eur",
		"payment_intent": intent_of(name),
		"status": "succeeded",
	}
	return {"id": f"evt_{number}", "type": "refund.created", "livemode": False, "data": {"object": refund}}
