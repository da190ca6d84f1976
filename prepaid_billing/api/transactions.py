"""The history of a balance, newest first, and as a file. DESIGN.md section 9."""

from typing import Any

import frappe
from werkzeug.wrappers import Response

from prepaid_billing import inputs
from prepaid_billing.api.endpoint import endpoint
from prepaid_billing.calls.booked import Booking, bookings_of
from prepaid_billing.exports import table
from prepaid_billing.exports.transactions import PDF, as_statement, as_table, description, group_sums
from prepaid_billing.ledger import balance_of, clock, statement
from prepaid_billing.ledger.period import Period, zone_of
from prepaid_billing.ledger.statement import TYPES, Stretch
from prepaid_billing.permissions import MANAGER, STAFF, visible_company
from prepaid_billing.rating.money import as_text

USUAL, MOST = 50, 500
"""Rows of one answer."""

FORMATS = (table.PLAIN, table.EXCEL, PDF)


@frappe.whitelist(methods=["GET"])
@endpoint(MANAGER, STAFF, own_company=True)
def list(  # the name that the API gives it
	company: Any = None,
	from_date: Any = None,
	to_date: Any = None,
	type: Any = None,
	cursor: Any = None,
	limit: Any = None,
) -> dict:
	"""Return entries, newest first, what to send as ``cursor`` for those before them, and the sums of all."""
	wanted, _period = _wanted(company, from_date, to_date, type)
	most = min(inputs.whole_number(USUAL if limit is None else limit, "limit", least=1), MOST)
	before = None if cursor is None else inputs.whole_number(cursor, "cursor", least=1)
	found = statement.entries(wanted, most + 1, before)
	bookings = bookings_of(found)
	rows = [_row(entry, bookings.get(entry.name)) for entry in found[:most]]
	return {
		"company": wanted.company,
		"currency": balance_of(wanted.company).currency,
		"rows": rows,
		"next_cursor": str(rows[-1]["sequence"]) if len(found) > most else None,
		"totals": {
			group: {"entries": count, "amount": as_text(amount)}
			for group, (count, amount) in group_sums(statement.sums(wanted)).items()
		},
	}


@frappe.whitelist(methods=["GET"])
@endpoint(MANAGER, STAFF, own_company=True)
def export(
	company: Any = None, from_date: Any = None, to_date: Any = None, type: Any = None, format: Any = None
) -> Response:
	"""Return the entries as a file: ``csv`` (RFC 4180), ``excel`` (CSV as Excel opens it), or ``pdf``, a statement."""
	wanted, period = _wanted(company, from_date, to_date, type)
	chosen = inputs.optional_choice(format, "format", FORMATS) or table.PLAIN
	if chosen == PDF:
		return as_statement(wanted, period)
	return as_table(wanted, period, chosen)


def _wanted(company: Any, from_date: Any, to_date: Any, kind: Any) -> tuple[Stretch, Period]:
	"""Return the entries that a request is about, and the days that they span."""
	name = visible_company(inputs.optional_company(company), MANAGER, STAFF)
	first, last = inputs.days(from_date, to_date)
	chosen = inputs.optional_choice(kind, "type", TYPES)
	zone = zone_of(name)
	wanted = statement.between(name, first, last, zone, (chosen,) if chosen else ())
	return wanted, statement.named(wanted, first, last, zone)


def _row(entry: frappe._dict, booking: Booking | None) -> dict[str, object]:
	row = {
		"transaction": entry.name,
		"sequence": entry.sequence,
		"type": entry.transaction_type,
		"booked_at": clock.iso(entry.booked_us),
		"description": description(entry, booking),
		"amount": as_text(entry.amount),
		"balance_after": as_text(entry.balance_after),
		"topup": entry.reference_name if entry.reference_doctype == "Balance Topup" else None,
		"call": None,
	}
	if booking:
		row["call"] = {
			"call_id": booking.call_id,
			"caller": booking.caller,
			"callee": booking.callee,
			"started_at": clock.iso(booking.started_us),
			"duration_sec": booking.duration_sec,
			"billed_sec": booking.billed_sec,
			"rate_per_minute": as_text(booking.rate_per_minute),
		}
	return row
