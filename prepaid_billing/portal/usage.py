"""What calls were made: how many, how long and for how much, by day, by hour of day and by length."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from urllib.parse import urlencode

from frappe import _

from prepaid_billing import inputs
from prepaid_billing.calls import usage
from prepaid_billing.calls.usage_figures import Usage
from prepaid_billing.display import calls_in_words, day_of, decimals_of, length, money, month_of, weekday_of
from prepaid_billing.exceptions import InvalidInput
from prepaid_billing.ledger import balance_of
from prepaid_billing.ledger.period import Period, zone_of
from prepaid_billing.portal import ADDRESS, address, argument
from prepaid_billing.portal.figures import number
from prepaid_billing.portal.filter import asked_days, read
from prepaid_billing.usage_period import LAST_7_DAYS, LAST_30_DAYS, LAST_MONTH, PERIODS, THIS_MONTH, chosen

PAGE = "/usage"
DEAREST = 5
"""Days of the list of the dearest ones."""

MOST_DAYS = 92
"""Days that a chart shows one by one: three months. Of a year nobody tells one bar from the next, on a phone least of all."""


def usage_page(company: str) -> dict[str, object]:
	"""Return what the page shows of a company: the period of its address and the calls in it, or why it cannot."""
	page = _Page(company)
	try:
		return page.choice() | page.found()
	except InvalidInput as error:
		return page.choice() | {"error": str(error), "http_status_code": error.http_status_code}


class _Page:
	"""The page of one company, with the period of its address."""

	def __init__(self, company: str) -> None:
		self.company = company
		self.currency = balance_of(company).currency
		self.zone = zone_of(company)
		self.asked = {name: argument(name) or "" for name in ("period", "from_date", "to_date")}
		self.base = address(PAGE, company)

	def url(self, **query: str) -> str:
		"""Return the address of this page for another period."""
		sent = urlencode({name: value for name, value in query.items() if value})
		return f"{self.base}{'&' if '?' in self.base else '?'}{sent}"

	def choice(self) -> dict[str, object]:
		"""Return the periods to choose from, and the form as it was sent."""
		own = bool(self.asked["from_date"] or self.asked["to_date"])
		words = {
			THIS_MONTH: _("This month"),
			LAST_MONTH: _("Last month"),
			LAST_7_DAYS: _("Last 7 days"),
			LAST_30_DAYS: _("Last 30 days"),
		}
		current = "" if own else self.asked["period"] or THIS_MONTH
		files = {"excel": _("Excel (CSV)"), "csv": _("Data (CSV)"), "pdf": _("Report (PDF)")}
		return {
			"asked": self.asked,
			"own": own,
			"zone": self.zone.key,
			"action": ADDRESS + PAGE,
			"periods": [
				{"label": label, "url": self.url(period=name), "is_current": name == current}
				for name, label in words.items()
			],
			"exports": [
				{"label": label, "url": self.url(**self.asked, export=name)} for name, label in files.items()
			],
		}

	def found(self) -> dict[str, object]:
		"""Return the calls of the period. Raises InvalidInput."""
		first, last = asked_days(self.asked)
		word = read(lambda: inputs.optional_choice(self.asked["period"], "period", PERIODS))
		period = chosen(word, first, last, self.zone)
		days = usage.by_day(self.company, period)
		total = usage.total(list(days.values()))
		return {
			"first": day_of(period.first),
			"last": day_of(period.last),
			"figures": self._figures(total),
			"is_empty": not total.calls,
			**(self._charts(period, days, total) if total.calls else {}),
		}

	def _figures(self, total: Usage) -> dict[str, str]:
		return {
			"calls": number(total.calls, "#,##0"),
			"cost": money(total.amount, self.currency),
			"cost_exactly": money(total.amount, self.currency, exact=True),
			"minutes": number(total.minutes, "#,##0"),
			"real": length(total.duration_sec),
			"average": length(total.average_sec),
		}

	def _charts(self, period: Period, days: dict[date, Usage], total: Usage) -> dict[str, object]:
		hours = usage.by_hour(self.company, period)
		dearest = sorted(days.items(), key=lambda item: (-item[1].amount, item[0]))[:DEAREST]
		decimals = decimals_of((part.amount for _day, part in dearest), self.currency)
		return {
			**self._over_time(days),
			"hours": self._bars(
				[(f"{hour:02d}:00", part, Decimal(part.calls)) for hour, part in enumerate(hours)]
			),
			"lengths": _lengths(total),
			"dearest": [
				{
					"day": f"{weekday_of(day)}, {day_of(day)}",
					"calls": number(part.calls, "#,##0"),
					"cost": money(part.amount, self.currency, exact=True, decimals=decimals),
					# Transactions go by the day of booking: the calls of this day are those that began in it.
					"url": self.url(from_date=str(day), to_date=str(day)),
				}
				for day, part in dearest
				if part.calls
			],
		}

	def _over_time(self, days: dict[date, Usage]) -> dict[str, object]:
		"""Return the bars of the days, or of the months where there are more days than bars can be told apart."""
		by_month = len(days) > MOST_DAYS
		parts = _months(days) if by_month else {day_of(day): used for day, used in days.items()}
		highest, most = max(parts.items(), key=lambda part: part[1].amount)
		words = (_("Cost per month"), _("Month")) if by_month else (_("Cost per day"), _("Day"))
		return {
			"parts": self._bars([(label, used, used.amount) for label, used in parts.items()]),
			"parts_title": words[0],
			"part": words[1],
			"highest": (_("{0} in {1}") if by_month else _("{0} on {1}")).format(
				money(most.amount, self.currency), highest
			),
		}

	def _bars(self, parts: list[tuple[str, Usage, Decimal]]) -> list[dict[str, object]]:
		decimals = decimals_of((part.amount for _label, part, _height in parts), self.currency)
		highest = max(height for _label, _part, height in parts) or Decimal(1)
		return [
			{
				"label": label,
				"percent": f"{height * 100 / highest:.2f}",
				"calls": number(part.calls, "#,##0"),
				"calls_in_words": calls_in_words(part.calls),
				"minutes": number(part.minutes, "#,##0.0"),
				"cost": money(part.amount, self.currency, exact=True, decimals=decimals),
				"has_calls": bool(part.calls),
			}
			for label, part, height in parts
		]


def _months(days: dict[date, Usage]) -> dict[str, Usage]:
	months: dict[date, list[Usage]] = {}
	for day, used in days.items():
		months.setdefault(day.replace(day=1), []).append(used)
	return {month_of(first): usage.total(parts) for first, parts in months.items()}


def _lengths(total: Usage) -> list[dict[str, str]]:
	words = {
		"up_to_30s": _("Up to 30 seconds"),
		"up_to_1m": _("Up to 1 minute"),
		"up_to_3m": _("Up to 3 minutes"),
		"up_to_10m": _("Up to 10 minutes"),
		"up_to_30m": _("Up to 30 minutes"),
		"longer": _("Longer"),
	}
	most = max(total.lengths.values())
	return [
		{
			"label": words[name],
			"calls": number(calls, "#,##0"),
			"percent": f"{Decimal(calls) * 100 / most:.2f}",
			"share": number(Decimal(calls) / total.calls, "0 %"),
		}
		for name, calls in total.lengths.items()
	]
