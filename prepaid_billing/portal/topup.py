"""The pages of a top-up: its form, and how its payment stands after Checkout."""

from __future__ import annotations

import re
from decimal import Decimal
from urllib.parse import urlencode

import frappe
from frappe import _

from prepaid_billing import settings
from prepaid_billing.calls import recent, stops
from prepaid_billing.calls.pricing import rate_of
from prepaid_billing.display import money
from prepaid_billing.exceptions import AccountBlocked, InvalidAmount
from prepaid_billing.ledger import balance_of
from prepaid_billing.payments import limits, topups, vat
from prepaid_billing.payments.decide import FINAL
from prepaid_billing.payments.reasons import in_words
from prepaid_billing.payments.suggest import suggested
from prepaid_billing.permissions import own_companies
from prepaid_billing.portal import ADDRESS, address, argument
from prepaid_billing.portal.figures import minutes, number, price_in_words, short
from prepaid_billing.portal.overview import blocked, takes_topups
from prepaid_billing.portal.typed import example, typed_amount
from prepaid_billing.rating.price import Rate


def topup_form(company: str) -> dict[str, object]:
	"""Return what the top-up page shows of a company, the amounts that it offers among it. Raises AccountBlocked."""
	view = balance_of(company)
	stop = stops.stop_of(company, view.status)
	if not takes_topups(stop):
		raise AccountBlocked(blocked(stop))
	rate = rate_of(view)
	allowed = limits.of(view.currency)
	if not allowed:
		raise limits.not_set_up(view.currency)
	month = recent.of_last_days(company, recent.MONTH).amount
	return {
		"available": money(view.available, view.currency),
		"currency": view.currency,
		"smallest": short(allowed.smallest, view.currency),
		"largest": short(allowed.largest, view.currency),
		"price": price_in_words(rate, view.currency),
		"month": money(month, view.currency) if month > 0 else "",
		"choices": [
			{"value": f"{amount:f}", **_offer(amount, rate, view.currency)}
			for amount in suggested(month, allowed.suggested, allowed.smallest, allowed.largest)
		],
		"vat": _vat_in_words(),
		"is_mailed": _is_mailed(company),
		"blocked": blocked(stop),
		"key": _form_key(),
		"action": address("/topup", company),
	}


def offered(company: str, text: str | None) -> dict[str, object]:
	"""Return what an own amount would buy: ``minutes``, ``credited``, and ``net`` and ``tax`` of what is paid, as the page words them.

	Raises InvalidAmount.
	"""
	view = balance_of(company)
	return _offer(paid_amount(text, view.currency), rate_of(view), view.currency)


def _offer(amount: Decimal, rate: Rate | None, currency: str) -> dict[str, str]:
	"""Return what paying an amount buys. With VAT in it, what is credited may be less than what is paid."""
	tax = vat.tax_in(amount, settings.amount("vat_rate"), currency)
	credited = amount - tax if settings.get("credited_part") == "Net" else amount
	return {
		"amount": short(amount, currency),
		"minutes": minutes(rate, credited),
		"net": money(amount - tax, currency) if tax else "",
		"tax": money(tax, currency) if tax else "",
		"credited": money(credited, currency) if credited != amount else "",
	}


def _is_mailed(company: str) -> bool:
	"""Whether the user gets the mail on a top-up: one of the company's users who begins it does, listed or not."""
	return company in own_companies() and bool(frappe.db.get_value("Billing Company", company, "mail_topup"))


def _vat_in_words() -> str:
	"""Return the line on VAT, or nothing where no rate is set."""
	rate = settings.amount("vat_rate")
	if not rate:
		return ""
	percent = number(rate, "0.##")
	if settings.get("credited_part") == "Net":
		return _("The amount you pay contains {0} % VAT. The rest is added to your balance.").format(percent)
	return _("The amount you pay contains {0} % VAT. All of it is added to your balance.").format(percent)


def paid_amount(text: str | None, currency: str) -> Decimal:
	"""Return an amount to pay, as people write it. Raises InvalidAmount."""
	amount = typed_amount(text, currency)
	if not amount:
		raise InvalidAmount(
			_("This is not an amount that can be paid. Nothing was charged. Write it like {0}.").format(
				example(currency)
			)
		)
	return amount


def payable_amount(text: str | None, currency: str) -> Decimal:
	"""Return an amount within the limits, as people write it. Raises InvalidAmount; the limits stand beside the field."""
	amount, allowed = paid_amount(text, currency), limits.of(currency)
	if allowed and amount < allowed.smallest:
		raise InvalidAmount(_("This is less than can be topped up at once. Nothing was charged."))
	if allowed and amount > allowed.largest:
		raise InvalidAmount(_("This is more than can be topped up at once. Nothing was charged."))
	return amount


def payment_address(topup_name: str) -> str:
	"""Return where a top-up is paid, or for one that was sent again when it was over, where it is told of."""
	topup = topups.find(topup_name)
	if page := topups.page_of(topup):
		return page
	# Cancelled before a page was opened: there is no session to tell of.
	if not topup.checkout_session_id:
		return f"{ADDRESS}/topup/cancel?" + urlencode({"topup": topup.name})
	return f"{ADDRESS}/topup/success?" + urlencode({"session_id": topup.checkout_session_id})


def result(topup: frappe._dict) -> str:
	"""Return what the customer needs to know of a payment: "paid", "on its way", "not paid" or "open"."""
	if topup.status in FINAL:
		return "paid"
	if topup.status == "Processing":
		return "on its way"
	return "open" if topup.status == "Created" and not topup.failure_reason else "not paid"


def payment(topup: frappe._dict, pays: bool) -> dict[str, object]:
	"""Return what the pages show of a top-up. Who may not pay (``pays``) is given no way to Checkout."""
	return {
		"result": result(topup),
		"status": topup.status,
		"amount": money(topup.amount, topup.currency),
		"credited": money(topup.credited, topup.currency),
		"available": money(balance_of(topup.company).available, topup.currency),
		"reason": _reason(topup),
		"may_pay": pays,
		"checkout_url": (topups.page_of(topup) if pays else None) or "",
		"home": address("", topup.company),
		"topup_url": address("/topup", topup.company),
		"company": topup.company,
	}


def _form_key() -> str:
	"""Return what makes a form that is sent twice one top-up: the key it was sent with, else a new one."""
	sent = argument("key") or ""
	return sent if re.fullmatch(r"[0-9a-f]{20}", sent) else frappe.generate_hash(length=20)


def _reason(topup: frappe._dict) -> str:
	"""Return why a payment failed, in the user's language where we know Stripe's sentence."""
	if topup.status == "Cancelled":
		return _("You have cancelled this top-up.")
	if topup.status == "Expired":
		return _("The payment was not completed in time.")
	return in_words(topup.failure_reason)
