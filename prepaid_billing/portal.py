"""What the customer's pages show: who may open one, and the words and figures on it. Money moves in the rooms."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import wraps
from urllib.parse import urlencode

import frappe
from babel.numbers import format_decimal
from frappe import _

from prepaid_billing import settings
from prepaid_billing.alerts.decide import level_of
from prepaid_billing.calls.pricing import minutes_of, rate_for
from prepaid_billing.display import moment, money
from prepaid_billing.exceptions import BillingError, InvalidAmount, NoRate, UnknownCompany
from prepaid_billing.ledger import BalanceView, balance_of, clock, last_entries
from prepaid_billing.payments import topups
from prepaid_billing.payments.decide import FINAL
from prepaid_billing.permissions import MANAGER, STAFF, has_role, may_top_up, own_companies, visible_company
from prepaid_billing.rating.money import AmountError, exponent, parse_amount
from prepaid_billing.rating.price import Rate

ADDRESS = "/business/billing"
ENTRIES = 10

FIGURE_SPACE = "\u2007"
"""As wide as a digit."""

Context = frappe._dict


def page(show: Callable[[Context], None]) -> Callable[[Context], None]:
	"""Let a page be opened by whoever is logged in; a refusal becomes a page with its own HTTP status.

	Frappe commits what a POST to a page has written even where it fails, so a refusal rolls back.
	"""

	@wraps(show)
	def get_context(context: Context) -> None:
		if frappe.session.user == "Guest":
			raise redirect("/login?" + urlencode({"redirect-to": frappe.request.full_path.rstrip("?")}))
		context.update(no_cache=1, home=ADDRESS)
		try:
			show(context)
		except BillingError as error:
			frappe.db.rollback()
			context.update(
				template="templates/billing/refused.html",
				title=_("Page not found") if error.http_status_code == 404 else _("Not possible"),
				error=str(error),
				http_status_code=error.http_status_code,
			)

	return get_context


def redirect(location: str) -> frappe.Redirect:
	"""Return what to raise to send the browser elsewhere: 303, because Frappe's own 301 is kept for ever."""
	frappe.flags.redirect_location = location
	return frappe.Redirect(303)


def argument(name: str) -> str | None:
	"""Return a field of the address or the form, or None: a JSON body may hold anything else."""
	value = frappe.form_dict.get(name)
	return value if isinstance(value, str) else None


def choose_company(context: Context) -> bool:
	"""Set the company that a page is about: the one in its address, else the user's first.

	Returns False, with a page that says so, for a user without one. Raises UnknownCompany.
	"""
	asked, own = argument("company"), own_companies()
	if asked is None and not own:
		context.update(
			template="templates/billing/no_company.html",
			title=_("Prepaid balance"),
			is_staff=has_role(MANAGER, STAFF),
		)
		return False
	context.company = own[0] if asked is None else visible_company(asked, MANAGER, STAFF)
	context.home = address("", context.company)
	context.companies = [
		{"name": name, "url": address("", name), "is_current": name == context.company} for name in own
	]
	return True


def address(subpage: str, company: str, **query: str) -> str:
	"""Return the address of a page, which names the company only where it is not the user's first."""
	if own_companies()[:1] != [company]:
		query["company"] = company
	return f"{ADDRESS}{subpage}" + (f"?{urlencode(query)}" if query else "")


def own_topup(find: Callable[[], frappe._dict | None]) -> frappe._dict:
	"""Return the top-up that ``find`` gives where the user may see it. Raises UnknownTopup, alike for all else."""
	topup = find()
	try:
		visible_company(topup.company if topup else "", MANAGER, STAFF)
	except UnknownCompany as error:
		raise topups.unknown() from error
	return topup


def overview(company: str) -> dict[str, object]:
	"""Return what the balance page shows of a company."""
	view = balance_of(company)
	rate = _rate(view)
	return {
		"available": money(view.available, view.currency),
		"in_calls": money(view.reserved, view.currency) if view.reserved else "",
		"level": level_of(view.available, view.threshold) or "Good",
		"threshold": money(view.threshold, view.currency) if view.threshold else "",
		"minutes": _minutes(rate, view.available),
		"price": price_in_words(rate, view.currency),
		"entries": _entries(view),
		"blocked": blocked(view),
		"payers": "" if may_pay(company) else payers(company),
		"may_pay": may_pay(company),
		"topup_url": address("/topup", company),
	}


