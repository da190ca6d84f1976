"""/c/portal/<session>: what is saved of a customer, and the way back."""

from __future__ import annotations

from stripe_simulator.objects import StripeObject


def saved_methods(methods: list[StripeObject], customer: str) -> list[str]:
	"""Return how the payment methods of a customer are shown, the newest first."""
	return [_shown(method) for method in methods if method["customer"] == customer]


def _shown(method: StripeObject) -> str:
	details = method[method["type"]]
	number = f"•••• {details['last4']}"
	if method["type"] == "sepa_debit":
		return f"SEPA {details['country']} {number}"
	return f"{details['brand'].capitalize()} {number} ({details['exp_month']:02d}/{details['exp_year']})"
