"""The history of a balance: by days, whose calls open one by one, or entry by entry, with the sums of all of it."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlencode

import frappe
from frappe import _

from prepaid_billing import inputs
from prepaid_billing.calls.booked import Booking, bookings_of
from prepaid_billing.display import (
	calls_in_words,
	day_of,
	decimals_of,
	length,
	moment,
	money,
	month_of,
	time_of,
	transactions_in_words,
	weekday_of,
	whole,
)
from prepaid_billing.exceptions import InvalidInput
from prepaid_billing.exports import table
from prepaid_billing.exports.transactions import (
	PDF,
	call_in_words,
	check_length,
	description,
	fits,
	group_sums,
)
from prepaid_billing.ledger import balance_of, clock, statement
from prepaid_billing.ledger.checkpoints import Sum
from prepaid_billing.ledger.period import Period, zone_of
from prepaid_billing.ledger.statement import CALLS, MONEY_IN, OTHER, TYPES, Day, Stretch
from prepaid_billing.payments import receipts
from prepaid_billing.portal import ADDRESS, address, argument
from prepaid_billing.portal.figures import signed
from prepaid_billing.portal.filter import asked_days, read
from prepaid_billing.rating.money import N_

PAGE = "/transactions"
BY_DAY, BY_ENTRY = "days", "entries"
DAYS, ENTRIES = 14, 50
"""What one page shows."""

_PAID = N_("paid from the balance")
"""What paid for nearly every call."""

_MOST_OTHERS = 200
_FILTER = ("from_date", "to_date", "type", "view")


def transactions(company: str) -> dict[str, object]:
	"""Return what the page shows of a company: the filter of its address, and what it finds, or why it cannot."""
	page = _Page(company)
	try:
		return page.filter() | page.found()
	except InvalidInput as error:
		return page.filter() | {"error": str(error), "http_status_code": error.http_status_code}


class _Page:
	"""The page of one company, with the filter of its address."""

	def __init__(self, company: str) -> None:
		self.company = company
		self.currency = balance_of(company).currency
		self.zone = zone_of(company)
		self.asked = {name: argument(name) or "" for name in _FILTER}
		self.base = address(PAGE, company)
		self.files = {
			table.EXCEL: _("Excel (CSV)"),
			table.PLAIN: _("Data (CSV)"),
			PDF: _("Statement (PDF)"),
		}

	def url(self, **changes: str) -> str:
		"""Return the address of this page with another filter, or further on."""
		query = urlencode({name: value for name, value in {**self.asked, **changes}.items() if value})
		return f"{self.base}{'&' if '?' in self.base else '?'}{query}" if query else self.base

	def filter(self) -> dict[str, object]:
		"""Return the form as it was sent, also where it cannot be understood, and the ways on."""
		view = BY_ENTRY if self.asked["type"] or self.asked["view"] == BY_ENTRY else BY_DAY
		views = {BY_DAY: _("By day"), BY_ENTRY: _("Single entries")}
		return {
			"asked": self.asked,
			"view": view,
			"zone": self.zone.key,
			"action": ADDRESS + PAGE,
			"is_filtered": any(self.asked[name] for name in ("from_date", "to_date", "type")),
			"clear_url": self.url(from_date="", to_date="", type=""),
			"newest_url": self.url(),
			"types": [{"value": name, "label": _(name)} for name in TYPES],
			"views": [
				{
					"label": label,
					"url": self.url(view="" if name == BY_DAY else name, type=""),
					"is_current": name == view,
				}
				for name, label in views.items()
			],
			"exports": [{"label": label, "url": self.url(export=name)} for name, label in self.files.items()],
		}

	def found(self) -> dict[str, object]:
		"""Return the entries that the filter finds, and their sums. Raises InvalidInput."""
		first, last = asked_days(self.asked)
		kind = read(
			lambda: inputs.optional_choice(self.asked["type"], "type", TYPES),
			_("Choose a type from the list."),
		)
		by_entry = read(self._view) == BY_ENTRY
		before = read(self._cursor)
		export = read(lambda: inputs.optional_choice(argument("export"), "export", self.files))
		wanted = statement.between(self.company, first, last, self.zone, (kind,) if kind else ())
		sums = statement.sums(wanted)
		return {
			**(self.too_long(wanted, first, last, sums, export) if export else {}),
			**(self.entries(wanted, before) if kind or by_entry else self.days(wanted, before)),
			"is_continued": before is not None,
			"period": _period_in_words(first, last),
			"sums": _sums(sums, self.currency),
		}

	def _view(self) -> str | None:
		return inputs.optional_choice(self.asked["view"], "view", (BY_DAY, BY_ENTRY))

	def _cursor(self) -> int | None:
		cursor = argument("cursor")
		return inputs.whole_number(cursor, "cursor", least=1) if cursor else None

	def too_long(
		self, wanted: Stretch, first: date | None, last: date | None, sums: statement.Sums, export: str
	) -> dict[str, object]:
		"""Return why the file that is asked for cannot be made, and the shorter periods of which it can be."""
		try:
			check_length(sums, export)
		except InvalidInput as error:
			named = statement.named(wanted, first, last, self.zone)
			if named.first == named.last:
				return {"too_long": _of_a_day(error, sums), "http_status_code": error.http_status_code}
			parts = named.parts
			found = zip(parts, statement.counts(wanted, parts), strict=True)
			shorter = [self._shorter(part, entries, export) for part, entries in found if entries]
			return {"too_long": str(error), "shorter": shorter[::-1]}
		return {}

	def _shorter(self, part: Period, entries: int, export: str) -> dict[str, str]:
		"""Return a part of the period: a link to its file, or to its own parts where it is too long as well.

		Of a day that no file holds there is none, but what shows it.
		"""
		days = {"from_date": str(part.first), "to_date": str(part.last)}
		url = self.url(**days, export=export)
		if fits(entries, export):
			file = self.files[export]
		elif part.first != part.last:
			file = _("choose a month") if part.first.month != part.last.month else _("choose a day")
		elif fits(entries, table.EXCEL):
			url, file = self.url(**days, export=table.EXCEL), self.files[table.EXCEL]
		else:
			url, file = "", _too_many()
		return {
			"label": _part_in_words(part),
			"entries": transactions_in_words(entries),
			"file": file,
			"url": url,
		}

	def entries(self, wanted: Stretch, before: int | None) -> dict[str, object]:
		"""Return a page of single entries."""
		found = statement.entries(wanted, ENTRIES + 1, before)
		rows = found[:ENTRIES]
		shown = self._written(self._rows(rows))
		return {
			"entries": shown,
			"paid_from": _said_once(shown),
			"older_url": self._older(rows, len(found) > ENTRIES),
		}

	def days(self, wanted: Stretch, before: int | None) -> dict[str, object]:
		"""Return a page of days; the calls of one of them are open."""
		days = statement.days(wanted, self.zone, DAYS, before)
		opened = read(lambda: inputs.optional_date(argument("open"), "open"))
		others = self._others(days)
		closing = statement.balances_at(self.company, [day.entries.upto for day in days])
		shown = [
			{
				**self._day(day, others.get(day.day, []), day.day == opened),
				"balance": closing[day.entries.upto],
			}
			for day in days
		]
		self._written([row for day in shown for row in (day, *day["others"], *day["opened"])])
		is_more = bool(days) and days[-1].entries.after > wanted.after
		return {
			"days": shown,
			"older_url": self.url(cursor=str(days[-1].entries.after + 1)) if is_more else "",
		}

	def _written(self, rows: list[dict[str, object]]) -> list[dict[str, object]]:
		"""Write the amounts of a table's rows, all with the decimals that the longest of them needs."""
		shown = [row[name] for row in rows for name in ("amount", "balance") if name in row]
		decimals = decimals_of(shown, self.currency)
		for row in rows:
			row["amount"] = signed(row["amount"], self.currency, decimals)
			if "balance" in row:
				row["balance"] = money(row["balance"], self.currency, exact=True, decimals=decimals)
		return rows

	def _others(self, days: list[Day]) -> dict[date, list[dict[str, object]]]:
		"""Return the entries that are no calls, by day: few, and each of interest."""
		if not any(set(day.sums) - set(CALLS) for day in days):
			return {}
		whole = Stretch(self.company, days[-1].entries.after, days[0].entries.upto, (*MONEY_IN, *OTHER))
		found: dict[date, list[dict[str, object]]] = {}
		for row in self._rows(statement.entries(whole, _MOST_OTHERS)):
			found.setdefault(row["day"], []).append(row)
		return found

	def _day(self, day: Day, others: list[dict[str, object]], is_open: bool) -> dict[str, object]:
		calls = day.sums.get("Call Charge", Sum())
		cost = calls.amount + day.sums.get("Call Correction", Sum()).amount
		corrections = day.sums.get("Call Correction", Sum()).entries
		opened = self._opened(day) if is_open else []
		in_all = sum(total.entries for kind, total in day.sums.items() if kind not in CALLS)
		iso = day.day.isoformat()
		return {
			"id": f"day-{iso}",
			"date": day_of(day.day),
			"weekday": weekday_of(day.day),
			"others": others,
			"others_left": _more_in_words(in_all - len(others)),
			"has_calls": bool(calls.entries or corrections),
			"calls": self._calls_in_words(calls.entries, corrections),
			"amount": cost,
			"is_credit": cost > 0,
			"is_open": is_open,
			"toggle_url": self._place(f"day-{iso}", "" if is_open else iso),
			"opened": opened,
			"paid_from": _said_once(opened),
			"usual": _(_PAID),
			"says_payments": any(row["call"] and row["call"]["paid_from"] for row in opened),
			"all_url": self.url(view=BY_ENTRY, from_date=iso, to_date=iso),
			"shown": ENTRIES,
			"is_long": calls.entries + corrections > ENTRIES,
		}

	def _place(self, anchor: str, opened: str) -> str:
		cursor = argument("cursor") or ""
		return f"{self.url(open=opened, cursor=cursor)}#{anchor}"

	def _calls_in_words(self, calls: int, corrections: int) -> str:
		words = []
		if calls:
			words.append(calls_in_words(calls))
		if corrections:
			words.append(
				_("1 correction") if corrections == 1 else _("{0} corrections").format(whole(corrections))
			)
		return ", ".join(words)

	def _opened(self, day: Day) -> list[dict[str, object]]:
		stretch = Stretch(self.company, day.entries.after, day.entries.upto, CALLS)
		entries = statement.entries(stretch, ENTRIES)
		bookings = bookings_of(entries)
		decimals = decimals_of((booking.rate_per_minute for booking in bookings.values()), self.currency)
		rows = []
		for entry in entries:
			booking = bookings.get(entry.name)
			began_us = booking.started_us if booking else entry.booked_us
			began = {"iso": clock.iso(began_us), "time": self._time(began_us, day.day)}
			rows.append({**self._in_short(entry, booking, decimals), **began})
		return rows

	def _time(self, instant_us: int, day: date) -> str:
		"""Return the time of day of an instant, with its date where that is not the one of ``day``."""
		local = clock.local_time(instant_us, self.zone)
		return time_of(local) if local.date() == day else moment(local)

	def _older(self, rows: list[frappe._dict], is_more: bool) -> str:
		return self.url(cursor=str(rows[-1].sequence)) if is_more else ""

	def _rows(self, entries: list[frappe._dict]) -> list[dict[str, object]]:
		bookings = bookings_of(entries)
		documents = receipts.of_entries(entries)
		return [
			self._row(
				entry, bookings.get(entry.name), documents.get((entry.reference_name, entry.amount > 0))
			)
			for entry in entries
		]

	def _row(
		self, entry: frappe._dict, booking: Booking | None, document: frappe._dict | None
	) -> dict[str, object]:
		local = clock.local_time(entry.booked_us, self.zone)
		return {
			**self._in_short(entry, booking),
			"iso": clock.iso(entry.booked_us),
			"time": time_of(local),
			"day": local.date(),
			"date": moment(local),
			"began": self._time(booking.started_us, local.date()) if booking else "",
			"title": call_in_words(booking) if booking else "",
			"detail": "" if booking else description(entry, None),
			"balance": entry.balance_after,
			"receipt_url": _receipt_url(document.name) if document else "",
			"document": receipts.title(document) if document else "",
		}

	def _in_short(self, entry: frappe._dict, booking: Booking | None, decimals: int = 0) -> dict[str, object]:
		"""Return what the calls of an opened day are told with, their prices with at least so many decimals."""
		return {
			"kind": _(entry.transaction_type),
			"is_correction": entry.transaction_type == "Call Correction",
			"amount": entry.amount,
			"is_credit": entry.amount > 0,
			"call": self._call(entry, booking, decimals) if booking else None,
		}

	def _call(self, entry: frappe._dict, call: Booking, decimals: int) -> dict[str, object]:
		written = _difference if entry.transaction_type == "Call Correction" else length
		return {
			"number": call.callee or call.call_id,
			"caller": call.caller,
			"real": written(call.duration_sec),
			"billed": written(call.billed_sec),
			"has_length": bool(call.duration_sec or call.billed_sec),
			"reason": call.reason,
			"rate": money(call.rate_per_minute, self.currency, exact=True, decimals=decimals),
			"paid_from": _paid_from(entry),
		}


