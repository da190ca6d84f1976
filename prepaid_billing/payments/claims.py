"""The claims on a top-up, refunds and disputes, and what they take from the balance: booked as a difference.

Whatever is heard of a claim, in whatever order, the balance has given what all claims together take, once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import frappe
from frappe import _

from prepaid_billing import ledger
from prepaid_billing.exceptions import TryAgain
from prepaid_billing.ledger import LockedBalance, rows, transaction
from prepaid_billing.log import log
from prepaid_billing.payments import topups
from prepaid_billing.payments.facts import Unclear
from prepaid_billing.payments.takeback import (
	DISPUTE,
	REFUND,
	Claim,
	Turned,
	merged,
	refunded,
	shares,
	status_of_topup,
)
from prepaid_billing.rating.money import N_, ZERO, from_database

ID_COLUMN = {REFUND: "stripe_refund_id", DISPUTE: "stripe_dispute_id"}

_OPERATION = {REFUND: "refund", DISPUTE: "dispute"}
# By whether money is taken (True) or given back (False).
_ENTRY = {
	(REFUND, True): "Refund",
	(REFUND, False): "Refund",
	(DISPUTE, True): "Dispute",
	(DISPUTE, False): "Dispute Reversal",
}


@dataclass(frozen=True, slots=True)
class Known:
	"""A claim that stands in our books, and what its own entries have taken so far, in major units."""

	claim: Claim
	reports: int
	bookings: int
	booked: Decimal


def apply(topup: str, claims: Sequence[Claim], also: Callable[[], None] | None = None) -> None:
	"""Bring a paid top-up up to date with claims as Stripe tells of them, in one commit.

	``also()`` runs in the same transaction: the webhook marks its event there. Raises Unclear.
	"""

	def work(account: LockedBalance, row: frappe._dict) -> None:
		for claim in claims:
			write(account, row, claim)
		if also:
			also()

	with_topup(topup, work)


def with_topup(topup: str, work: Callable[[LockedBalance, frappe._dict], None]) -> None:
	"""Run ``work(account, topup row)`` with the top-up's balance and then the top-up locked."""
	company = topups.find(topup).company

	def locked_work() -> None:
		with ledger.locked(company) as account:
			work(account, topups.lock(topup))

	transaction.run(locked_work)


def reports_of(claim: Claim) -> int:
	"""Return how many reports of a claim we have had."""
	frappe.db.rollback()
	found = frappe.db.sql(
		f"SELECT reports FROM `tab{claim.kind}` WHERE {ID_COLUMN[claim.kind]} = %s", (claim.stripe_id,)
	)
	return found[0][0] if found else 0


def of_topup(topup: str) -> dict[str, Known]:
	"""Return the claims on a top-up by the name of their record, each kind as they came, its balance being locked."""
	return {name: known for kind in ID_COLUMN for name, known in _of_kind(kind, topup)}


def write(account: LockedBalance, topup: frappe._dict, new: Claim, name: str = "", **columns: object) -> None:
	"""Keep what is known of a claim now, and book the difference that it makes: its own, and that of the others' shares.

	``name`` is the record of a refund that we asked for ourselves; others are known by Stripe's id. Raises Unclear,
	TryAgain where it may be a refund of ours whose answer is still to come, and Turned where a dispute has another
	end or amount than the one we know and has to be read at Stripe, or was read before the last report of it.
	"""
	if new.currency != topup.currency:
		raise Unclear(N_("It is in {0}, the payment in {1}."), new.currency, topup.currency)
	known = of_topup(topup.name)
	name = name or _record_of(new, known) or rows.new_name()
	if new.read_after is not None and name in known and known[name].reports != new.read_after:
		raise Turned
	claim = merged(known[name].claim if name in known else None, new)
	after = {**{key: row.claim for key, row in known.items()}, name: claim}
	booked = {key: known[key].booked if key in known else ZERO for key in after}
	found = shares(
		topup.amount_paid,
		topup.credited,
		list(after.values()),
		list(booked.values()),
		list(after).index(name),
	)
	wanted = dict(zip(after, found, strict=True))
	# What is given back is there for what is taken.
	for key in sorted(after, key=lambda key: wanted[key] - booked[key]):
		due = wanted[key] - booked[key]
		if key == name:
			_keep(account, topup, name, known.get(name), claim, due, columns)
		elif due:
			rows.update(after[key].kind, key, _booked(account, key, known[key], after[key], due))
	topup.taken_back = sum(wanted.values(), ZERO)
	topup.status = status_of_topup(topup.amount_paid, after.values())
	back = {
		"taken_back": topup.taken_back,
		"amount_refunded": min(refunded(after.values()), topup.amount_paid),
	}
	rows.update("Balance Topup", topup.name, {"status": topup.status, **back})


