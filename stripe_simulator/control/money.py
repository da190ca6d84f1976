"""What banks, customers and people in Stripe's dashboard do."""

from __future__ import annotations

from typing import Any

from stripe_simulator.control.route import ControlRoute, Json
from stripe_simulator.fields import Boolean, Choice, Field, Group, Integer
from stripe_simulator.flows import disputes, payments, refunds, setups
from stripe_simulator.resources.refunds import PAYMENT, charge_of
from stripe_simulator.store import Operation

FAILURES = ("declined", "expired_or_canceled_card", "insufficient_funds", "lost_or_stolen_card", "unknown")
REASONS = (
	"credit_not_processed",
	"debit_not_authorized",
	"duplicate",
	"fraudulent",
	"general",
	"product_not_received",
	"product_unacceptable",
	"unrecognized",
)
_REFUND: dict[str, Field] = {
	**PAYMENT,
	"amount": Integer(1),
	"reason": Choice(("duplicate", "fraudulent", "requested_by_customer")),
	"status": Choice(("pending", "requires_action", "succeeded")),
}
_DISPUTE: dict[str, Field] = {
	**PAYMENT,
	"amount": Integer(1),
	"inquiry": Boolean(),
	"reason": Choice(REASONS),
}


def settle(operation: Operation, params: dict[str, Any], id: str) -> Json:
	"""End a bank debit that is on its way, long before its time."""
	intent = operation.store.require("payment_intent", id, "payment_intent")
	payments.settle(operation, intent, params["outcome"] == "succeeded")
	return intent


def authenticate(operation: Operation, params: dict[str, Any], id: str) -> Json:
	"""Answer 3-D Secure in the place of the customer."""
	intent = operation.store.require("payment_intent", id, "payment_intent")
	payments.authenticate(operation, intent, params["outcome"] == "passed")
	return intent


def authenticate_setup(operation: Operation, params: dict[str, Any], id: str) -> Json:
	"""Answer 3-D Secure for a payment method that is made ready, in the place of the customer."""
	intent = operation.store.require("setup_intent", id, "setup_intent")
	setups.authenticate(operation, intent, params["outcome"] == "passed")
	return intent


def make_refund(operation: Operation, params: dict[str, Any]) -> Json:
	"""Refund from the dashboard; a `status` that is given stays until it is told otherwise."""
	return refunds.create(
		operation,
		charge_of(operation, params),
		amount=params.get("amount"),
		reason=params.get("reason"),
		status=params.get("status"),
	)


def succeed_refund(operation: Operation, params: dict[str, Any], id: str) -> Json:
	"""Let a pending refund arrive."""
	refund = operation.store.require("refund", id, "refund")
	refunds.succeed(operation, refund)
	return refund


def fail_refund(operation: Operation, params: dict[str, Any], id: str) -> Json:
	"""Let a refund fail, also one that had succeeded."""
	refund = operation.store.require("refund", id, "refund")
	refunds.fail(operation, refund, params.get("reason", "expired_or_canceled_card"))
	return refund


def open_dispute(operation: Operation, params: dict[str, Any]) -> Json:
	"""Dispute a charge, in whole unless an amount is given."""
	charge = charge_of(operation, params)
	return disputes.open_dispute(
		operation,
		charge,
		amount=params["amount"] if "amount" in params else charge["amount_captured"],
		reason=params.get("reason", "fraudulent"),
		inquiry=params.get("inquiry", False),
	)


_DISPUTE_STEPS = {
	"appeal": disputes.appeal,
	"close": disputes.close_inquiry,
	"escalate": disputes.escalate,
	"lose": disputes.lose,
	"turn": disputes.turn,
	"win": disputes.win,
}


def move_dispute(operation: Operation, params: dict[str, Any], id: str, step: str) -> Json:
	"""Let the bank take the next step: an inquiry is closed or escalated, a dispute lost, appealed against, won or turned."""
	dispute = operation.store.require("dispute", id, "dispute")
	_DISPUTE_STEPS[step](operation, dispute)
	return dispute


def _outcome(*words: str) -> Group:
	return Group({"outcome": Choice(words)}, required=("outcome",))


ROUTES = (
	ControlRoute("POST", "/payment_intents/<id>/settle", settle, _outcome("failed", "succeeded")),
	ControlRoute("POST", "/payment_intents/<id>/authenticate", authenticate, _outcome("passed", "refused")),
	ControlRoute(
		"POST", "/setup_intents/<id>/authenticate", authenticate_setup, _outcome("passed", "refused")
	),
	ControlRoute("POST", "/refunds", make_refund, Group(_REFUND)),
	ControlRoute("POST", "/refunds/<id>/succeed", succeed_refund, Group()),
	ControlRoute("POST", "/refunds/<id>/fail", fail_refund, Group({"reason": Choice(FAILURES)})),
	ControlRoute("POST", "/disputes", open_dispute, Group(_DISPUTE)),
	ControlRoute("POST", f"/disputes/<id>/<any({','.join(_DISPUTE_STEPS)}):step>", move_dispute, Group()),
)
