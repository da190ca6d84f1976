"""The merchant's balance: one transaction for whatever moves it."""

from __future__ import annotations

from stripe_simulator.currency import decimals_of
from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.balance_transaction import build_balance_transaction
from stripe_simulator.store import Operation

CARD_FEE_PER_MILLE = 15
CARD_FEE_FIXED = 25
"""Hundredths of the currency: 1.5 % and 0.25."""
SEPA_FEE = 35
DISPUTE_FEE = 2000


def book_charge(operation: Operation, charge: StripeObject) -> None:
	"""Book what a charge has captured, less Stripe's fee."""
	by_card = charge["payment_method_details"]["type"] == "card"
	share = charge["amount_captured"] * CARD_FEE_PER_MILLE // 1000 if by_card else 0
	fixed = _hundredths(CARD_FEE_FIXED if by_card else SEPA_FEE, charge["currency"])
	transaction = _book(
		operation,
		source=charge,
		amount=charge["amount_captured"],
		type="charge" if by_card else "payment",
		reporting_category="charge",
		description=charge["description"],
		fee=share + fixed,
		fee_description="Stripe processing fees",
	)
	charge["balance_transaction"] = transaction["id"]


def book_refund(operation: Operation, refund: StripeObject, charge: StripeObject) -> None:
	"""Book money that leaves; the fee of the charge is not given back."""
	transaction = _book(
		operation,
		source=refund,
		amount=-refund["amount"],
		type="refund" if charge["id"].startswith("ch_") else "payment_refund",
		reporting_category="refund",
		description=f"REFUND FOR CHARGE ({charge['description']})",
	)
	refund["balance_transaction"] = transaction["id"]


def book_refund_failure(operation: Operation, refund: StripeObject, charge: StripeObject) -> None:
	"""Book the money of a refund that came back."""
	transaction = _book(
		operation,
		source=refund,
		amount=refund["amount"],
		type="refund_failure" if charge["id"].startswith("ch_") else "payment_failure_refund",
		reporting_category="refund_failure",
		description=f"REFUND FAILURE ({charge['description']})",
	)
	refund["failure_balance_transaction"] = transaction["id"]


def book_dispute(operation: Operation, dispute: StripeObject) -> None:
	"""Book what the customer's bank took, and Stripe's fee for it."""
	transaction = _book(
		operation,
		source=dispute,
		amount=-dispute["amount"],
		type="adjustment",
		reporting_category="dispute",
		description=f"Chargeback withdrawal for {dispute['charge']}",
		fee=_hundredths(DISPUTE_FEE, dispute["currency"]),
		fee_description="Dispute fee",
	)
	dispute["balance_transactions"].append(transaction)


def book_dispute_reversal(operation: Operation, dispute: StripeObject) -> None:
	"""Book what the bank gave back after a dispute was won; Stripe keeps its fee."""
	transaction = _book(
		operation,
		source=dispute,
		amount=dispute["amount"],
		type="adjustment",
		reporting_category="dispute_reversal",
		description=f"Chargeback reversal for {dispute['charge']}",
	)
	dispute["balance_transactions"].append(transaction)


def _book(
	operation: Operation,
	*,
	source: StripeObject,
	amount: int,
	type: str,
	reporting_category: str,
	description: str | None,
	fee: int = 0,
	fee_description: str = "",
) -> StripeObject:
	store = operation.store
	transaction = build_balance_transaction(
		source=source,
		amount=amount,
		type=type,
		reporting_category=reporting_category,
		description=description,
		created=store.clock.now(),
		fee=fee,
		fee_description=fee_description,
	)
	store.schedule.at(transaction["available_on"], lambda later: transaction.update(status="available"))
	return store.add(transaction)


def _hundredths(amount: int, currency: str) -> int:
	"""Return hundredths of a currency in its minor units."""
	return amount * 10 ** decimals_of(currency) // 100
