"""The history of a balance as a file: every entry as a table, and a statement of a period to print."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from zoneinfo import ZoneInfo

import frappe
from frappe import _
from werkzeug.wrappers import Response

from prepaid_billing import settings
from prepaid_billing.brand import operator
from prepaid_billing.calls.booked import Booking, bookings_of
from prepaid_billing.display import day_of, decimals_of, moment, money, transactions_in_words, whole
from prepaid_billing.exceptions import InvalidInput
from prepaid_billing.exports import document, file_name, table
from prepaid_billing.exports.table import Cell, Instant
from prepaid_billing.ledger import balance_of, clock, statement
from prepaid_billing.ledger.period import Period
from prepaid_billing.ledger.statement import CALLS, MONEY_IN, Stretch
from prepaid_billing.payments import receipts
from prepaid_billing.payments.reasons import claim_in_words
from prepaid_billing.rating.money import ZERO

PDF = "pdf"
MOST_PRINTED = 1_000
"""Entries of a statement: about thirty pages. More are read by programs, not by people."""

MOST_ROWS = 250_000
"""Entries of a table: what a web server sends before it takes the request for a hung one."""

# What they carry is a code of Stripe's, or what staff wrote among themselves.
_CLAIMS = ("Refund", "Dispute", "Dispute Reversal")

COLUMNS = (
	*("sequence", "booked_at", "type", "description", "amount", "balance_after", "currency"),
	*(
		"call_id",
		"caller",
		"callee",
		"call_started_at",
		"duration_sec",
		"billed_sec",
		"rate_per_minute",
		"topup",
		"receipt",
	),
)


def as_table(wanted: Stretch, period: Period, flavour: str) -> Response:
	"""Return all entries, oldest first, as a table for programs or for Excel. Raises InvalidInput."""
	check_length(statement.sums(wanted), flavour)
	header = list(COLUMNS) if flavour == table.PLAIN else _header()
	name = file_name(wanted.company, table.named(_("Transactions"), flavour), period)
	return table.response(flavour, name, header, _rows(wanted, period.zone, flavour))


def as_statement(wanted: Stretch, period: Period) -> Response:
	"""Return a statement of a period as PDF, with what stood at its beginning and at its end. Raises InvalidInput."""
	sums = statement.sums(wanted)
	check_length(sums, PDF)
	name = file_name(wanted.company, _("Statement"), period)
	return document.response(name, "templates/billing/statement.html", _statement(wanted, period, sums))


def check_length(sums: statement.Sums, kind: str) -> None:
	"""Raise InvalidInput for more entries than a statement on paper (PDF) or a table can hold."""
	entries = sum(total.entries for total in sums.values())
	if fits(entries, kind):
		return
	if kind == PDF:
		raise InvalidInput(
			_(
				"A statement as PDF holds up to {0} transactions; this one has {1}. Choose a shorter period, or a table (CSV)."
			).format(whole(MOST_PRINTED), whole(entries))
		)
	raise InvalidInput(
		_("A table holds up to {0} transactions; this one has {1}. Choose a shorter period.").format(
			whole(MOST_ROWS), whole(entries)
		)
	)


def fits(entries: int, kind: str) -> bool:
	"""Whether a statement on paper (PDF) or a table can hold so many entries."""
	return entries <= (MOST_PRINTED if kind == PDF else MOST_ROWS)


def group_sums(sums: statement.Sums) -> dict[str, tuple[int, Decimal]]:
	"""Return count and amount of money in, calls and all else, and of everything."""
	groups = {"money_in": MONEY_IN, "calls": CALLS, "other": statement.OTHER, "all": statement.TYPES}
	return {
		group: (
			sum(sums[kind].entries for kind in kinds if kind in sums),
			sum((sums[kind].amount for kind in kinds if kind in sums), ZERO),
		)
		for group, kinds in groups.items()
	}


def description(entry: frappe._dict, booking: Booking | None) -> str:
	"""Return what people read beside the type of an entry; ``booking`` is what it stands for where it books a call."""
	if booking:
		return booking.description
	if entry.transaction_type in _CLAIMS:
		return claim_in_words(entry.description)
	# Of a top-up the type says it.
	return "" if entry.transaction_type == "Top-up" else entry.description or ""


def call_in_words(booking: Booking, whom: str = "") -> str:
	"""Return that a call was made, to ``whom`` where that says more than the number.

	A text that begins with a number begins with its plus, and would have to be kept from being taken for a formula.
	"""
	if booking.callee:
		return _("Call to {0}").format(whom or booking.callee)
	return _("Call {0}").format(whom or booking.call_id)


def _statement(wanted: Stretch, period: Period, sums: statement.Sums) -> dict[str, object]:
	currency = balance_of(wanted.company).currency
	opening, closing = statement.balances(wanted)
	entries = [entry for window in statement.in_order(wanted) for entry in window]
	bookings = bookings_of(entries)
	groups = group_sums(sums)
	decimals = decimals_of(
		[
			*(opening, closing, *(amount for _count, amount in groups.values())),
			*(amount for entry in entries for amount in (entry.amount, entry.balance_after)),
		],
		currency,
	)
	return {
		"company": wanted.company,
		"customer": frappe.db.get_value(
			"Billing Company", wanted.company, ["address", "vat_id"], as_dict=True
		),
		"operator": {
			"name": operator(),
			**{name: settings.get(f"seller_{name}") or "" for name in ("address", "vat_id")},
		},
		"first": day_of(period.first),
		"last": day_of(period.last),
		"opening": money(opening, currency, exact=True, decimals=decimals),
		"closing": money(closing, currency, exact=True, decimals=decimals),
		"kind": _(wanted.kinds[0]) if wanted.kinds else "",
		"groups": {
			group: {
				"entries": transactions_in_words(count),
				"amount": money(amount, currency, exact=True, decimals=decimals),
			}
			for group, (count, amount) in groups.items()
		},
		"entries": [_printed(entry, bookings.get(entry.name), period.zone, decimals) for entry in entries],
		"made": moment(clock.local_time(clock.now_us(), period.zone)),
		"zone": period.zone.key,
		"footer": f"{wanted.company}, {day_of(period.first)} – {day_of(period.last)}",
	}


def _printed(
	entry: frappe._dict, booking: Booking | None, zone: ZoneInfo, decimals: int
) -> dict[str, object]:
	return {
		"date": moment(clock.local_time(entry.booked_us, zone)),
		"began": moment(clock.local_time(booking.started_us, zone)) if booking else "",
		"kind": _(entry.transaction_type),
		"description": description(entry, booking),
		"amount": money(entry.amount, entry.currency, exact=True, decimals=decimals),
		"balance": money(entry.balance_after, entry.currency, exact=True, decimals=decimals),
	}


def _rows(wanted: Stretch, zone: ZoneInfo, flavour: str) -> Iterator[list[Cell]]:
	for window in statement.in_order(wanted):
		bookings = bookings_of(window)
		documents = receipts.of_entries(window)
		for entry in window:
			booking = bookings.get(entry.name)
			document = documents.get((entry.reference_name, entry.amount > 0))
			kind = entry.transaction_type if flavour == table.PLAIN else _(entry.transaction_type)
			yield [
				*(entry.sequence, Instant(entry.booked_us, zone), kind),
				call_in_words(booking, booking.description) if booking else description(entry, None),
				*(entry.amount, entry.balance_after, entry.currency),
				*_call(booking, zone),
				entry.reference_name if entry.reference_doctype == "Balance Topup" else None,
				document.receipt_number if document else None,
			]


def _call(booking: Booking | None, zone: ZoneInfo) -> list[Cell]:
	if not booking:
		return [None] * 7
	return [
		*(booking.call_id, booking.caller, booking.callee, Instant(booking.started_us, zone)),
		*(booking.duration_sec, booking.billed_sec, booking.rate_per_minute),
	]


def _header() -> list[str]:
	return [
		*(_("No."), _("Booked at"), _("Transaction"), _("Description"), _("Amount"), _("Balance after")),
		*(
			_("Currency"),
			_("Call"),
			_("Caller"),
			_("Callee"),
			_("Call began at"),
			_("Seconds"),
			_("Billed seconds"),
		),
		*(_("Rate per minute"), _("Top-up"), _("Receipt Number")),
	]
