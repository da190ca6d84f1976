"""What a look at a payment means for a top-up: decided without a database."""

from dataclasses import replace
from decimal import Decimal
from itertools import permutations, product

import pytest

from prepaid_billing.payments.decide import Decision, TopupState, decide
from prepaid_billing.payments.facts import (
	NotRepresentable,
	PaymentFacts,
	Unclear,
	of_intent,
	of_session,
	to_major,
	to_minor,
)

TOPUP = TopupState("Created", Decimal(50), "EUR", False, "cs_1", None)
PAID = PaymentFacts("paid", Decimal(50), "EUR", False, "cs_1", "pi_1")


def test_a_paid_session_of_ours_is_credited() -> None:
	assert decide(TOPUP, PAID) == Decision("credit", "Paid")


@pytest.mark.parametrize("status", ["Created", "Processing", "Failed", "Cancelled", "Expired"])
def test_money_that_came_is_credited_whatever_we_thought_before(status: str) -> None:
	assert decide(replace(TOPUP, status=status), PAID).action == "credit"


@pytest.mark.parametrize("status", ["Paid", "Partly Refunded", "Refunded", "Disputed"])
@pytest.mark.parametrize("outcome", ["paid", "expired", "declined", "processing", "open"])
def test_a_credited_top_up_is_never_credited_again_or_undone_by_a_late_event(
	status: str, outcome: str
) -> None:
	assert decide(
		replace(TOPUP, status=status, payment_intent_id="pi_1"), replace(PAID, outcome=outcome)
	) == Decision("nothing")


@pytest.mark.parametrize("status", ["Paid", "Partly Refunded", "Refunded", "Disputed"])
def test_a_payment_that_fails_after_it_was_credited_is_parked_for_a_person(status: str) -> None:
	credited = replace(TOPUP, status=status, payment_intent_id="pi_1")
	decision = decide(credited, replace(PAID, outcome="failed"))
	assert (decision.action, decision.status) == ("park", "")
	assert "after it was credited" in decision.reason


@pytest.mark.parametrize(
	"change",
	[
		{"amount": Decimal("49.99")},
		{"amount": Decimal("50.01")},
		{"currency": "USD"},
		{"livemode": True},
		{"session_id": "cs_2"},
		{"payment_intent_id": None},
	],
	ids=str,
)
def test_what_does_not_fit_is_parked_for_a_person(change: dict) -> None:
	decision = decide(TOPUP, replace(PAID, **change))
	assert decision.action == "park" and decision.reason.endswith(".")


def test_a_second_payment_for_a_paid_top_up_is_parked() -> None:
	paid = replace(TOPUP, status="Paid", payment_intent_id="pi_1")
	assert decide(paid, replace(PAID, payment_intent_id="pi_2")).action == "park"


@pytest.mark.parametrize(
	"outcome,expected",
	[
		("processing", Decision("status", "Processing")),
		("expired", Decision("status", "Expired")),
		("failed", Decision("status", "Failed", "why")),
		("declined", Decision("note", reason="why")),
		("open", Decision("nothing")),
	],
)
def test_an_unpaid_look_never_credits(outcome: str, expected: Decision) -> None:
	assert decide(TOPUP, replace(PAID, outcome=outcome, reason="why")) == expected


def test_a_session_that_expires_while_the_payment_is_on_its_way_changes_nothing() -> None:
	assert decide(replace(TOPUP, status="Processing"), replace(PAID, outcome="expired")) == Decision(
		"nothing"
	)


def test_every_order_of_a_payments_life_ends_paid_and_credits_once() -> None:
	looks = ("open", "declined", "processing", "paid", "expired")
	for order in permutations(looks):
		state, credits = TOPUP, 0
		for outcome in order + order:
			decision = decide(state, replace(PAID, outcome=outcome))
			credits += decision.action == "credit"
			if decision.action in ("credit", "status"):
				state = replace(state, status=decision.status)
		assert (state.status, credits) == ("Paid", 1)


def test_a_bank_debit_that_failed_stays_failed_whatever_comes_late() -> None:
	for order in permutations(("open", "processing", "failed", "expired")):
		state = TOPUP
		for outcome in order + order:
			decision = decide(state, replace(PAID, outcome=outcome))
			if decision.action == "status":
				state = replace(state, status=decision.status)
		assert state.status == "Failed"


MINOR = [
	("12.34", "EUR", 1234),
	("0.29", "EUR", 29),
	("19.99", "eur", 1999),
	("500", "JPY", 500),
	("1.23", "KWD", 1230),
	("99999.990", "BHD", 99_999_990),
	("5", "UGX", 500),
	("2500", "ISK", 250_000),
]


