"""Stripe's reasons, in words for the customer. What is not known here is for staff: their own words are among it."""

from frappe import _


def in_words(reason: str | None) -> str:
	"""Return why a payment failed, by the sentence of Stripe that is kept of it; nothing where none is kept."""
	known = {
		"Your card was declined.": _("The card was declined by your bank."),
		"Your card has insufficient funds.": _("The card does not have enough funds."),
		"Your card has expired.": _("The card has expired."),
		"Your card's security code is incorrect.": _("The security code of the card is not correct."),
		"Your card number is incorrect.": _("The number of the card is not correct."),
		"Your card does not support this type of purchase.": _("The card cannot be used for such payments."),
		"Your card was declined. This transaction requires authentication.": _(
			"The bank wanted the payment to be confirmed, and it was not."
		),
	}
	return known.get(reason, _("The payment was not accepted.")) if reason else ""


def claim_in_words(reason: str | None) -> str:
	"""Return why there is a refund or dispute, by Stripe's code; nothing where it is no code for customers' eyes.

	Staff write their own reasons into the same field, and those are theirs alone.
	"""
	known = {
		"bank_cannot_process": _("The bank could not process the payment."),
		"check_returned": _("The cheque was returned."),
		"credit_not_processed": _("A refund that was expected has not arrived."),
		"customer_initiated": _("The payment was contested by the payer."),
		"debit_not_authorized": _("The debit was not authorised."),
		"duplicate": _("It was paid twice."),
		"fraudulent": _("The payment was reported as not authorised."),
		"incorrect_account_details": _("The account details were not correct."),
		"insufficient_funds": _("The account did not have enough funds."),
		"product_not_received": _("The service was reported as not received."),
		"product_unacceptable": _("The service was reported as not as agreed."),
		"requested_by_customer": _("You asked for it."),
		"subscription_canceled": _("The service was reported as cancelled beforehand."),
		"unrecognized": _("The payer does not recognise the payment."),
	}
	return known.get(reason or "", "")
