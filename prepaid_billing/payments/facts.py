"""What Stripe says about a payment, as plain data. Amounts are in major units."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from prepaid_billing.rating.money import exponent

T = TypeVar("T")


class NotRepresentable(ValueError):
	"""The amount has more decimals than its currency can be paid in."""


@dataclass(frozen=True, slots=True)
class PaymentFacts:
	"""One look at a payment.

	``outcome`` is "open" (nothing decided), "processing" (on its way), "paid", "declined" (this try failed,
	another may follow), "failed" or "expired". ``amount`` and ``currency`` are what was paid or is asked.
	"""

	outcome: str
	amount: Decimal
	currency: str
	livemode: bool
	session_id: str | None = None
	payment_intent_id: str | None = None
	charge_id: str | None = None
	reason: str = ""


def to_minor(amount: Decimal, currency: str) -> int:
	"""Return an amount in the currency's smallest unit. Raises NotRepresentable rather than round."""
	minor = amount.scaleb(exponent(currency))
	if minor != minor.to_integral_value():
		raise NotRepresentable(f"{amount} is no whole number of the smallest unit of {currency}")
	return int(minor)


def to_major(minor: int, currency: str) -> Decimal:
	"""Return an amount of the currency's smallest unit in major units, exactly. Raises TypeError for no integer."""
	return Decimal(_exactly(int, minor)).scaleb(-exponent(currency))


def of_session(session: dict) -> PaymentFacts:
	"""Read a checkout.session object, the payment intent in it expanded or not."""
	intent = session.get("payment_intent")
	currency = session["currency"].upper()
	return PaymentFacts(
		outcome=_session_outcome(session),
		amount=to_major(session["amount_total"], currency),
		currency=currency,
		livemode=_exactly(bool, session["livemode"]),
		session_id=_exactly(str, session["id"]),
		payment_intent_id=intent["id"] if isinstance(intent, dict) else intent,
		charge_id=intent.get("latest_charge") if isinstance(intent, dict) else None,
		reason=_error_of(intent) if isinstance(intent, dict) else "",
	)


def of_intent(intent: dict) -> PaymentFacts:
	"""Read a payment_intent object."""
	currency = intent["currency"].upper()
	outcomes = {"succeeded": "paid", "processing": "processing", "canceled": "failed"}
	outcome = outcomes.get(intent["status"], "declined" if intent.get("last_payment_error") else "open")
	return PaymentFacts(
		outcome=outcome,
		amount=to_major(intent["amount_received"] if outcome == "paid" else intent["amount"], currency),
		currency=currency,
		livemode=_exactly(bool, intent["livemode"]),
		payment_intent_id=_exactly(str, intent["id"]),
		charge_id=intent.get("latest_charge"),
		reason=_error_of(intent),
	)


def _exactly(kind: type[T], value: object) -> T:
	"""Return a value of just this type: True, 1, 1.0 and "1" are four things. Raises TypeError, also for ""."""
	if type(value) is not kind or value == "":
		raise TypeError(f"{kind.__name__} was expected, not {type(value).__name__}")
	return value


def _session_outcome(session: dict) -> str:
	if session["payment_status"] == "paid":
		return "paid"
	if session["status"] == "complete":
		return _late_outcome(session.get("payment_intent"))
	return "expired" if session["status"] == "expired" else "open"


def _late_outcome(intent: dict | str | None) -> str:
	"""A complete session that is not paid: on its way (SEPA and the like), or failed days later."""
	failed = isinstance(intent, dict) and intent["status"] in ("requires_payment_method", "canceled")
	return "failed" if failed else "processing"


def _error_of(intent: dict) -> str:
	error = intent.get("last_payment_error") or {}
	return error.get("message") or ""