def _more_in_words(left: int) -> str:
	if left == 1:
		return _("1 more transaction")
	return _("{0} more transactions").format(whole(left)) if left else ""


def _difference(seconds: int) -> str:
	"""Return by how much a length was corrected, such as ``+1:05`` or ``-0:10`` (with a minus sign), and a dash where it stayed."""
	return f"{'+' if seconds > 0 else '−'}{length(abs(seconds))}" if seconds else "–"


def _period_in_words(first: date | None, last: date | None) -> str:
	"""Say which days the filter takes: a browser shows the fields by its own pattern, which may not be the user's."""
	if first and last:
		return _("{0} to {1}").format(day_of(first), day_of(last))
	if first:
		return _("From {0}").format(day_of(first))
	return _("Up to {0}").format(day_of(last)) if last else ""


def _part_in_words(part: Period) -> str:
	"""Say which year, month or day of the period it is; the filter above says where the period itself ends."""
	if part.first == part.last:
		return day_of(part.first)
	is_within_a_month = (part.first.year, part.first.month) == (part.last.year, part.last.month)
	return month_of(part.first) if is_within_a_month else str(part.first.year)


def _of_a_day(error: InvalidInput, sums: statement.Sums) -> str:
	"""Say why a day is in no file of the kind asked for: of what no table holds, no shorter period can be chosen."""
	entries = sum(total.entries for total in sums.values())
	return str(error) if fits(entries, table.EXCEL) else f"{transactions_in_words(entries)}: {_too_many()}."


