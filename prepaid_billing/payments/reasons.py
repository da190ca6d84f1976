"""Why a payment failed, in words for the customer."""

from frappe import _


def in_words(reason: str | None) -> str:
	"""Return Stripe's sentence in the user's language where we know it, else as Stripe wrote it."""
	known = {
		"Your card was declined.": _("The card was declined by your bank."),
		"Your card has insufficient funds.": _("The card does not have enough funds."),
		"Your card has expired.": _("The card has expired."),
		"Your card's security code is incorrect.": _("The security code of the card is not correct."),
	}
	return known.get(reason or "", reason or "")