def topup_form(company: str) -> dict[str, object]:
	"""Return what the top-up page shows of a company, the amounts that it offers among it."""
	view = balance_of(company)
	rate = _rate(view)
	smallest, largest = settings.amount("topup_minimum"), settings.amount("topup_maximum")
	return {
		"available": money(view.available, view.currency),
		"currency": view.currency,
		"smallest": _short(smallest, view.currency),
		"largest": _short(largest, view.currency),
		"price": price_in_words(rate, view.currency),
		"choices": [
			{
				"value": f"{amount:f}",
				"amount": _short(amount, view.currency),
				"minutes": _minutes(rate, amount),
			}
			for amount in settings.suggested_amounts()
			if smallest <= amount <= largest
		],
		"blocked": blocked(view),
		"key": _form_key(),
		"action": address("/topup", company),
	}


def typed_amount(text: str | None, currency: str) -> Decimal:
	"""Return an amount as people write it: ``12,34`` or ``12.34``. Raises InvalidAmount.

	No separator of thousands is taken: in ``1.000`` a German and an English reader see different money.
	"""
	places = exponent(currency)
	plain = (text or "").strip().replace(",", ".")
	try:
		if not re.fullmatch(rf"[0-9]+(\.[0-9]{{1,{places}}})?" if places else r"[0-9]+", plain):
			raise AmountError
		return parse_amount(plain)
	except AmountError as error:
		example = _number(Decimal("12.5"), "0." + "0" * places if places else "0")
		raise InvalidAmount(
			_("This is not an amount that can be paid. Nothing was charged. Write it like {0}.").format(
				example
			)
		) from error


def payment_address(topup_name: str) -> str:
	"""Return where a top-up is paid, or for one that was sent again when it was over, where it is told of."""
	topup = topups.find(topup_name)
	if _is_open(topup):
		return topup.checkout_url
	return f"{ADDRESS}/topup/success?" + urlencode({"session_id": topup.checkout_session_id})


def result(topup: frappe._dict) -> str:
	"""Return what the customer needs to know of a payment: "paid", "on its way", "not paid" or "open"."""
	if topup.status in FINAL:
		return "paid"
	if topup.status == "Processing":
		return "on its way"
	return "open" if topup.status == "Created" and not topup.failure_reason else "not paid"


def payment(topup: frappe._dict) -> dict[str, object]:
	"""Return what the pages after Checkout show of a top-up."""
	return {
		"result": result(topup),
		"status": topup.status,
		"amount": money(topup.amount, topup.currency),
		"credited": money(topup.credited, topup.currency),
		"available": money(balance_of(topup.company).available, topup.currency),
		"reason": _reason(topup),
		"checkout_url": topup.checkout_url if _is_open(topup) else "",
		"home": address("", topup.company),
		"topup_url": address("/topup", topup.company),
		"company": topup.company,
	}


def may_pay(company: str) -> bool:
	"""Whether the user may top up: by the pay right of the company, or as staff."""
	return has_role(MANAGER, STAFF) or may_top_up(company)


def payers(company: str) -> str:
	"""Return the names of those who may top up a company, for a user who may not."""
	names = frappe.db.sql_list(
		"""
		SELECT u.full_name FROM `tabBilling Company User` c JOIN `tabUser` u ON u.name = c.user
		WHERE c.parent = %s AND c.parenttype = 'Billing Company' AND c.may_top_up = 1 AND u.enabled = 1
		ORDER BY c.idx
		""",
		(company,),
	)
	return ", ".join(names)


def blocked(view: BalanceView) -> str:
	"""Return why no new calls can be started whatever the balance, or nothing."""
	if frappe.db.get_value("Billing Company", view.company, "status") != "Active":
		return _(
			"Your company is suspended. New calls cannot be started. Your balance is kept; please contact us."
		)
	if view.status != "Active":
		return _(
			"Your balance is frozen. New calls cannot be started. Your money is kept; please contact us."
		)
	return ""


