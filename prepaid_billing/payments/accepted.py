"""Differences with Stripe that nobody can mend, accepted by a manager with a reason: told of, and no alarm any more.

One is accepted for exactly its two amounts. Where either changes it is a difference as before.
"""

import json
from collections.abc import Iterable

import frappe
from frappe import _

from prepaid_billing.exceptions import InvalidInput
from prepaid_billing.ledger import clock, rows, transaction
from prepaid_billing.log import log
from prepaid_billing.payments.compare import Difference
from prepaid_billing.rating.money import ZERO, as_text, from_database

_ALL = """
	SELECT name, kind, stripe_id, currency, CAST(at_stripe AS CHAR), CAST(here AS CHAR), reason
	FROM `tabAccepted Difference`
"""
_RUN = "SELECT differences FROM `tabBilling Reconciliation` WHERE name = %s FOR UPDATE"


def reasons(differences: Iterable[Difference]) -> dict[Difference, str]:
	"""Return the accepted ones of these differences, each with the reason that was given."""
	known = {key: reason for key, (_name, reason) in _accepted().items()}
	return {one: known[key] for one in differences if one.is_acceptable and (key := _key(one)) in known}


def to_choose_from(differences: Iterable[Difference]) -> str:
	"""Return, as JSON, those of a run's differences that can be accepted."""
	return json.dumps(
		[
			{
				"kind": one.kind,
				"stripe_id": one.stripe_id,
				"topup": one.topup,
				"currency": one.currency,
				"at_stripe": as_text(one.at_stripe or ZERO),
				"here": as_text(one.here or ZERO),
				"text": str(one),
			}
			for one in differences
			if one.is_acceptable
		]
	)


def accept(run: str, kind: str, stripe_id: str, reason: str) -> str:
	"""Accept one of the differences of a Billing Reconciliation, and return the name of the record that says so.

	The same again gives the same record. Raises InvalidInput without a reason, and for a difference that the run does
	not have.
	"""
	if not reason.strip():
		raise InvalidInput(_("To accept a difference takes a reason. Nothing was changed."))

	def work() -> str:
		chosen = _chosen(run, kind, stripe_id)
		key = (kind, stripe_id, chosen["currency"], chosen["at_stripe"], chosen["here"])
		known = _accepted().get(key)
		return known[0] if known else _insert(run, chosen, reason)

	name = transaction.run(work)
	log("difference accepted", run=run, kind=kind, stripe_id=stripe_id, accepted=name)
	return name


def _accepted() -> dict[tuple[str, ...], tuple[str, str]]:
	"""Return name and reason of what was accepted. All of it: persons chose each of them."""
	return {
		(kind, stripe_id, currency, as_text(from_database(theirs)), as_text(from_database(ours))): (
			name,
			reason,
		)
		for name, kind, stripe_id, currency, theirs, ours, reason in frappe.db.sql(_ALL)
	}


def _key(one: Difference) -> tuple[str, ...]:
	return one.kind, one.stripe_id, one.currency, as_text(one.at_stripe or ZERO), as_text(one.here or ZERO)


def _chosen(run: str, kind: str, stripe_id: str) -> dict[str, str]:
	found = frappe.db.sql(_RUN, (run,))
	for one in json.loads(found[0][0] or "[]") if found else []:
		if (one["kind"], one["stripe_id"]) == (kind, stripe_id):
			return one
	raise InvalidInput(
		_("This comparison has no such difference that could be accepted. Nothing was changed.")
	)


def _insert(run: str, chosen: dict[str, str], reason: str) -> str:
	name, now_us = rows.new_name(), clock.now_us()
	columns = {column: chosen[column] for column in ("kind", "stripe_id", "topup", "currency")}
	amounts = {column: chosen[column] for column in ("at_stripe", "here")}
	who = {"accepted_by": frappe.session.user, "accepted_at": clock.site_time(now_us)}
	rows.insert(
		"Accepted Difference",
		now_us,
		{"name": name, "reconciliation": run, **columns, **amounts, "reason": reason, **who},
	)
	return name
