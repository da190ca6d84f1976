"""What a test card or a test bank account does, and why a payment is declined."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decline:
	"""Why a card was declined; `by_issuer` is False where no bank was asked."""

	decline_code: str
	message: str
	seller_message: str
	network_decline_code: str | None = None
	advice_code: str | None = None
	by_issuer: bool = True
	code: str = "card_declined"


@dataclass(frozen=True)
class Behaviour:
	"""What happens to the payments of one card or account; as it stands, they succeed."""

	decline: Decline | None = None
	attaches: bool = True
	"""Whether it can be attached to a customer: a card that declines usually can't."""
	authentication: str = "never"
	"""Whether 3-D Secure asks: `never`, `until_set_up` (later off-session payments pass) or `always`."""
	dispute: str | None = None
	"""The reason of the dispute that follows a payment."""
	inquiry: bool = False
	"""Whether that dispute is an inquiry only, which moves no money."""
	refund: str = "succeeds"
	"""What becomes of a refund: `succeeds`, `fails_later` or `succeeds_later`."""
	debit_fails: bool = False
	"""Whether a bank debit, days later, turns out to have failed."""


GENERIC_DECLINE = Decline(
	"generic_decline",
	"Your card was declined.",
	"The bank did not return any further details with this decline.",
	network_decline_code="01",
	advice_code="try_again_later",
)
INSUFFICIENT_FUNDS = Decline(
	"insufficient_funds",
	"Your card has insufficient funds.",
	"The bank returned the decline code `insufficient_funds`.",
	network_decline_code="51",
	advice_code="try_again_later",
)
LOST_CARD = Decline(
	"lost_card",
	"Your card was declined.",
	"The bank returned the decline code `lost_card`.",
	network_decline_code="41",
	advice_code="do_not_try_again",
)
EXPIRED_CARD = Decline(
	"expired_card",
	"Your card has expired.",
	"The bank returned the decline code `expired_card`.",
	network_decline_code="54",
	advice_code="do_not_try_again",
	code="expired_card",
)
AUTHENTICATION_REQUIRED = Decline(
	"authentication_required",
	"Your card was declined. This transaction requires authentication.",
	"The bank returned the decline code `authentication_required`.",
	code="authentication_required",
)
NO_TEST_CARD = Decline(
	"test_mode_live_card",
	"Your card was declined. Your request was in test mode, but used a non test (real) card. "
	"For a list of valid test cards, visit: https://stripe.com/docs/testing.",
	"A non-test card was used in test mode.",
	by_issuer=False,
)
