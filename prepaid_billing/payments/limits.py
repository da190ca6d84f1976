"""How little and how much is paid at once in a currency, and what is offered first. Amounts are in major units.

A currency with a row in the settings has its own limits. Any other one takes the general ones, but never less or more
than Stripe takes: 10 is a fair least top-up in euros, and Stripe refuses it in yen. Where nothing is known of what Stripe
takes at least, there are no top-ups until a row says what they shall be: 10 won are less than a cent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import frappe
from frappe import _

from prepaid_billing import settings
from prepaid_billing.display import money
from prepaid_billing.exceptions import AccountBlocked
from prepaid_billing.payments.facts import NotRepresentable, to_minor
from prepaid_billing.rating.money import ZERO, exponent, from_database, payment_decimals, payment_step

# https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts, as published in September 2026. It holds where
# Stripe pays out in that currency; where it converts, a payment must reach the least of the other currency too. So what
# the page says of ARS, COP, IDR, ILS, KRW, PHP, RUB and ZAR, half a unit or 50 won, is left out: few accounts are paid out
# in them, and converted that is next to nothing. Where it names none, only Stripe knows the equivalent of half a dollar.
_LEAST_AT_STRIPE = {
	**dict.fromkeys("AUD BRL CAD CHF EUR INR NZD SGD USD".split(), Decimal("0.50")),
	**dict.fromkeys("AED MYR PLN RON".split(), Decimal(2)),
	**dict.fromkeys("NOK SEK".split(), Decimal(3)),
	**dict.fromkeys("MXN THB".split(), Decimal(10)),
	"CZK": Decimal(15),
	"DKK": Decimal("2.50"),
	"GBP": Decimal("0.30"),
	"HKD": Decimal(4),
	"HUF": Decimal(175),
	"JPY": Decimal(50),
}
_MOST_IN_MINOR_UNITS = 99_999_999


@dataclass(frozen=True, slots=True)
class Limits:
	"""The least and the most that a top-up may be, and the amounts that are offered where use suggests none."""

	smallest: Decimal
	largest: Decimal
	suggested: list[Decimal]


def of(currency: str) -> Limits | None:
	"""Return the limits of a currency, as the settings say; None where they must say it and do not."""
	for row in settings.get("topup_limits") or []:
		if row.currency == currency:
			return _payable(
				from_database(row.smallest), from_database(row.largest), row.suggested_amounts, currency
			)
	least = least_at_stripe(currency)
	if not least:
		return None
	smallest, largest = settings.amount("topup_minimum"), settings.amount("topup_maximum")
	return _payable(
		max(smallest, least),
		min(largest, most_at_stripe(currency)),
		settings.get("suggested_amounts"),
		currency,
	)


def _payable(smallest: Decimal, largest: Decimal, amounts: object, currency: str) -> Limits:
	"""Return limits that can be paid themselves, within those that were meant."""
	return Limits(
		_in_steps(smallest, currency, ROUND_CEILING),
		_in_steps(largest, currency, ROUND_FLOOR),
		whole(amounts),
	)


def not_set_up(currency: str) -> AccountBlocked:
	"""Return the refusal of a top-up in a currency without limits."""
	return AccountBlocked(_("Top-ups in {0} are not set up. Please contact us.").format(currency))


def without() -> list[str]:
	"""Return the currencies of companies that cannot top up, because the settings name no limits for them."""
	used = frappe.get_all("Billing Company", distinct=True, pluck="currency", order_by="currency")
	return [currency for currency in used if not of(currency)]


def least_at_stripe(currency: str) -> Decimal:
	"""Return the least that Stripe takes in a currency, 0 where that is not known."""
	return _LEAST_AT_STRIPE.get(currency, ZERO)


def most_at_stripe(currency: str) -> Decimal:
	"""Return the most that Stripe takes at once: eight digits of the smallest unit."""
	return _in_steps(Decimal(_MOST_IN_MINOR_UNITS).scaleb(-exponent(currency)), currency, ROUND_FLOOR)


def _in_steps(amount: Decimal, currency: str, rounding: str) -> Decimal:
	step = payment_step(currency)
	return (amount / step).to_integral_value(rounding) * step


def steps_in_words(currency: str) -> str:
	"""Return a sentence that says which amounts of a currency can be paid and refunded."""
	if not payment_decimals(currency):
		return _("{0} is paid in whole units only.").format(currency)
	return _("{0} is paid in steps of {1}.").format(currency, money(payment_step(currency), currency))


def are_payable(amounts: Sequence[Decimal], currency: str) -> bool:
	"""Whether a currency can be paid that exactly."""
	try:
		for amount in amounts:
			to_minor(amount, currency)
	except NotRepresentable:
		return False
	return True


def whole(text: object) -> list[Decimal]:
	"""Return the amounts in a text with blanks between; [] where it is not one to four whole ones."""
	amounts = str(text or "").split()
	valid = 1 <= len(amounts) <= 4 and all(amount.isascii() and amount.isdigit() for amount in amounts)
	return [Decimal(amount) for amount in amounts] if valid else []
