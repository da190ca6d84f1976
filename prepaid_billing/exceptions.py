"""The refusals of this product. Each has the code and the HTTP status that the API answers with.

The message is for people: what happened, what it means for their money, what to do next.
"""

import frappe


class BillingError(frappe.ValidationError):
	"""A definite refusal: nothing was written."""

	code = "INVALID_INPUT"
	http_status_code = 422


class InvalidInput(BillingError):
	"""An argument is missing or is not what the method takes."""


class InvalidAmount(BillingError):
	"""The amount is no amount of money, or outside of what is allowed here."""

	code = "INVALID_AMOUNT"


class NoRate(BillingError):
	"""No valid rate applies to the call; it is refused, never free."""

	code = "NO_RATE"


class InsufficientBalance(BillingError):
	"""The available balance does not cover it."""

	code = "INSUFFICIENT_BALANCE"
	http_status_code = 402


class NotAuthenticated(BillingError):
	"""Nobody whom we know, or a user who was disabled."""

	code = "NOT_AUTHENTICATED"
	http_status_code = 401


class NotPermitted(BillingError):
	"""The user may not do this."""

	code = "NOT_PERMITTED"
	http_status_code = 403


class AccountBlocked(BillingError):
	"""The company is suspended, its balance frozen, or prepaid billing switched off."""

	code = "ACCOUNT_BLOCKED"
	http_status_code = 403


class UnknownCompany(BillingError):
	"""No such company, or none that the user may see: the answers are alike on purpose."""

	code = "UNKNOWN_COMPANY"
	http_status_code = 404


class UnknownCall(BillingError):
	"""No call has this id."""

	code = "UNKNOWN_CALL"
	http_status_code = 404


class UnknownTopup(BillingError):
	"""No such top-up, or none that the user may see."""

	code = "UNKNOWN_TOPUP"
	http_status_code = 404


class UnknownRefund(BillingError):
	"""No such refund, or none that the user may see."""

	code = "UNKNOWN_REFUND"
	http_status_code = 404


class UnknownReceipt(BillingError):
	"""No such receipt, or none that the user may see."""

	code = "UNKNOWN_RECEIPT"
	http_status_code = 404


class UnknownEvent(BillingError):
	"""No event of Stripe is kept under this name."""

	code = "UNKNOWN_EVENT"
	http_status_code = 404


class Duplicate(BillingError):
	"""The key was used before, for something else."""

	code = "DUPLICATE"
	http_status_code = 409


class CallClosed(BillingError):
	"""The call has ended before, in another way."""

	code = "CALL_CLOSED"
	http_status_code = 409


class OpenTransaction(BillingError):
	"""The caller has written something that is not committed; money cannot safely move on top of it."""

	code = "OPEN_TRANSACTION"
	http_status_code = 409


class RateLimited(BillingError):
	"""Too many attempts."""

	code = "RATE_LIMITED"
	http_status_code = 429


class TryAgain(BillingError):
	"""A passing fault. The same request, with the same key, may be sent again."""

	code = "TRY_AGAIN"
	http_status_code = 503


class RefundPlanned(TryAgain):
	"""The refund is planned and its amount has left the balance; it goes on by itself."""

	code = "REFUND_PLANNED"


class PaymentRefused(TryAgain):
	"""The payment service has refused it for good: the same request again would be refused again.

	``words`` are its own, for staff.
	"""

	code = "PAYMENT_REFUSED"
	http_status_code = 402

	def __init__(self, message: str, words: str = "") -> None:
		super().__init__(message)
		self.words = words or message


class InvalidWebhook(BillingError):
	"""A webhook body that is not what Stripe signs and sends."""

	http_status_code = 400
