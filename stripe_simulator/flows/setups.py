"""SetupIntents: confirmed, authenticated, succeeded or declined."""

from __future__ import annotations

from stripe_simulator.errors import decline_failure, failure, unexpected_state
from stripe_simulator.flows import methods
from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject
from stripe_simulator.store import Operation


def confirm(
	operation: Operation,
	intent: StripeObject,
	method: StripeObject,
	*,
	authenticated: bool = False,
	return_url: str | None = None,
) -> None:
	"""Try to make the method ready; the intent is then succeeded, requires_action or requires_payment_method."""
	store = operation.store
	behaviour = store.instruments[method["id"]].behaviour
	intent |= {
		"last_setup_error": None,
		"latest_attempt": new_id("setatt_1S", 23),
		"next_action": None,
		"payment_method": method["id"],
	}
	if behaviour.authentication != "never" and not authenticated:
		intent |= {"next_action": methods.redirect(store, intent, return_url), "status": "requires_action"}
		operation.emit("setup_intent.requires_action", intent)
	elif behaviour.decline and not behaviour.attaches:
		_fail(operation, intent, decline_failure(behaviour.decline, method))
	else:
		_succeed(operation, intent, method)


def authenticate(operation: Operation, intent: StripeObject, passed: bool) -> None:
	"""Answer 3-D Secure for the customer: the method is ready, or it is not."""
	if intent["status"] != "requires_action":
		raise unexpected_state("This SetupIntent does not wait for authentication.", intent)
	method = operation.store.require("payment_method", intent["payment_method"], "payment_method")
	if passed:
		confirm(operation, intent, method, authenticated=True)
		return
	message = (
		"The latest attempt to set up the payment method has failed because authentication failed. You can provide "
		"payment_method_data or a new PaymentMethod to attempt to fulfill this SetupIntent again."
	)
	_fail(operation, intent, failure("setup_intent_authentication_failure", message, payment_method=method))


def _succeed(operation: Operation, intent: StripeObject, method: StripeObject) -> None:
	store = operation.store
	if intent["customer"] and method["customer"] is None:
		methods.attach(operation, method, intent["customer"])
	if intent["usage"] == "off_session":
		store.set_up.add(method["id"])
	intent["status"] = "succeeded"
	if method["type"] == "sepa_debit":
		intent["mandate"] = new_id("mandate_1S", 23)
	operation.emit("setup_intent.succeeded", intent)


def _fail(operation: Operation, intent: StripeObject, error: StripeObject) -> None:
	intent |= {
		"last_setup_error": error,
		"next_action": None,
		"payment_method": None,
		"status": "requires_payment_method",
	}
	operation.emit("setup_intent.setup_failed", intent)