def _too_many() -> str:
	return _("too many for a file; choose a type above, or look at the single entries")


def _paid_from(entry: frappe._dict) -> str:
	"""Say which money a booking of a call took or gave: there is one balance, and what it owes below zero."""
	if entry.amount > 0:
		return _("given back to the balance")
	if entry.balance_after >= 0:
		return _(_PAID)
	if entry.balance_after - entry.amount <= 0:
		return _("owed, because the balance was used up")
	return _("paid from the balance in part, the rest is owed")


def _said_once(rows: list[dict[str, object]]) -> str:
	"""Return in a sentence that the balance paid, and leave it out of the rows, where it did for two calls or more.

	It alone is the rule: what is owed or given back is said where it is so. Corrections are no calls, but follow it.
	"""
	usual = _(_PAID)
	told = [(row["call"], row["is_correction"]) for row in rows if row["call"]]
	if sum(call["paid_from"] == usual for call, is_correction in told if not is_correction) < 2:
		return ""
	is_all = all(call["paid_from"] == usual for call, _is_correction in told)
	for call, _is_correction in told:
		call["paid_from"] = "" if call["paid_from"] == usual else call["paid_from"]
	words = _("Payment of all calls shown: {0}.") if is_all else _("Payment where none is stated: {0}.")
	return words.format(usual)


def _sums(sums: statement.Sums, currency: str) -> dict[str, dict[str, str]]:
	groups = group_sums(sums)
	decimals = decimals_of((amount for _count, amount in groups.values()), currency)
	return {
		group: {"entries": transactions_in_words(count), "amount": signed(amount, currency, decimals)}
		for group, (count, amount) in groups.items()
	}


def _receipt_url(document: str) -> str:
	method = "/api/method/prepaid_billing.api.receipts.download"
	return f"{method}?{urlencode({'receipt': document})}"
