"""What becomes of a Checkout Session when its payment ends or takes its time."""

from __future__ import annotations

from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.checkout_session import customer_details
from stripe_simulator.store import Operation


def complete(operation: Operation, session: StripeObject, charge: StripeObject) -> None:
	"""Close a session that somebody has submitted: paid, or unpaid as long as a bank debit is on its way."""
	payer = charge["billing_details"]
	session |= {
		"customer_details": customer_details(payer["email"], payer),
		"payment_status": "paid" if charge["paid"] else "unpaid",
		"status": "complete",
		"url": None,
	}
	operation.emit("checkout.session.completed", session, automatic=True)


def settle(operation: Operation, session: StripeObject, paid: bool) -> None:
	"""Tell how the bank debit of a completed session ended; after a failure it stays unpaid for good."""
	if paid:
		session["payment_status"] = "paid"
	outcome = "succeeded" if paid else "failed"
	operation.emit(f"checkout.session.async_payment_{outcome}", session, automatic=True)
