"""Stripe's two modes: what was paid, refunded or disputed in test mode counts in test mode alone, and the reverse."""

from prepaid_billing import settings


def is_live() -> bool:
	"""Whether what is live counts. So it does unless the secret key is one of test mode, also where there is none."""
	return is_live_key(settings.secret("stripe_secret"))


def is_live_key(key: str) -> bool:
	"""Whether a secret key moves real money. What is not plainly a test key may."""
	return not key.startswith(("sk_test_", "rk_test_"))
