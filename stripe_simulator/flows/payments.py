"""PaymentIntents: confirmed, authenticated, paid, declined, on their way, canceled."""

from __future__ import annotations

from stripe_simulator.behaviour import AUTHENTICATION_REQUIRED, Behaviour, Decline
from stripe_simulator.currency import check_step
from stripe_simulator.errors import ApiError, decline_failure, failure, unexpected_state
from stripe_simulator.flows import balance, disputes, methods, refunds, sessions
from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.charge import build_charge
from stripe_simulator.store import Operation

SEPA_TIME = 5 * 24 * 60 * 60
"""Seconds until a bank debit has succeeded or failed."""
HOLD_TIME = 7 * 24 * 60 * 60
"""Seconds for which a bank holds money that was not captured yet."""
CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
CANCELABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action")


def confirm(
	operation: Operation,
	intent: StripeObject,
	method: StripeObject,
	*,
	off_session: bool = False,
	authenticated: bool = False,
	return_url: str | None = None,
) -> None:
	"""Try to take the money; the intent's status tells how it went.

	That is succeeded, processing (a bank debit), requires_capture (held only), requires_action (3-D Secure) or
	requires_payment_method (declined).
	"""
	store = operation.store
	behaviour = store.instruments[method["id"]].behaviour
	intent |= {"payment_method": method["id"], "last_payment_error": None, "next_action": None}
	asks = _asks(behaviour, off_session, method["id"] in store.set_up) and not authenticated
	if asks and not off_session:
		_require_action(operation, intent, return_url)
		return
	decline = AUTHENTICATION_REQUIRED if asks else behaviour.decline
	charge = store.add(
		build_charge(
			intent,
			method,
			store.clock.now(),
			store.settings.business_name,
			decline=decline,
			authenticated=authenticated,
			capture_before=store.clock.now() + HOLD_TIME if intent["capture_method"] == "manual" else None,
		)
	)
	intent["latest_charge"] = charge["id"]
	if decline:
		_decline(operation, intent, charge, method, decline)
	elif method["type"] == "sepa_debit":
		_process(operation, intent, charge, behaviour)
	elif intent["capture_method"] == "manual":
		_hold(operation, intent, charge)
	else:
		_succeed(operation, intent, charge)


def authenticate(operation: Operation, intent: StripeObject, passed: bool) -> None:
	"""Answer 3-D Secure for the customer: pay, or let the payment fail without a charge."""
	if intent["status"] != "requires_action":
		raise unexpected_state("This PaymentIntent does not wait for authentication.", intent)
	method = operation.store.require("payment_method", intent["payment_method"], "payment_method")
	if passed:
		confirm(operation, intent, method, authenticated=True)
		return
	message = (
		"The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new "
		"PaymentMethod to attempt to fulfill this PaymentIntent again."
	)
	_fail(operation, intent, failure("payment_intent_authentication_failure", message, payment_method=method))


def settle(operation: Operation, intent: StripeObject, succeeded: bool) -> None:
	"""End a bank debit that is on its way."""
	if intent["status"] != "processing":
		raise unexpected_state(f"This PaymentIntent has a status of {intent['status']}.", intent)
	charge = operation.store.require("charge", intent["latest_charge"], "charge")
	(_collect if succeeded else _bounce)(operation, intent, charge)
	if session := operation.store.session_of(intent):
		sessions.settle(operation, session, succeeded)
	if succeeded:
		_save_method(operation, intent, charge)
		_dispute(operation, charge)


def capture(operation: Operation, intent: StripeObject, amount: int | None) -> None:
	"""Take `amount` (minor units) of the money that is held, or all of it; the rest is let go."""
	if intent["status"] != "requires_capture":
		raise unexpected_state(
			f"This PaymentIntent could not be captured because it has a status of {intent['status']}. Only a "
			"PaymentIntent with one of the following statuses may be captured: requires_capture.",
			intent,
		)
	held = intent["amount_capturable"]
	taken = held if amount is None else amount
	if taken > held:
		raise ApiError(
			"The requested capture amount is greater than the authorized amount.",
			code="amount_too_large",
			param="amount_to_capture",
			executed=True,
		)
	check_step(taken, intent["currency"], "amount_to_capture")
	charge = operation.store.require("charge", intent["latest_charge"], "charge")
	charge |= {"amount_captured": taken, "captured": True}
	if taken < held:
		refunds.release(operation, charge, held - taken)
	balance.book_charge(operation, charge)
	intent |= {"amount_capturable": 0, "amount_received": taken, "status": "succeeded"}
	operation.emit("charge.captured", charge)
	operation.emit("payment_intent.succeeded", intent)
	_dispute(operation, charge)


def cancel(operation: Operation, intent: StripeObject, reason: str | None) -> None:
	"""Give an intent up before it is paid; money that is held is let go."""
	if intent["status"] not in CANCELABLE:
		raise unexpected_state(
			f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. Only a "
			f"PaymentIntent with one of the following statuses may be canceled: {', '.join(CANCELABLE)}.",
			intent,
		)
	if intent["status"] == "requires_capture":
		charge = operation.store.require("charge", intent["latest_charge"], "charge")
		before = dict(charge)
		refunds.release(operation, charge, charge["amount"])
		if reason == "automatic":
			operation.emit("charge.expired", charge)
		else:
			operation.emit("charge.refunded", charge, before=before)
	intent |= {
		"amount_capturable": 0,
		"canceled_at": operation.store.clock.now(),
		"cancellation_reason": reason,
		"next_action": None,
		"status": "canceled",
	}
	operation.emit("payment_intent.canceled", intent)


