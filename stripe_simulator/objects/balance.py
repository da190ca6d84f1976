"""The merchant's balance at Stripe."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from stripe_simulator.objects import StripeObject


def build_balance(transactions: Iterable[StripeObject]) -> StripeObject:
	"""Add up the net amounts, by currency, of what is available and of what is pending."""
	sums: dict[str, dict[str, int]] = {"available": defaultdict(int), "pending": defaultdict(int)}
	for transaction in transactions:
		for status in sums:
			sums[status][transaction["currency"]] += (
				transaction["net"] if transaction["status"] == status else 0
			)
	return {
		"object": "balance",
		**{
			status: [
				{"amount": amount, "currency": currency, "source_types": {"card": amount}}
				for currency, amount in sorted(by_currency.items())
			]
			for status, by_currency in sums.items()
		},
		"livemode": False,
		"refund_and_dispute_prefunding": {"available": [], "pending": []},
	}