def _record_of(new: Claim, known: dict[str, Known]) -> str:
	"""Find the record of a claim; Stripe may tell of a refund of ours before its answer to us has come."""
	for name, row in known.items():
		if row.claim.stripe_id == new.stripe_id:
			return name
	planned = [
		name
		for name, row in known.items()
		if (row.claim.kind, row.claim.status, row.claim.amount) == (new.kind, "Planned", new.amount)
	]
	if planned and new.record not in planned:
		raise TryAgain(
			_("It may be a refund that was asked for here and is not answered yet. Send it again.")
		)
	return new.record if planned else ""


def _keep(
	account: LockedBalance,
	topup: frappe._dict,
	name: str,
	known: Known | None,
	claim: Claim,
	due: Decimal,
	own: dict[str, object],
) -> None:
	# Why we asked for a refund says more than Stripe's word for it.
	reason = known.claim.reason if known and known.claim.reason else claim.reason
	columns = {ID_COLUMN[claim.kind]: claim.stripe_id, "status": claim.status, "reason": reason, **own}
	if claim.failure:
		columns["failure_reason"] = claim.failure
	columns["reports"] = known.reports + 1 if known else 1
	if due:
		columns |= _booked(account, name, known, claim, due)
	if known:
		return rows.update(claim.kind, name, {"amount": claim.amount, **columns})
	first = {"name": name, "topup": topup.name, "company": account.company, "livemode": topup.livemode}
	rows.insert(
		claim.kind, account.now_us, {**first, "currency": claim.currency, "amount": claim.amount, **columns}
	)


def _booked(
	account: LockedBalance, name: str, known: Known | None, claim: Claim, due: Decimal
) -> dict[str, object]:
	"""Book what a claim takes or gives back, and return the columns that say so."""
	bookings, booked = (known.bookings, known.booked) if known else (0, ZERO)
	beyond = due > 0 and due > account.available
	account.post(
		_ENTRY[claim.kind, due > 0],
		-due,
		key=f"{_OPERATION[claim.kind]}:{account.company}:{name}:{bookings}",
		reference=(claim.kind, name),
		description=claim.reason,
		forced=beyond,
	)
	columns = {"bookings": bookings + 1, "booked_amount": booked + due}
	if beyond:
		log("claim beyond the balance", company=account.company, claim=name)
		columns["beyond_balance"] = 1
	return columns


def _of_kind(kind: str, topup: str) -> list[tuple[str, Known]]:
	found = frappe.db.sql(
		f"""
		SELECT name, {ID_COLUMN[kind]}, status, CAST(amount AS CHAR), currency, reason, reports, bookings,
			CAST(booked_amount AS CHAR)
		FROM `tab{kind}` WHERE topup = %s ORDER BY creation, name
		""",
		(topup,),
	)
	return [
		(
			name,
			Known(
				Claim(kind, stripe_id, status, from_database(amount), currency, reason or ""),
				reports,
				bookings,
				from_database(booked),
			),
		)
		for name, stripe_id, status, amount, currency, reason, reports, bookings, booked in found
	]