def refuse_of_checkout(operation: Operation, intent: StripeObject) -> None:
	"""Refuse what the API may not do to an intent that belongs to a Checkout Session."""
	if operation.store.session_of(intent):
		raise ApiError(
			"You cannot perform this action on PaymentIntents created by Checkout.",
			code="payment_intent_unexpected_state",
			executed=True,
		)


def _asks(behaviour: Behaviour, off_session: bool, is_set_up: bool) -> bool:
	"""Tell whether the bank wants the customer to authenticate this payment."""
	if behaviour.authentication == "until_set_up":
		return not (off_session and is_set_up)
	return behaviour.authentication == "always"


def _require_action(operation: Operation, intent: StripeObject, return_url: str | None) -> None:
	intent |= {
		"next_action": methods.redirect(operation.store, intent, return_url),
		"status": "requires_action",
	}
	operation.emit("payment_intent.requires_action", intent)


def _decline(
	operation: Operation, intent: StripeObject, charge: StripeObject, method: StripeObject, decline: Decline
) -> None:
	_fail(operation, intent, decline_failure(decline, method) | {"charge": charge["id"]})
	operation.emit("charge.failed", charge)


def _fail(operation: Operation, intent: StripeObject, error: StripeObject) -> None:
	intent |= {
		"last_payment_error": error,
		"next_action": None,
		"payment_method": None,
		"status": "requires_payment_method",
	}
	operation.emit("payment_intent.payment_failed", intent)


def _process(operation: Operation, intent: StripeObject, charge: StripeObject, behaviour: Behaviour) -> None:
	intent["status"] = "processing"
	operation.emit("payment_intent.processing", intent)
	operation.emit("charge.pending", charge)
	if session := operation.store.session_of(intent):
		sessions.complete(operation, session, charge)

	def settle_later(later: Operation) -> None:
		if intent["status"] == "processing" and intent["latest_charge"] == charge["id"]:
			settle(later, intent, not behaviour.debit_fails)

	operation.store.schedule.at(operation.store.clock.now() + SEPA_TIME, settle_later)


def _hold(operation: Operation, intent: StripeObject, charge: StripeObject) -> None:
	"""Let the bank keep the money ready until it is captured, or too much time has passed."""
	intent |= {"amount_capturable": intent["amount"], "status": "requires_capture"}
	operation.emit("payment_intent.amount_capturable_updated", intent)
	operation.emit("charge.succeeded", charge)
	_save_method(operation, intent, charge)

	def let_go(later: Operation) -> None:
		if intent["status"] == "requires_capture":
			cancel(later, intent, "automatic")

	operation.store.schedule.at(operation.store.clock.now() + HOLD_TIME, let_go)


def _collect(operation: Operation, intent: StripeObject, charge: StripeObject) -> None:
	charge |= {"amount_captured": charge["amount"], "paid": True, "status": "succeeded"}
	balance.book_charge(operation, charge)
	intent |= {"amount_received": intent["amount"], "status": "succeeded"}
	operation.emit("charge.succeeded", charge)
	operation.emit("payment_intent.succeeded", intent)


def _bounce(operation: Operation, intent: StripeObject, charge: StripeObject) -> None:
	charge |= {
		"captured": False,
		"failure_code": "insufficient_funds",
		"failure_message": "The customer's bank account has insufficient funds.",
		"status": "failed",
	}
	charge["outcome"]["seller_message"] = None
	error = failure(
		"payment_intent_payment_attempt_failed",
		"The payment failed.",
		charge=charge["id"],
		payment_method_type="sepa_debit",
	)
	_fail(operation, intent, error)
	operation.emit("charge.failed", charge)


def _succeed(operation: Operation, intent: StripeObject, charge: StripeObject) -> None:
	at_once = intent["capture_method"] == "automatic"
	if at_once:
		balance.book_charge(operation, charge)
	intent |= {"amount_received": intent["amount"], "status": "succeeded"}
	operation.emit("payment_intent.succeeded", intent)
	operation.emit("charge.succeeded", charge)
	if session := operation.store.session_of(intent):
		sessions.complete(operation, session, charge)
	if not at_once:
		before = dict(charge)
		balance.book_charge(operation, charge)
		operation.emit("charge.updated", charge, automatic=True, before=before)
	_save_method(operation, intent, charge)
	_dispute(operation, charge)


def _save_method(operation: Operation, intent: StripeObject, charge: StripeObject) -> None:
	"""Keep the method for later where that was asked for."""
	if intent["setup_future_usage"] and intent["customer"]:
		method = operation.store.require("payment_method", charge["payment_method"], "payment_method")
		if method["customer"] is None:
			methods.attach(operation, method, intent["customer"])
		operation.store.set_up.add(method["id"])


def _dispute(operation: Operation, charge: StripeObject) -> None:
	"""Dispute the charge where its card is a test of that."""
	behaviour = operation.store.instruments[charge["payment_method"]].behaviour
	if behaviour.dispute:
		own = Operation(operation.store)
		disputes.open_dispute(
			own, charge, amount=charge["amount_captured"], reason=behaviour.dispute, inquiry=behaviour.inquiry
		)
		operation.events += own.events
