"""How many calls, how long and what they cost. DESIGN.md section 9."""

from typing import Any

import frappe
from werkzeug.wrappers import Response

from prepaid_billing import inputs
from prepaid_billing.api.endpoint import endpoint
from prepaid_billing.api.transactions import FORMATS
from prepaid_billing.calls import usage
from prepaid_billing.calls.usage_figures import Usage
from prepaid_billing.exports import table
from prepaid_billing.exports.transactions import PDF
from prepaid_billing.exports.usage import as_report, as_table
from prepaid_billing.ledger import balance_of
from prepaid_billing.ledger.period import Period, zone_of
from prepaid_billing.permissions import MANAGER, STAFF, visible_company
from prepaid_billing.rating.money import as_text
from prepaid_billing.usage_period import PERIODS, chosen


@frappe.whitelist(methods=["GET"])
@endpoint(MANAGER, STAFF, own_company=True)
def summary(company: Any = None, period: Any = None, from_date: Any = None, to_date: Any = None) -> dict:
	"""Return the usage of a period: in all, by day, by hour of day and by length."""
	name, days = _wanted(company, period, from_date, to_date)
	per_day = usage.by_day(name, days)
	total = usage.total([*per_day.values()])
	return {
		"company": name,
		"currency": balance_of(name).currency,
		"from_date": days.first.isoformat(),
		"to_date": days.last.isoformat(),
		"time_zone": days.zone.key,
		**_figures(total),
		"average_sec": total.average_sec,
		"per_day": [{"day": day.isoformat(), **_figures(part)} for day, part in per_day.items()],
		"per_hour": [{"hour": hour, **_figures(part)} for hour, part in enumerate(usage.by_hour(name, days))],
		"per_length": total.lengths,
	}


@frappe.whitelist(methods=["GET"])
@endpoint(MANAGER, STAFF, own_company=True)
def export(
	company: Any = None, period: Any = None, from_date: Any = None, to_date: Any = None, format: Any = None
) -> Response:
	"""Return the usage of each day as a file: ``csv`` (RFC 4180), ``excel`` (CSV as Excel opens it), or ``pdf``."""
	name, days = _wanted(company, period, from_date, to_date)
	kind = inputs.optional_choice(format, "format", FORMATS) or table.PLAIN
	if kind == PDF:
		return as_report(name, days)
	return as_table(name, days, kind)


def _wanted(company: Any, period: Any, from_date: Any, to_date: Any) -> tuple[str, Period]:
	name = visible_company(inputs.optional_company(company), MANAGER, STAFF)
	first, last = inputs.days(from_date, to_date)
	return name, chosen(inputs.optional_choice(period, "period", PERIODS), first, last, zone_of(name))


def _figures(part: Usage) -> dict[str, object]:
	return {
		"calls": part.calls,
		"duration_sec": part.duration_sec,
		"billed_sec": part.billed_sec,
		"minutes": as_text(part.minutes),
		"cost": as_text(part.amount),
	}
