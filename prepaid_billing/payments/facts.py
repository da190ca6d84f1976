"""What Stripe says about a payment, as plain data. Amounts are in major units."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from prepaid_billing.rating.money import N_, exponent, payment_step

T = TypeVar("T")

_ID = re.compile(r"[A-Za-z]+_[A-Za-z0-9_]{1,200}")
_CURRENCY = re.compile(r"[A-Za-z]{3}")
_LONGEST_TEXT = 255


class NotRepresentable(ValueError):
	"""The amount is none that its currency can be paid in."""


class Unclear(ValueError):
	"""A report that only a person can judge. The first argument says why, the others go into its places."""


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
	"""Return an amount that Stripe takes in the currency's smallest unit. Raises NotRepresentable rather than round."""
	step = payment_step(currency)
	if amount % step:
		raise NotRepresentable(f"{amount} is no multiple of {step} {currency}")
	return int(amount.scaleb(exponent(currency)))


def to_major(minor: int, currency: str) -> Decimal:
	"""Return an amount of the currency's smallest unit in major units, exactly."""
	return Decimal(minor).scaleb(-exponent(currency))


def field(thing: dict, name: str, kind: type[T]) -> T:
	"""Return a field of one of Stripe's objects: True, 1, 1.0 and "1" are four things.

	Raises Unclear where it is missing, empty or of another kind.
	"""
	value = thing.get(name)
	if type(value) is not kind or value == "":
		raise unreadable(name)
	return value


def unreadable(name: str) -> Unclear:
	"""Return the refusal of an object of Stripe's of which a field is not what it has to be."""
	return Unclear(N_("In Stripe's report {0} is missing, or is not what it should be."), name)


def check_kind(thing: dict, kind: str) -> None:
	"""Raise Unclear where an object of Stripe's is not the ``kind`` of object that its event is about."""
	if thing.get("object") != kind:
		raise unreadable("object")


def id_of(thing: dict, name: str = "id") -> str:
	"""Return an id of Stripe's, such as ``pi_1``, from a field. Raises Unclear."""
	value = field(thing, name, str)
	if not _ID.fullmatch(value):
		raise unreadable(name)
	return value


def currency_of(thing: dict) -> str:
	"""Return the currency of one of Stripe's objects as we write it. Raises Unclear."""
	value = field(thing, "currency", str)
	if not _CURRENCY.fullmatch(value):
		raise unreadable("currency")
	return value.upper()


def text_of(thing: object, name: str) -> str:
	"""Return a text that decides nothing, as much of it as we keep; "" where there is none."""
	value = thing.get(name) if isinstance(thing, dict) else None
	return value[:_LONGEST_TEXT] if isinstance(value, str) else ""


def of_session(session: dict) -> PaymentFacts:
	"""Read a checkout.session object, the payment intent in it expanded or not. Raises Unclear."""
	check_kind(session, "checkout.session")
	currency = currency_of(session)
	found = session.get("payment_intent")
	intent = found if isinstance(found, dict) else None
	return PaymentFacts(
		outcome=_session_outcome(session),
		amount=to_major(field(session, "amount_total", int), currency),
		currency=currency,
		livemode=field(session, "livemode", bool),
		session_id=id_of(session),
		payment_intent_id=id_of(intent) if intent is not None else _id_or_none(session, "payment_intent"),
		charge_id=_id_or_none(intent, "latest_charge") if intent is not None else None,
		reason=_error_of(intent) if intent is not None else "",
	)


def of_intent(intent: dict) -> PaymentFacts:
	"""Read a payment_intent object. Raises Unclear."""
	check_kind(intent, "payment_intent")
	currency = currency_of(intent)
	outcomes = {"succeeded": "paid", "processing": "processing", "canceled": "failed"}
	status = field(intent, "status", str)
	outcome = outcomes.get(status, "declined" if intent.get("last_payment_error") else "open")
	minor = field(intent, "amount_received" if outcome == "paid" else "amount", int)
	return PaymentFacts(
		outcome=outcome,
		amount=to_major(minor, currency),
		currency=currency,
		livemode=field(intent, "livemode", bool),
		payment_intent_id=id_of(intent),
		charge_id=_id_or_none(intent, "latest_charge"),
		reason=_error_of(intent),
	)


def _id_or_none(thing: dict, name: str) -> str | None:
	return None if thing.get(name) is None else id_of(thing, name)


def _session_outcome(session: dict) -> str:
	status = field(session, "status", str)
	if field(session, "payment_status", str) == "paid":
		return "paid"
	if status == "complete":
		return _late_outcome(session.get("payment_intent"))
	return "expired" if status == "expired" else "open"


def _late_outcome(intent: dict | str | None) -> str:
	"""A complete session that is not paid: on its way (SEPA and the like), or failed days later."""
	failed = isinstance(intent, dict) and intent.get("status") in ("requires_payment_method", "canceled")
	return "failed" if failed else "processing"


def _error_of(intent: dict) -> str:
	return text_of(intent.get("last_payment_error"), "message")
