"""The Call Charge row: reading it under a lock, writing it, and its rate snapshot."""

import json
from dataclasses import dataclass
from decimal import Decimal

import frappe

from prepaid_billing.ledger import clock
from prepaid_billing.ledger.balance import new_name
from prepaid_billing.rating.money import from_database
from prepaid_billing.rating.price import Rate

OPEN = ("Authorized", "Active")

_COLUMNS = """
	name, call_id, company, status, caller, callee, requested_seconds, duration_sec, granted_seconds,
	used_seconds, expires_us, currency, CAST(reserved_amount AS CHAR) AS reserved_amount,
	CAST(amount AS CHAR) AS amount,
	CAST(rate_per_minute AS CHAR) AS rate_per_minute, billing_increment, minimum_duration,
	CAST(connection_fee AS CHAR) AS connection_fee, CAST(minimum_charge AS CHAR) AS minimum_charge, answers
"""
_LOCK = f"SELECT {_COLUMNS} FROM `tabCall Charge` WHERE name = %s FOR UPDATE"
_FIND = f"SELECT {_COLUMNS} FROM `tabCall Charge` WHERE call_id = %s"


@dataclass(frozen=True, slots=True)
class Call:
	"""A call as stored. Durations are seconds, amounts major units of ``currency``."""

	name: str
	call_id: str
	company: str
	status: str
	caller: str
	callee: str
	requested_seconds: int
	duration_sec: int
	granted_seconds: int
	used_seconds: int
	expires_us: int
	currency: str
	reserved: Decimal
	amount: Decimal
	rate: Rate
	answers: dict[str, dict]

	@property
	def is_open(self) -> bool:
		"""Whether the call is still running as far as we know."""
		return self.status in OPEN


def find(call_id: str) -> Call | None:
	"""Return the call with this id, without a lock."""
	rows = frappe.db.sql(_FIND, (call_id,), as_dict=True)
	return _call(rows[0]) if rows else None


def lock(name: str) -> Call:
	"""Lock the call of this name and return it. Its balance must be locked before: balance, then call."""
	return _call(frappe.db.sql(_LOCK, (name,), as_dict=True)[0])


def insert(values: dict[str, object]) -> str:
	"""Insert a call and return its name. Raises the database's error where the call_id is taken."""
	now = clock.site_time(clock.now_us())
	row = {
		"name": new_name(),
		"creation": now,
		"modified": now,
		"owner": frappe.session.user,
		"modified_by": frappe.session.user,
		**values,
	}
	table = frappe.qb.DocType("Call Charge")
	frappe.qb.into(table).columns(*row).insert(*(_plain(value) for value in row.values())).run()
	return str(row["name"])


def update(name: str, values: dict[str, object]) -> None:
	"""Write columns of a call whose row is locked."""
	table = frappe.qb.DocType("Call Charge")
	query = frappe.qb.update(table).where(table.name == name)
	for column, value in values.items():
		query = query.set(table[column], _plain(value))
	query.run()


def _plain(value: object) -> object:
	return json.dumps(value) if isinstance(value, dict) else value


def _call(row: frappe._dict) -> Call:
	return Call(
		name=row.name,
		call_id=row.call_id,
		company=row.company,
		status=row.status,
		caller=row.caller or "",
		callee=row.callee or "",
		requested_seconds=row.requested_seconds,
		duration_sec=row.duration_sec,
		granted_seconds=row.granted_seconds,
		used_seconds=row.used_seconds,
		expires_us=row.expires_us,
		currency=row.currency,
		reserved=from_database(row.reserved_amount),
		amount=from_database(row.amount),
		rate=Rate(
			from_database(row.rate_per_minute),
			row.billing_increment or 1,
			row.minimum_duration,
			from_database(row.connection_fee),
			from_database(row.minimum_charge),
		),
		answers=json.loads(row.answers or "{}"),
	)
