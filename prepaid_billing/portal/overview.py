"""The balance page: what is left, how long it lasts, what this month cost, and what happens now and happened last."""

from __future__ import annotations

from collections.abc import Sequence

import frappe
from babel.dates import format_date
from frappe import _

from prepaid_billing.alerts.balances import level_now
from prepaid_billing.alerts.mail import recipients, unreachable
from prepaid_billing.calls import live, recent, stops
from prepaid_billing.calls.booked import bookings_of
from prepaid_billing.calls.pricing import minutes_of, rate_of
from prepaid_billing.display import (
	day_of,
	days_in_words,
	decimals_of,
	length,
	moment,
	money,
	time_of,
	whole,
)
from prepaid_billing.exports.transactions import description
from prepaid_billing.ledger import BalanceView, balance_of, clock, last_entries
from prepaid_billing.ledger.period import zone_of
from prepaid_billing.payments import limits
from prepaid_billing.portal import address, may_pay, payers
from prepaid_billing.portal.figures import language, minutes, number, price_in_words, signed
from prepaid_billing.portal.standing import in_word
from prepaid_billing.rating.price import Rate

ENTRIES = 10
RUNNING = 20
"""Calls in progress that are listed at most; what all of them hold stands above."""

State = tuple[str, str, bool]
"""What stops new calls, the level of the balance, and whether it pays for less than a minute."""


def overview(company: str) -> dict[str, object]:
	"""Return what the balance page shows of a company."""
	view = balance_of(company)
	rate = rate_of(view)
	state = state_now(view, rate)
	stop, level, is_under_a_minute = state
	can_pay, has_limits = may_pay(company), bool(limits.of(view.currency))
	return {
		**figures_now(view, rate, live.running(company, RUNNING), state),
		"is_calling": bool(view.reserved),
		"level": level or "Good",
		"standing": in_word(stop, level, bool(rate)),
		"threshold": money(view.threshold, view.currency) if view.threshold else "",
		**(_warning(company) if view.threshold else {}),
		"is_under_a_minute": is_under_a_minute,
		"price": price_in_words(rate, view.currency),
		**_use(view),
		"entries": _entries(view),
		"blocked": blocked(stop),
		"payers": "" if can_pay else payers(company),
		"may_pay": can_pay,
		"takes_topups": takes_topups(stop) and has_limits,
		"not_set_up": "" if has_limits else str(limits.not_set_up(view.currency)),
		"topup_url": address("/topup", company),
	}


def state_now(view: BalanceView, rate: Rate | None) -> State:
	"""Return what stops new calls, the level of the balance, and whether it pays for less than a minute."""
	is_under_a_minute = bool(rate) and minutes_of(rate, view.available) == 0
	return stops.stop_of(view.company, view.status), level_now(view, rate), is_under_a_minute


def _warning(company: str) -> dict[str, str]:
	"""Return what will happen below the threshold, and where nobody will be warned, the way to change that."""
	change = {"mails_url": address("/settings", company) + "#mails"}
	if unreachable(recipients(company)):
		return {"warning": _("Nobody can be reached by mail, so no warning is sent."), **change}
	if not frappe.db.get_value("Billing Company", company, "mail_low"):
		return {"warning": _("This warning is switched off, so no e-mail is sent."), **change}
	return {"warning": _("Below this we send a warning by e-mail."), "mails_url": ""}


def figures_now(
	view: BalanceView, rate: Rate | None, calls: Sequence[live.Running], state: State
) -> dict[str, object]:
	"""Return in the user's words what changes on the balance page while somebody looks at it.

	``calls`` are those in progress, as many as are listed or more; ``rate`` is today's, ``state`` that of state_now.
	"""
	return {
		# Any change of it makes the page say its status anew.
		"state": " ".join(map(str, state)),
		"available": money(view.available, view.currency),
		"held": money(view.reserved, view.currency),
		"minutes": minutes(rate, view.available),
		"running": [_running(call, view.currency) for call in calls[:RUNNING]],
		"more_running": _more_in_words(view.company, calls),
		"as_of": time_of(clock.local_time(clock.now_us(), zone_of(view.company))),
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
	a_day = recent.per_day(view.company, recently.week)
	days = recent.days_left(view.available, a_day)
	return {
		"days": "" if days is None or view.available <= 0 else days_in_words(days),
		"per_day": money(a_day, view.currency) if a_day else "",
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
		"length": length(call.seconds) if call.is_answered else _("not answered yet"),
		"cost": money(call.cost, currency),
	}


def _more_in_words(company: str, calls: Sequence[live.Running]) -> str:
	"""Say how many calls are in progress beside those listed, or nothing where all are."""
	left = live.how_many(company) - RUNNING if len(calls) >= RUNNING else 0
	if left == 1:
		return _("1 more call")
	return _("{0} more calls").format(whole(left)) if left > 0 else ""


def _entries(view: BalanceView) -> list[dict[str, object]]:
	entries = last_entries(view.company, ENTRIES)
	bookings = bookings_of(entries)
	shown = [amount for entry in entries for amount in (entry.amount, entry.balance_after)]
	decimals = decimals_of(shown, view.currency)
	zone = zone_of(view.company)
	return [
		{
			"date": moment(clock.local_time(entry.booked_us, zone)),
			"iso": clock.iso(entry.booked_us),
			"kind": _(entry.transaction_type),
			"detail": description(entry, bookings.get(entry.name)),
			"amount": signed(entry.amount, view.currency, decimals),
			"is_credit": entry.amount > 0,
			"balance": money(entry.balance_after, view.currency, exact=True, decimals=decimals),
		}
		for entry in entries
	]