@pytest.mark.parametrize("amount,currency,minor", MINOR)
def test_minor_units_follow_the_currency_and_lose_nothing(amount: str, currency: str, minor: int) -> None:
	assert to_minor(Decimal(amount), currency) == minor
	assert to_major(minor, currency) == Decimal(amount)


@pytest.mark.parametrize(
	"amount,currency",
	[
		("0.001", "EUR"), ("0.5", "JPY"), ("0.0001", "KWD"),
		# Stripe wants the last of three decimals to be 0, and no hundredths of what it takes in hundredths only by custom.
		*[("1.234", code) for code in ("BHD", "JOD", "KWD", "OMR", "TND")], ("12.5", "ISK"), ("0.01", "UGX"),
	],
)  # fmt: skip
def test_an_amount_that_cannot_be_paid_exactly_is_refused(amount: str, currency: str) -> None:
	with pytest.raises(NotRepresentable):
		to_minor(Decimal(amount), currency)


def session(status: str, payment_status: str, intent: object = "pi_1") -> dict:
	return {
		"object": "checkout.session", "id": "cs_1", "status": status, "payment_status": payment_status, "payment_intent": intent,
		"amount_total": 5000, "currency": "eur", "livemode": False,
	}  # fmt: skip


def intent(status: str, error: str | None = None) -> dict:
	return {
		"object": "payment_intent", "id": "pi_1", "status": status, "amount": 5000, "amount_received": 5000 if status == "succeeded" else 0,
		"currency": "eur", "livemode": False, "latest_charge": "ch_1",
		"last_payment_error": {"message": error} if error else None,
	}  # fmt: skip


@pytest.mark.parametrize(
	"seen,outcome",
	[
		(session("open", "unpaid"), "open"),
		(session("complete", "paid"), "paid"),
		(session("complete", "unpaid"), "processing"),
		(session("complete", "unpaid", intent("processing")), "processing"),
		(session("complete", "unpaid", intent("requires_payment_method", "no")), "failed"),
		(session("expired", "unpaid", None), "expired"),
	],
	ids=lambda value: str(value)[:60],
)
def test_a_session_is_read(seen: dict, outcome: str) -> None:
	facts = of_session(seen)
	assert (facts.outcome, facts.amount, facts.currency, facts.session_id) == (
		outcome,
		Decimal(50),
		"EUR",
		"cs_1",
	)


@pytest.mark.parametrize(
	"seen,outcome",
	[
		(intent("succeeded"), "paid"),
		(intent("processing"), "processing"),
		(intent("requires_payment_method"), "open"),
		(intent("requires_payment_method", "declined"), "declined"),
		(intent("canceled"), "failed"),
	],
	ids=lambda value: str(value)[:60],
)
def test_a_payment_intent_is_read(seen: dict, outcome: str) -> None:
	facts = of_intent(seen)
	assert (facts.outcome, facts.payment_intent_id, facts.amount) == (outcome, "pi_1", Decimal(50))


def test_combinations_of_facts_never_credit_what_was_not_paid() -> None:
	for status, outcome, amount in product(
		("Created", "Processing"), ("open", "declined", "expired"), (0, 50, 500)
	):
		facts = replace(PAID, outcome=outcome, amount=Decimal(amount))
		assert decide(replace(TOPUP, status=status), facts).action != "credit"


@pytest.mark.parametrize("value", [None, True, 7, 5000.0, "", " ", [], {}, [None], {"id": 1}], ids=repr)
@pytest.mark.parametrize("name", ["object", "id", "status", "amount", "currency", "livemode"])
def test_an_intent_that_is_not_what_it_should_be_is_for_a_person(name: str, value: object) -> None:
	if (name, value) not in (("livemode", True), ("amount", 7), ("status", " ")):
		with pytest.raises(Unclear):
			of_intent({**intent("processing"), name: value})


@pytest.mark.parametrize("value", [True, 7, "", "5000", [], {}, [None], {"id": 1}], ids=repr)
def test_a_session_whose_payment_cannot_be_told_is_for_a_person(value: object) -> None:
	with pytest.raises(Unclear):
		of_session(session("complete", "paid", value))


@pytest.mark.parametrize("error", [True, 7, "no", ["no"], {"message": 7}, {"message": ["no"]}], ids=repr)
def test_a_reason_that_is_no_text_is_none(error: object) -> None:
	assert of_intent({**intent("requires_payment_method"), "last_payment_error": error}).reason == ""


def test_a_reason_is_kept_as_long_as_its_column() -> None:
	assert len(of_intent(intent("requires_payment_method", "x" * 5000)).reason) == 255