def price_in_words(rate: Rate | None, currency: str) -> str:
	"""Return today's price of a call in one line, or nothing where no rate applies."""
	if not rate:
		return ""
	price = _("{0} per minute").format(money(rate.rate_per_minute, currency, exact=True))
	if rate.billing_increment == 1:
		price = _("{0}, billed by the second").format(price)
	else:
		price = _("{0}, billed in steps of {1} seconds").format(price, rate.billing_increment)
	if rate.connection_fee:
		fee = money(rate.connection_fee, currency, exact=True)
		price = _("{0}, plus {1} per call").format(price, fee)
	return price


def _rate(view: BalanceView) -> Rate | None:
	try:
		return rate_for(view.company, view.currency, clock.now_us()).rate
	except NoRate:
		return None


def _minutes(rate: Rate | None, amount: Decimal) -> str:
	"""Return the whole minutes that an amount pays for, or nothing where calls have no price."""
	minutes = minutes_of(rate, amount) if rate else None
	return "" if minutes is None else _number(minutes, "#,##0")


def _number(value: int | Decimal, pattern: str) -> str:
	return format_decimal(value, pattern, locale=frappe.local.lang.replace("-", "_"))


def _form_key() -> str:
	"""Return what makes a form that is sent twice one top-up: the key it was sent with, else a new one."""
	sent = argument("key") or ""
	return sent if re.fullmatch(r"[0-9a-f]{20}", sent) else frappe.generate_hash(length=20)


def _entries(view: BalanceView) -> list[dict[str, object]]:
	entries = last_entries(view.company, ENTRIES)
	amounts = _column([entry.amount for entry in entries], view.currency, plus="+")
	balances = _column([entry.balance_after for entry in entries], view.currency)
	return [
		{
			"date": moment(entry.booked_at),
			"iso": entry.booked_at.isoformat(timespec="seconds"),
			"kind": _(entry.transaction_type),
			"detail": "" if entry.transaction_type == "Top-up" else entry.description,
			"amount": amount,
			"is_credit": entry.amount > 0,
			"balance": balance,
		}
		for entry, amount, balance in zip(entries, amounts, balances, strict=True)
	]


def _column(amounts: list[Decimal], currency: str, plus: str = "") -> list[tuple[str, str]]:
	"""Return exact amounts, each with the padding behind it that puts its decimal mark in line with the others."""
	decimals = [_decimals(amount, currency) for amount in amounts]
	most = max(decimals, default=0)
	return [
		((plus if amount > 0 else "") + money(amount, currency, exact=True), FIGURE_SPACE * (most - own))
		for amount, own in zip(amounts, decimals, strict=True)
	]


def _decimals(amount: Decimal, currency: str) -> int:
	return max(exponent(currency), -int(amount.normalize().as_tuple().exponent))


def _short(amount: Decimal, currency: str) -> str:
	"""Return an amount without its decimals where they are zero."""
	places = exponent(currency)
	return (
		re.sub(rf"[.,]0{{{places}}}(?=\D*$)", "", money(amount, currency))
		if places
		else money(amount, currency)
	)


def _is_open(topup: frappe._dict) -> bool:
	ends_us = topup.created_us + topups.SESSION_SECONDS * clock.SECOND
	return topup.status == "Created" and bool(topup.checkout_url) and clock.now_us() < ends_us


def _reason(topup: frappe._dict) -> str:
	"""Return why a payment failed, in the user's language where we know Stripe's sentence."""
	if topup.status == "Expired":
		return _("The payment was not completed in time.")
	known = {
		"Your card was declined.": _("The card was declined by your bank."),
		"Your card has insufficient funds.": _("The card does not have enough funds."),
		"Your card has expired.": _("The card has expired."),
		"Your card's security code is incorrect.": _("The security code of the card is not correct."),
	}
	return known.get(topup.failure_reason, topup.failure_reason or "")
