"""Disputes: opened by the customer's bank, answered by the merchant, decided by the bank."""

from __future__ import annotations

import copy

from stripe_simulator.errors import ApiError
from stripe_simulator.flows import balance
from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.dispute import build_dispute
from stripe_simulator.store import Operation

INQUIRIES = ("warning_needs_response", "warning_under_review")
OPEN = (*INQUIRIES, "needs_response", "under_review")
DECIDING_WORDS = {"winning_evidence": "won", "losing_evidence": "lost"}
"""docs.stripe.com/testing#disputes: what such evidence leads to at once."""


def open_dispute(
	operation: Operation, charge: StripeObject, *, amount: int, reason: str, inquiry: bool
) -> StripeObject:
	"""Dispute `amount` (minor units) of a paid charge; the bank takes the money, unless it only inquires."""
	store = operation.store
	if not (charge["paid"] and charge["captured"]) or charge["disputed"]:
		raise ApiError(f"Charge {charge['id']} is not paid or already disputed.", executed=True)
	dispute = store.add(
		build_dispute(charge, amount=amount, reason=reason, inquiry=inquiry, created=store.clock.now())
	)
	charge["disputed"] = True
	if inquiry:
		operation.emit("charge.dispute.created", dispute)
	else:
		balance.book_dispute(operation, dispute)
		operation.emit("charge.dispute.created", dispute)
		operation.emit("charge.dispute.funds_withdrawn", dispute)
	return dispute


def escalate(operation: Operation, dispute: StripeObject) -> None:
	"""Turn an inquiry into a dispute, so that the bank takes the money."""
	_require_status(dispute, INQUIRIES)
	before = copy.deepcopy(dispute)
	dispute |= {"status": "needs_response", "is_charge_refundable": False}
	if dispute["payment_method_details"]:
		dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
	balance.book_dispute(operation, dispute)
	operation.emit("charge.dispute.updated", dispute, before=before)
	operation.emit("charge.dispute.funds_withdrawn", dispute)


def submit_evidence(
	operation: Operation, dispute: StripeObject, evidence: dict[str, str | None], submit: bool
) -> None:
	"""Keep evidence and, unless it is staged only, send it to the bank; the test words decide at once."""
	_require_status(dispute, OPEN)
	before = copy.deepcopy(dispute)
	dispute["evidence"] |= evidence
	details = dispute["evidence_details"]
	details["has_evidence"] = any(
		text for name, text in dispute["evidence"].items() if name != "enhanced_evidence"
	)
	if submit:
		details |= {
			"submission_count": details["submission_count"] + 1,
			"submission_method": "manual",
		}
		dispute["status"] = "warning_under_review" if dispute["status"] in INQUIRIES else "under_review"
	operation.emit("charge.dispute.updated", dispute, before=before)
	word = evidence.get("uncategorized_text") or ""
	if submit and word == "escalate_inquiry_evidence":
		escalate(operation, dispute)
	elif submit and word in DECIDING_WORDS and dispute["status"] == "under_review":
		(win if DECIDING_WORDS[word] == "won" else lose)(operation, dispute)


def update_metadata(operation: Operation, dispute: StripeObject, metadata: dict[str, str]) -> None:
	"""Set the dispute's own metadata, which is possible also after its end."""
	before = copy.deepcopy(dispute)
	dispute["metadata"] = metadata
	operation.emit("charge.dispute.updated", dispute, before=before)


def win(operation: Operation, dispute: StripeObject) -> None:
	"""Let the bank decide for the merchant: the money comes back, the fee does not."""
	_require_status(dispute, ("needs_response", "under_review", "appeal_under_review"))
	withdrawn = list(dispute["balance_transactions"])
	balance.book_dispute_reversal(operation, dispute)
	before = copy.deepcopy(dispute)
	dispute["status"] = "won"
	operation.emit("charge.dispute.closed", dispute, before=before)
	operation.emit(
		"charge.dispute.funds_reinstated", dispute, before=dispute | {"balance_transactions": withdrawn}
	)


def lose(operation: Operation, dispute: StripeObject) -> None:
	"""Let the bank decide for the customer: the money stays away."""
	_require_status(dispute, ("needs_response", "under_review", "appeal_under_review"))
	before = copy.deepcopy(dispute)
	dispute["status"] = "lost"
	operation.emit("charge.dispute.closed", dispute, before=before)


def appeal(operation: Operation, dispute: StripeObject) -> None:
	"""Let the merchant appeal against a lost dispute; the money stays away until that is decided."""
	_require_status(dispute, ("lost",))
	before = copy.deepcopy(dispute)
	dispute["status"] = "appeal_under_review"
	operation.emit("charge.dispute.updated", dispute, before=before)


def turn(operation: Operation, dispute: StripeObject) -> None:
	"""Let the bank decide otherwise after the end: a dispute that was won is lost, or one that was lost is won."""
	_require_status(dispute, ("won", "lost"))
	before = copy.deepcopy(dispute)
	is_lost = before["status"] == "won"
	dispute["status"] = "lost" if is_lost else "won"
	(balance.book_dispute if is_lost else balance.book_dispute_reversal)(operation, dispute)
	operation.emit("charge.dispute.updated", dispute, before=before)
	operation.emit(f"charge.dispute.funds_{'withdrawn' if is_lost else 'reinstated'}", dispute)


def close_inquiry(operation: Operation, dispute: StripeObject) -> None:
	"""End an inquiry without a dispute; no money has moved."""
	_require_status(dispute, INQUIRIES)
	before = copy.deepcopy(dispute)
	dispute["status"] = "warning_closed"
	operation.emit("charge.dispute.closed", dispute, before=before)


def _require_status(dispute: StripeObject, statuses: tuple[str, ...]) -> None:
	if dispute["status"] not in statuses:
		raise ApiError(
			f"This dispute has a status of {dispute['status']}; it would have to be {', '.join(statuses)}.",
			code="status_transition_invalid",
			executed=True,
		)
