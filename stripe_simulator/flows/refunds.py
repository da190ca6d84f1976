"""Refunds: made by the API or in the dashboard; some take their time, some fail days later."""

from __future__ import annotations

import copy

from stripe_simulator.currency import check_step, plain_amount
from stripe_simulator.errors import ApiError
from stripe_simulator.flows import balance
from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.refund import build_refund, card_reference
from stripe_simulator.store import Operation

TIME = 3 * 24 * 60 * 60
"""Seconds until a refund that takes its time has succeeded or failed."""
_FIRST_STATUS = {"succeeds": "succeeded", "fails_later": "succeeded", "succeeds_later": "pending"}
"""docs.stripe.com/testing#refunds, by the behaviour of the test card."""


def create(
	operation: Operation,
	charge: StripeObject,
	*,
	amount: int | None,
	reason: str | None = None,
	metadata: dict[str, str] | None = None,
	status: str | None = None,
) -> StripeObject:
	"""Refund `amount` (minor units), or all that is left; raises ApiError for what cannot be refunded.

	`status` is the card's to decide unless it is given; then the refund stays so until it is told otherwise.
	"""
	amount = _refundable(operation, charge, amount)
	fate = operation.store.instruments[charge["payment_method"]].behaviour.refund
	if charge["payment_method_details"]["type"] == "sepa_debit":
		fate = "succeeds_later"
	refund = operation.store.add(
		build_refund(
			charge,
			amount=amount,
			reason=reason,
			metadata=metadata or {},
			status=status or _FIRST_STATUS[fate],
			created=operation.store.clock.now(),
		)
	)
	balance.book_refund(operation, refund, charge)
	before = dict(charge)
	_count(charge, amount)
	operation.emit("refund.created", refund)
	operation.emit("charge.refunded", charge, before=before)
	if status is None and fate != "succeeds":
		_end_later(operation, refund, fate)
	return refund


def release(operation: Operation, charge: StripeObject, amount: int) -> None:
	"""Let `amount` (minor units) go that a bank has only held: a refund for which none of the merchant's money moves."""
	now = operation.store.clock.now()
	refund = build_refund(charge, amount=amount, reason=None, metadata={}, status="succeeded", created=now)
	_count(charge, amount)
	operation.emit("refund.created", operation.store.add(refund))


def succeed(operation: Operation, refund: StripeObject) -> None:
	"""Let a refund that is pending reach the customer."""
	_require_status(refund, ("pending", "requires_action"))
	before = copy.deepcopy(refund)
	refund["status"] = "succeeded"
	if refund["destination_details"]:
		refund["destination_details"]["card"] |= {
			"reference": card_reference(),
			"reference_status": "available",
		}
	_emit_update(operation, refund, before)


def fail(operation: Operation, refund: StripeObject, reason: str) -> None:
	"""Let a refund fail, also days after it had succeeded: the money comes back to the merchant."""
	_require_status(refund, ("pending", "requires_action", "succeeded"))
	if not refund["balance_transaction"]:
		raise ApiError("This refund let money go that was only held; it cannot fail.", executed=True)
	before = copy.deepcopy(refund)
	refund["failure_reason"] = reason
	_return_money(operation, refund, "failed")
	_emit_update(operation, refund, before)
	operation.emit("refund.failed", refund)


def cancel(operation: Operation, refund: StripeObject) -> None:
	"""Call a refund off that waits for the customer to act."""
	_require_status(refund, ("requires_action",))
	before = copy.deepcopy(refund)
	_return_money(operation, refund, "canceled")
	_emit_update(operation, refund, before)


def update_metadata(operation: Operation, refund: StripeObject, metadata: dict[str, str]) -> None:
	"""Set the refund's own metadata."""
	before = copy.deepcopy(refund)
	refund["metadata"] = metadata
	_emit_update(operation, refund, before)


def _refundable(operation: Operation, charge: StripeObject, wanted: int | None) -> int:
	"""Return the amount to refund: what is wanted, at most what is left, and never nothing."""
	if not charge["paid"]:
		raise ApiError(
			f"Charge {charge['id']} was not paid, so there is nothing to refund.",
			code="charge_not_refundable",
			executed=True,
		)
	if not charge["captured"]:
		raise ApiError(
			f"This uncaptured Charge was created by a PaymentIntent ({charge['payment_intent']}). You must cancel the "
			"PaymentIntent to reverse the authorization instead of refunding the Charge directly.",
			executed=True,
		)
	if _is_charged_back(operation, charge):
		raise ApiError(
			f"Charge {charge['id']} has been charged back; cannot issue a refund.",
			code="charge_disputed",
			executed=True,
		)
	if charge["refunded"]:
		raise ApiError(
			f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded", executed=True
		)
	left = charge["amount"] - charge["amount_refunded"]
	amount = left if wanted is None else wanted
	check_step(amount, charge["currency"], "amount")
	if amount > left:
		limit = "unrefunded amount on charge" if charge["amount_refunded"] else "charge amount"
		raise ApiError(
			f"Refund amount ({_spoken(amount, charge)}) is greater than {limit} ({_spoken(left, charge)})",
			param="amount",
			executed=True,
		)
	return amount


def _is_charged_back(operation: Operation, charge: StripeObject) -> bool:
	return any(
		dispute["charge"] == charge["id"] and not dispute["is_charge_refundable"]
		for dispute in operation.store.objects["dispute"].values()
	)


def _spoken(amount: int, charge: StripeObject) -> str:
	return f"{plain_amount(amount, charge['currency'])} {charge['currency'].upper()}"


def _count(charge: StripeObject, amount: int) -> None:
	charge["amount_refunded"] += amount
	charge["refunded"] = charge["amount_refunded"] == charge["amount"]


def _end_later(operation: Operation, refund: StripeObject, fate: str) -> None:
	def end(later: Operation) -> None:
		if fate == "fails_later" and refund["status"] == "succeeded":
			fail(later, refund, "expired_or_canceled_card")
		elif fate == "succeeds_later" and refund["status"] == "pending":
			succeed(later, refund)

	operation.store.schedule.at(operation.store.clock.now() + TIME, end)


def _return_money(operation: Operation, refund: StripeObject, status: str) -> None:
	"""Take the refund back from its charge, so that the charge may be refunded again."""
	charge = operation.store.require("charge", refund["charge"], "charge")
	refund["status"] = status
	_count(charge, -refund["amount"])
	balance.book_refund_failure(operation, refund, charge)


def _emit_update(operation: Operation, refund: StripeObject, before: StripeObject) -> None:
	operation.emit("refund.updated", refund, before=before)
	operation.emit("charge.refund.updated", refund, before=before)


def _require_status(refund: StripeObject, statuses: tuple[str, ...]) -> None:
	if refund["status"] not in statuses:
		raise ApiError(
			f"This refund has a status of {refund['status']}; it would have to be {', '.join(statuses)}.",
			code="status_transition_invalid",
			executed=True,
		)
