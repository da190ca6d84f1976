"""What our books hold of Stripe's payments, refunds and disputes: for the comparison with its lists.

Of the mode in use alone, test or live: Stripe's key knows nothing of the other one's objects.
"""

from collections.abc import Container, Iterable, Iterator
from decimal import Decimal

import frappe

from prepaid_billing.ledger import clock
from prepaid_billing.payments import claims, compare, keys, takeback
from prepaid_billing.payments.compare import PAYMENT, Position
from prepaid_billing.payments.decide import FINAL
from prepaid_billing.payments.takeback import Claim
from prepaid_billing.rating.money import from_database

KINDS = {takeback.REFUND: compare.REFUND, takeback.DISPUTE: compare.DISPUTE}
_DOCTYPES = {kind: doctype for doctype, kind in KINDS.items()}

KnownClaims = dict[str, tuple[str, Decimal]]
"""Status and amount of refunds or disputes, by Stripe's id."""

_DAY = 86_400 * clock.SECOND
_LONGEST = 200 * _DAY
"""How long a refund that is still open and any dispute are asked for: banks decide one within months, and may turn it
afterwards."""

_OPEN = {takeback.REFUND: ("Pending",), takeback.DISPUTE: ("Inquiry", "Open", "Lost", "Won")}


def stuck_refunds() -> list[frappe._dict]:
	"""Return the refunds (name, topup, currency, amount) whose money left the balance more than a day ago and of which
	Stripe still knows nothing."""
	found = frappe.db.sql(
		f"""
		SELECT name, topup, currency, CAST(amount AS CHAR) AS amount FROM `tabBilling Refund`
		WHERE livemode = %s AND status = 'Planned' AND planned_us < {clock.NOW} - %s
		""",
		(int(keys.is_live()), _DAY),
		as_dict=True,
	)
	return [frappe._dict(row, amount=from_database(row.amount)) for row in found]


def has_topups() -> bool:
	"""Whether there is any top-up, of either mode."""
	return bool(frappe.db.sql("SELECT 1 FROM `tabBalance Topup` LIMIT 1"))


def first_topup_us() -> int | None:
	"""Return when the first top-up began, in microseconds since 1970, UTC."""
	return frappe.db.sql(
		"SELECT MIN(created_us) FROM `tabBalance Topup` WHERE livemode = %s", (int(keys.is_live()),)
	)[0][0]


def by_session(ids: list[str]) -> dict[str, frappe._dict]:
	"""Return our top-ups (name, status) by the Checkout sessions among ``ids`` that are ours."""
	return _topups_by("checkout_session_id", ids)


def by_intent(ids: list[str]) -> dict[str, frappe._dict]:
	"""Return our top-ups (name, status) by the payment intents among ``ids`` that paid one."""
	return _topups_by("payment_intent_id", ids)


def topups_among(names: Iterable[str | None]) -> set[str]:
	"""Return those of the names that a top-up of ours has."""
	wanted = [name for name in names if name]
	if not wanted:
		return set()
	return set(frappe.db.sql_list("SELECT name FROM `tabBalance Topup` WHERE name IN %s", (wanted,)))


def known_claims(kind: str, ids: list[str]) -> KnownClaims:
	"""Return status and amount, in major units, of the refunds or disputes that we know of these."""
	if not ids:
		return {}
	doctype = _DOCTYPES[kind]
	found = frappe.db.sql(
		f"SELECT {_id_column(kind)}, status, CAST(amount AS CHAR) FROM `tab{doctype}` WHERE {_id_column(kind)} IN %s",
		(ids,),
	)
	return {stripe_id: (status, from_database(amount)) for stripe_id, status, amount in found}


def left_out(since_us: int, until_us: int, theirs: Container[tuple[str, str]]) -> list[tuple[str, str, str]]:
	"""Return kind, Stripe id and top-up of what we hold and Stripe's lists did not name.

	That is what came to our books between the two instants, and what is older and still open.
	"""
	ours = [(position.kind, position.stripe_id, position.topup) for position in _between(since_us, until_us)]
	for doctype, column in claims.ID_COLUMN.items():
		ours += [(KINDS[doctype], *row) for row in _still_open(doctype, column)]
	return [row for row in dict.fromkeys(ours) if row[:2] not in theirs]


def positions(since_us: int, until_us: int, theirs: Iterable[Position]) -> list[Position]:
	"""Return what we hold: what came to our books between the two instants, and what Stripe names."""
	between = _between(since_us, until_us)
	ours = {(position.kind, position.stripe_id): position for position in between}
	named: dict[str, list[str]] = {}
	for position in theirs:
		if (position.kind, position.stripe_id) not in ours:
			named.setdefault(position.kind, []).append(position.stripe_id)
	for kind, ids in named.items():
		for start in range(0, len(ids), 1000):
			found = _read(kind, f"{_id_column(kind)} IN %(ids)s", {"ids": ids[start : start + 1000]})
			ours |= {(position.kind, position.stripe_id): position for position in found}
	return list(ours.values())


def _between(since_us: int, until_us: int) -> Iterator[Position]:
	span = {"since": since_us, "until": until_us}
	yield from _read(PAYMENT, "created_us BETWEEN %(since)s AND %(until)s", span)
	span = {name: clock.site_time(instant) for name, instant in span.items()}
	for kind in _DOCTYPES:
		created = f"creation BETWEEN %(since)s AND %(until)s AND {_id_column(kind)} IS NOT NULL"
		yield from _read(kind, created, span)


def _read(kind: str, condition: str, values: dict[str, object]) -> list[Position]:
	values = {"livemode": int(keys.is_live()), **values}
	if kind == PAYMENT:
		query = f"""
			SELECT payment_intent_id, name, currency, CAST(amount_paid AS CHAR) FROM `tabBalance Topup`
			WHERE status IN %(final)s AND livemode = %(livemode)s AND {condition}
		"""
		return [
			Position(kind, *names, from_database(amount))
			for *names, amount in frappe.db.sql(query, {"final": FINAL, **values})
		]
	doctype = _DOCTYPES[kind]
	query = f"""
		SELECT {_id_column(kind)}, topup, currency, status, CAST(amount AS CHAR)
		FROM `tab{doctype}` WHERE livemode = %(livemode)s AND {condition}
	"""
	return [
		Position(
			kind,
			stripe_id,
			topup,
			currency,
			-Claim(doctype, stripe_id, status, from_database(amount), currency).takes,
		)
		for stripe_id, topup, currency, status, amount in frappe.db.sql(query, values)
	]


def _id_column(kind: str) -> str:
	return "payment_intent_id" if kind == PAYMENT else claims.ID_COLUMN[_DOCTYPES[kind]]


def _still_open(doctype: str, column: str) -> list[tuple[str, str]]:
	return frappe.db.sql(
		f"""
		SELECT {column}, topup FROM `tab{doctype}`
		WHERE livemode = %s AND status IN %s AND {column} IS NOT NULL AND creation > %s
		""",
		(int(keys.is_live()), _OPEN[doctype], clock.site_time(clock.now_us() - _LONGEST)),
	)


def _topups_by(column: str, ids: list[str]) -> dict[str, frappe._dict]:
	wanted = [one for one in ids if one]
	if not wanted:
		return {}
	found = frappe.db.sql(
		f"SELECT {column} AS id, name, status FROM `tabBalance Topup` WHERE {column} IN %s AND livemode = %s",
		(wanted, int(keys.is_live())),
		as_dict=True,
	)
	return {row.id: row for row in found}
