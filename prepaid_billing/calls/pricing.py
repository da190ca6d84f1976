"""The rate that applies to a company at an instant, read from Billing Rate."""

import json
from decimal import Decimal

import frappe
from frappe import _

from prepaid_billing import settings
from prepaid_billing.exceptions import NoRate
from prepaid_billing.ledger import BalanceView, balance_of, clock
from prepaid_billing.rating.money import from_database
from prepaid_billing.rating.price import Rate, billed_seconds, cost, max_seconds
from prepaid_billing.rating.pricelist import PricedRate, applicable

_NO_CAP = 10**15
"""Seconds: a balance may last for many calls, so no call's limit applies to it."""
_VALID = f"""
	SELECT JSON_ARRAYAGG(JSON_OBJECT('name', r.name, 'company', r.company, 'valid_from_us', r.valid_from_us,
		'valid_until_us', r.valid_until_us, 'rate_per_minute', CAST(r.rate_per_minute AS CHAR),
		'billing_increment', r.billing_increment, 'minimum_duration', r.minimum_duration,
		'connection_fee', CAST(r.connection_fee AS CHAR), 'minimum_charge', CAST(r.minimum_charge AS CHAR)))
	FROM `tabBilling Rate` r WHERE r.currency = b.currency AND r.disabled = 0 AND r.valid_from_us <= {clock.NOW}
		AND (COALESCE(r.valid_until_us, 0) = 0 OR r.valid_until_us > {clock.NOW}) AND {{}}
"""
# Two lists, each by the index of companies.
VALID_RATES = (
	f"({_VALID.format('r.company = b.name')}) AS own_rates, "
	f"""({_VALID.format("(r.company = '' OR r.company IS NULL)")}) AS default_rates"""
)
"""SQL columns for a query of many balances ``b``: the rates that may apply to each now, read by least_of."""


def rate_for(company: str, currency: str, at_us: int) -> PricedRate:
	"""Return the rate for a call of ``company`` that starts at ``at_us``. Raises NoRate, never a free one."""
	return required(applicable(rates_of(company, currency), company, at_us))


def required(found: PricedRate | None) -> PricedRate:
	"""Return the rate that was found. Raises NoRate where none was: a call is refused, never free."""
	if not found:
		raise NoRate(_("No valid rate applies to this company, so the call is refused. Add a Billing Rate."))
	return found


def rates_of(company: str, currency: str, disabled: bool = False) -> list[PricedRate]:
	"""Return the rates of a company and those of the default price list, or of both those that are disabled."""
	rows = frappe.db.sql(
		"""
		SELECT name, company, valid_from_us, valid_until_us, CAST(rate_per_minute AS CHAR) AS rate_per_minute,
			billing_increment, minimum_duration, CAST(connection_fee AS CHAR) AS connection_fee,
			CAST(minimum_charge AS CHAR) AS minimum_charge
		FROM `tabBilling Rate`
		WHERE (company IN (%(company)s, '') OR company IS NULL) AND currency = %(currency)s AND disabled = %(disabled)s
		""",
		{"company": company, "currency": currency, "disabled": int(disabled)},
		as_dict=True,
	)
	return [_priced(row) for row in rows]


def quote(company: str, seconds: int, at_us: int | None = None) -> dict[str, object]:
	"""Return what a call of ``seconds`` would cost, and the longest call that the balance pays for now.

	Promises nothing and holds nothing. Raises UnknownCompany and NoRate.
	"""
	view = balance_of(company)
	priced = rate_for(company, view.currency, clock.now_us() if at_us is None else at_us)
	return {
		"amount": cost(priced.rate, seconds),
		"billed_sec": billed_seconds(priced.rate, seconds),
		"rate_per_minute": priced.rate.rate_per_minute,
		"max_seconds": max_seconds(priced.rate, view.available, settings.number("longest_call")),
		"currency": view.currency,
	}


def rate_of(view: BalanceView) -> Rate | None:
	"""Return the rate that a call of the company would have now, or None."""
	try:
		return rate_for(view.company, view.currency, clock.now_us()).rate
	except NoRate:
		return None


def least_of(row: frappe._dict) -> Decimal | None:
	"""Return what the shortest call costs now by the VALID_RATES of a row, or None where no rate applies."""
	rates = [
		_priced(frappe._dict(rate))
		for column in (row.own_rates, row.default_rates)
		for rate in json.loads(column or "[]")
	]
	found = applicable(rates, row.name, row.now_us)
	return least(found.rate) if found else None


def least(rate: Rate) -> Decimal:
	"""Return what the shortest call costs."""
	return cost(rate, 1)


def minutes_left(company: str) -> int | None:
	"""Return the whole minutes that the available balance pays for now, or None (see minutes_of)."""
	view = balance_of(company)
	rate = rate_of(view)
	return minutes_of(rate, view.available) if rate else None


def minutes_of(rate: Rate, amount: Decimal) -> int | None:
	"""Return the whole minutes that ``amount`` pays for in however many calls, or None where calls are free."""
	return max_seconds(rate, amount, _NO_CAP) // 60 if rate.rate_per_minute else None


def _priced(row: frappe._dict) -> PricedRate:
	return PricedRate(
		name=row.name,
		company=row.company or None,
		valid_from_us=row.valid_from_us,
		valid_until_us=row.valid_until_us or None,
		rate=Rate(
			from_database(row.rate_per_minute),
			row.billing_increment,
			row.minimum_duration,
			from_database(row.connection_fee),
			from_database(row.minimum_charge),
		),
	)
