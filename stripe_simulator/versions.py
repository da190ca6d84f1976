"""API versions: what a request may send depends on the one it names, or else on the account's."""

from __future__ import annotations

from typing import Any

from stripe_simulator.errors import ApiError
from stripe_simulator.fields import Choice, Field, ListOf
from stripe_simulator.store import Operation

ACCOUNT_VERSION = "2026-08-26.dahlia"
"""For requests without Stripe-Version: `stripe trigger` sends none, and its scripts need an account of before endive."""
ENDIVE = "2026-09-30"
KINDS = ("card", "sepa_debit")
TYPE_FIELDS: dict[str, Field] = {
	"allowed_payment_method_types": ListOf(Choice(KINDS)),
	"payment_method_types": ListOf(Choice(KINDS)),
}


def chosen_types(operation: Operation, params: dict[str, Any], currency: str) -> list[str] | None:
	"""Return the kinds of payment method that were asked for, or None where Stripe shall choose.

	Raises ApiError for `payment_method_types` since endive, and for a bank debit in another currency than euro.
	"""
	if "payment_method_types" in params and operation.version >= ENDIVE:
		raise ApiError(
			"The payment_method_types parameter is no longer supported. Use allowed_payment_method_types, or leave it "
			"out to use dynamic payment methods.",
			code="payment_method_types_no_longer_supported",
			param="payment_method_types",
		)
	name = "payment_method_types" if "payment_method_types" in params else "allowed_payment_method_types"
	types: list[str] | None = params.get(name) or None
	if types and "sepa_debit" in types and currency != "eur":
		raise ApiError(
			f"The currency provided ({currency}) is invalid for one or more payment method types: sepa_debit.",
			param=name,
		)
	return types


def dynamic_types(currency: str) -> list[str]:
	"""Return the kinds Stripe chooses by itself: bank debits are for euro only."""
	return ["card", "sepa_debit"] if currency == "eur" else ["card"]
