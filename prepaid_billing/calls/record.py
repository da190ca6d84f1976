"""The Call Charge row: reading it, writing it, and its rate snapshot."""

import json
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields, replace
from decimal import Decimal

import frappe

from prepaid_billing.calls.report import Report
from prepaid_billing.ledger import clock, rows
from prepaid_billing.rating.money import ZERO, from_database
from prepaid_billing.rating.price import Rate
from prepaid_billing.rating.pricelist import PricedRate

OPEN = ("Authorized", "Active")

_AMOUNTS = "reserved_amount amount refunded_amount refund_percent rate_per_minute connection_fee minimum_charge".split()
_COLUMNS = f"""
	name call_id company status caller callee requested_seconds duration_sec duration_from cdr_revision
	end_duration_sec granted_seconds used_seconds request_number expires_us currency bookings not_billable overrun
	review reviewed_by refund_reason refund_note rate billing_increment minimum_duration answers {" ".join(_AMOUNTS)}
""".split()
# One column of JSON: PyMySQL reads a description of each column, which for so many took a fifth of a request.
_ROW = "JSON_OBJECT(" + ", ".join(f"'{column}', `{column}`" for column in _COLUMNS) + ")"
_LOCK = f"SELECT {_ROW} FROM `tabCall Charge` WHERE name = %s FOR UPDATE"
_IS_THERE = "SELECT 1 FROM `tabCall Charge` WHERE call_id = %s"
_FIND = f"SELECT {_ROW} FROM `tabCall Charge` WHERE call_id IN %s"


@dataclass(frozen=True, slots=True)
class Call:
	"""A call as stored. Durations are seconds, amounts major units of ``currency``, the rate its own snapshot."""

	name: str
	call_id: str
	company: str
	currency: str
	rate: Rate
	rate_name: str
	status: str = ""
	caller: str = ""
	callee: str = ""
	requested_seconds: int = 0
	duration_sec: int = 0
	duration_from: str = ""
	cdr_revision: int = 0
	end_duration_sec: int = 0
	granted_seconds: int = 0
	used_seconds: int = 0
	request_number: int = 0
	expires_us: int = 0
	reserved_amount: Decimal = ZERO
	amount: Decimal = ZERO
	bookings: int = 0
	refunded_amount: Decimal = ZERO
	refund_percent: Decimal = ZERO
	not_billable: int = 0
	overrun: int = 0
	review: str = ""
	reviewed_by: str = ""
	refund_reason: str = ""
	refund_note: str = ""
	answers: dict[str, dict] | None = None

	@property
	def is_open(self) -> bool:
		"""Whether the call is still running as far as we know."""
		return self.status in OPEN

	@property
	def length(self) -> Report:
		"""The best that is known about its length."""
		return Report(self.duration_from, self.duration_sec, self.cdr_revision)

	def answer(self, request: str) -> dict[str, object] | None:
		"""Return the stored answer to a request of the gateway, or None where it was not made."""
		return (self.answers or {}).get(request)


_FIELDS = frozenset(field.name for field in fields(Call))
_PLAIN = _FIELDS - {"rate", "rate_name", "answers"}
_EMPTY = {field.name: "" if field.default is MISSING else field.default for field in fields(Call)}


def changed(call: Call, columns: dict[str, object]) -> Call:
	"""Return the call as it stands when these columns are written."""
	# The column "rate" is the name of a Billing Rate, the call's own rate is its snapshot.
	return replace(call, **{name: value for name, value in columns.items() if name in _FIELDS - {"rate"}})


def find(call_id: str) -> Call | None:
	"""Return the call with this id, without a lock."""
	# Most are not there yet, and reading the names of so many columns takes longer than looking.
	return find_all([call_id]).get(call_id) if frappe.db.sql(_IS_THERE, (call_id,)) else None


def find_all(call_ids: Sequence[str]) -> dict[str, Call]:
	"""Return the calls with these ids, by id, without a lock."""
	calls = [_call(row) for (row,) in frappe.db.sql(_FIND, (call_ids,))]
	return {call.call_id: call for call in calls}


def lock(name: str) -> Call:
	"""Lock the call of this name and return it. Its balance must be locked before: balance, then call."""
	return _call(frappe.db.sql(_LOCK, (name,))[0][0])


def insert(now_us: int, *calls: dict[str, object]) -> None:
	"""Insert calls, columns alike. Raises the database's error where a call_id is taken."""
	rows.insert("Call Charge", now_us, *(_plain(columns) for columns in calls))


def update(name: str, columns: dict[str, object]) -> None:
	"""Write columns of a call whose balance is locked."""
	rows.update("Call Charge", name, _plain(columns))


def snapshot(priced: PricedRate) -> dict[str, object]:
	"""Return the columns that keep the price of a call, whatever becomes of the Billing Rate."""
	return {
		"rate": priced.name,
		"rate_per_minute": priced.rate.rate_per_minute,
		"billing_increment": priced.rate.billing_increment,
		"minimum_duration": priced.rate.minimum_duration,
		"connection_fee": priced.rate.connection_fee,
		"minimum_charge": priced.rate.minimum_charge,
	}


def times(**instants: int | None) -> dict[str, object]:
	"""Return Datetime columns of those instants (UTC microseconds) that are known."""
	return {name: clock.site_time(instant) for name, instant in instants.items() if instant is not None}


def _plain(columns: dict[str, object]) -> dict[str, object]:
	return {name: json.dumps(value) if isinstance(value, dict) else value for name, value in columns.items()}


def _call(text: str) -> Call:
	row = json.loads(text, parse_float=Decimal)
	amounts = {column: from_database(row[column]) for column in _AMOUNTS}
	return Call(
		rate=Rate(
			amounts["rate_per_minute"],
			row["billing_increment"] or 1,
			row["minimum_duration"],
			amounts["connection_fee"],
			amounts["minimum_charge"],
		),
		rate_name=row["rate"] or "",
		answers=json.loads(row["answers"] or "{}"),
		**{name: amounts.get(name, row[name] or _EMPTY[name]) for name in _PLAIN},
	)
