"""The merchant's balance at Stripe, as a reconciliation reads it."""

from __future__ import annotations

import pytest
import stripe

from .conftest import Control, Pay
from .receiver import Receiver

DAY = 24 * 60 * 60


def test_a_charge_gets_its_balance_transaction_after_it_succeeded(
	client: stripe.StripeClient, pay: Pay, receiver: Receiver
) -> None:
	intent = pay(description="Top-up T-1")
	succeeded, updated = receiver.wait_for("charge.succeeded", "charge.updated")
	assert succeeded.event["data"]["object"]["balance_transaction"] is None
	assert updated.event["data"]["previous_attributes"] == {"balance_transaction": None}
	charge = client.v1.charges.retrieve(intent.latest_charge, {"expand": ["balance_transaction"]})
	booked = charge.balance_transaction
	assert (booked.amount, booked.fee, booked.net, booked.currency) == (5000, 100, 4900, "eur")
	assert (booked.type, booked.source, booked.description) == ("charge", charge.id, "Top-up T-1")
	assert updated.event["data"]["object"]["balance_transaction"] == booked.id


@pytest.mark.parametrize(
	("currency", "amount", "fee"), [("eur", 1000, 40), ("jpy", 1000, 15), ("kwd", 10000, 400)]
)
def test_the_fee_is_one_and_a_half_percent_and_a_quarter_of_the_unit(
	currency: str, amount: int, fee: int, client: stripe.StripeClient, pay: Pay
) -> None:
	pay(currency=currency, amount=amount)
	[booked] = client.v1.balance_transactions.list().data
	assert (booked.fee, booked.net) == (fee, amount - fee)


def test_all_that_moves_money_is_listed_by_type_source_and_time(
	client: stripe.StripeClient, pay: Pay, control: Control
) -> None:
	refunded, disputed = pay(), pay()
	control("POST", "clock/advance", seconds=DAY)
	refund = client.v1.refunds.create({"payment_intent": refunded.id, "amount": 2000})
	control("POST", f"refunds/{refund.id}/fail")
	dispute = control("POST", "disputes", payment_intent=disputed.id)
	control("POST", f"disputes/{dispute['id']}/win")
	every = client.v1.balance_transactions.list({"limit": 100}).data
	assert [(booked.type, booked.reporting_category, booked.net) for booked in reversed(every)] == [
		("charge", "charge", 4900),
		("charge", "charge", 4900),
		("refund", "refund", -2000),
		("refund_failure", "refund_failure", 2000),
		("adjustment", "dispute", -7000),
		("adjustment", "dispute_reversal", 5000),
	]
	for filters, expected in (
		({"type": "charge"}, 2),
		({"source": refund.id}, 2),
		({"source": dispute["id"], "limit": 1}, 1),
		({"currency": "usd"}, 0),
		({"created": {"gte": every[3].created}}, 4),
		({"created": {"lt": every[3].created}}, 2),
	):
		assert len(client.v1.balance_transactions.list(filters).data) == expected
	[listed] = client.v1.balance_transactions.list(
		{"source": refunded.latest_charge, "expand": ["data.source"]}
	).data
	assert (listed.source.object, listed.source.id) == ("charge", refunded.latest_charge)
	found = client.v1.refunds.retrieve(refund.id, {"expand": ["balance_transaction"]})
	assert found.balance_transaction.net == -2000


def test_the_balance_is_pending_first_and_available_two_days_later(
	client: stripe.StripeClient, pay: Pay, control: Control
) -> None:
	intent = pay()
	control("POST", "clock/advance", seconds=2 * DAY)
	client.v1.refunds.create({"payment_intent": intent.id, "amount": 1000})
	balance = client.v1.balance.retrieve()
	assert [(part.amount, part.currency) for part in balance.available] == [(4900, "eur")]
	assert [(part.amount, part.currency) for part in balance.pending] == [(-1000, "eur")]
