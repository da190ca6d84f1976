"""The balance page: what is left, how long it lasts, what this month cost, and what happens now and happened last."""

from __future__ import annotations

from babel.dates import format_date
from frappe import _

from prepaid_billing.alerts.balances import level_now
from prepaid_billing.calls import live, recent, stops
from prepaid_billing.calls.booked import bookings_of
from prepaid_billing.calls.pricing import rate_of
from prepaid_billing.display import day_of, days_in_words, length, moment, money
from prepaid_billing.exports.transactions import description
from prepaid_billing.ledger import BalanceView, balance_of, clock, last_entries
from prepaid_billing.ledger.period import zone_of
from prepaid_billing.portal import address, may_pay, payers
from prepaid_billing.portal.figures import column, language, minutes, number, price_in_words
from prepaid_billing.portal.standing import in_word

ENTRIES = 10
RUNNING = 20
"""Calls in progress that are listed at most; what all of them hold stands above."""


def overview(company: str) -> dict[str, object]:
	"""Return what the balance page shows of a company."""
	view = balance_of(company)
	rate = rate_of(view)
	stop, level = stops.stop_of(view.company, view.status), level_now(view, rate)
	can_pay = may_pay(company)
	return {
		"available": money(view.available, view.currency),
		"in_calls": money(view.reserved, view.currency),
		"is_calling": bool(view.reserved),
		"level": level or "Good",
		"standing": in_word(stop, level, bool(rate)),
		"threshold": money(view.threshold, view.currency) if view.threshold else "",
		"minutes": minutes(rate, view.available),
		"price": price_in_words(rate, view.currency),
		**_use(view),
		"running": [_running(call, view.currency) for call in live.running(company, RUNNING)],
		"currency": view.currency,
		"entries": _entries(view),
		"blocked": blocked(stop),
		"payers": "" if can_pay else payers(company),
		"may_pay": can_pay,
		"takes_topups": takes_topups(stop),
		"topup_url": address("/topup", company),
	}


def blocked(stop: str) -> str:
	"""Return why a stop lets no new calls be started whatever the balance, in words for the customer, or nothing."""
	return {
		"": "",
		stops.SUSPENDED: _(
			"Your company is suspended. New calls cannot be started. Your balance is kept; please contact us."
		),
		stops.SWITCHED_OFF: _(
			"Prepaid billing is switched off for your company. New calls cannot be started. Your balance is kept; please contact us."
		),
		stops.FROZEN: _(
			"Your balance is frozen. New calls cannot be started. Your money is kept; please contact us."
		),
		stops.DISPUTED: _(
			"Your bank is disputing a payment. New calls cannot be started until that is settled. Please contact us."
		),
	}[stop]


def takes_topups(stop: str) -> bool:
	"""Whether the company can be topped up at all. A frozen or disputed one may pay, but gains no calls by it yet."""
	return stop not in (stops.SUSPENDED, stops.SWITCHED_OFF)


def _use(view: BalanceView) -> dict[str, object]:
	"""Return how long the balance lasts at the last week's use, and what this month cost beside the last one."""
	recently = recent.recent(view.company)
	days = recent.days_left(view.available, recently.week)
	return {
		"days": "" if days is None or view.available <= 0 else days_in_words(days),
		"per_day": money(recently.week.amount / recent.WEEK, view.currency) if recently.week.amount else "",
		"month": {
			"name": format_date(recently.day, "LLLL", locale=language()),
			"calls": number(recently.month.calls, "#,##0"),
			"minutes": number(recently.month.minutes, "#,##0"),
			"cost": money(recently.month.amount, view.currency),
			"before": money(recently.month_before.amount, view.currency),
			"until": day_of(recently.until),
			"has_before": bool(recently.month_before.calls),
		},
	}


def _running(call: live.Running, currency: str) -> dict[str, object]:
	return {
		"callee": call.callee or _("Unknown number"),
		"length": length(call.seconds) if call.is_answered else "",
		"cost": money(call.cost, currency),
	}


def _entries(view: BalanceView) -> list[dict[str, object]]:
	entries = last_entries(view.company, ENTRIES)
	bookings = bookings_of(entries)
	amounts = column([entry.amount for entry in entries], view.currency, plus="+")
	balances = column([entry.balance_after for entry in entries], view.currency)
	zone = zone_of(view.company)
	return [
		{
			"date": moment(clock.local_time(entry.booked_us, zone)),
			"iso": clock.iso(entry.booked_us),
			"kind": _(entry.transaction_type),
			"detail": description(entry, bookings.get(entry.name)),
			"amount": amount,
			"is_credit": entry.amount > 0,
			"balance": balance,
		}
		for entry, amount, balance in zip(entries, amounts, balances, strict=True)
	]
