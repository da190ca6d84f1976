"""Usage as a file: a line for each day as a table, and a report of a period to print."""

from __future__ import annotations

from datetime import date

from frappe import _
from werkzeug.wrappers import Response

from prepaid_billing.calls import usage
from prepaid_billing.calls.usage_figures import Usage
from prepaid_billing.display import day_of, decimals_of, length, moment, money, whole
from prepaid_billing.exports import document, file_name, table
from prepaid_billing.ledger import balance_of, clock
from prepaid_billing.ledger.period import Period

COLUMNS = ("day", "calls", "duration_sec", "billed_sec", "amount", "currency")


def as_table(company: str, period: Period, flavour: str) -> Response:
	"""Return a line for each day of a period, as a table for programs or for Excel."""
	currency = balance_of(company).currency
	header = list(COLUMNS) if flavour == table.PLAIN else _header()
	rows = [
		[day, part.calls, part.duration_sec, part.billed_sec, part.amount, currency]
		for day, part in usage.by_day(company, period).items()
	]
	return table.response(flavour, file_name(company, table.named(_("Usage"), flavour), period), header, rows)


def as_report(company: str, period: Period) -> Response:
	"""Return a report of a period as PDF: its sums, and each day with calls."""
	currency = balance_of(company).currency
	days = usage.by_day(company, period)
	decimals = decimals_of((part.amount for part in days.values()), currency)
	return document.response(
		file_name(company, _("Usage"), period),
		"templates/billing/usage_report.html",
		{
			"company": company,
			"first": day_of(period.first),
			"last": day_of(period.last),
			"total": _printed(None, usage.total(list(days.values())), currency, decimals),
			"days": [_printed(day, part, currency, decimals) for day, part in days.items() if part.calls],
			"made": moment(clock.local_time(clock.now_us(), period.zone)),
			"zone": period.zone.key,
			"footer": f"{company}, {day_of(period.first)} – {day_of(period.last)}",
		},
	)


def _printed(day: date | None, part: Usage, currency: str, decimals: int) -> dict[str, object]:
	return {
		"day": day_of(day) if day else "",
		"calls": whole(part.calls),
		"real": length(part.duration_sec),
		"billed": length(part.billed_sec),
		"average": length(part.average_sec),
		"amount": money(part.amount, currency, exact=True, decimals=decimals),
	}


def _header() -> list[str]:
	return [_("Day"), _("Calls"), _("Seconds"), _("Billed seconds"), _("Amount"), _("Currency")]
