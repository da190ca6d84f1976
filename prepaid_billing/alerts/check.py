"""The check of every 30 minutes: one indexed query, then a warning for each company that is due one.

Whether one is due is decided from what the query gave, and again under the balance lock where one is. There the crossing
is noted together with a Pending warning; its mail is made afterwards (delivery.py). So no mail is lost or doubled, and no
call waits for a mail. One company that fails stops no other.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

import frappe

from prepaid_billing import ledger
from prepaid_billing.alerts import balances, delivery, digest, in_app, mail, marks
from prepaid_billing.alerts.addresses import NOBODY
from prepaid_billing.alerts.decide import (
	WARNED_OF_LATE,
	WARNED_TODAY,
	WarningDecision,
	decide,
	level_of,
	mark_of,
)
from prepaid_billing.alerts.delivery import Outcome
from prepaid_billing.batch import attempt, in_words
from prepaid_billing.ledger import transaction
from prepaid_billing.log import log
from prepaid_billing.rating.money import as_text

NOTHING, WARNED, WOULD_BE_WARNED = "-", "warned", "would be warned"
NOT_MAILED, FAILED = "not mailed", "failed"


@dataclass(frozen=True, slots=True)
class Checked:
	"""What the check did for one company, and why. Amounts are in major units.

	``done`` is "warned", "would be warned" (dry run), "not mailed" (decided, but the mail could not be made), "failed" or
	"-" (nothing was due).
	"""

	company: str
	available: Decimal
	threshold: Decimal
	currency: str
	level: str
	done: str
	reason: str
	recipients: int = 0

	@property
	def sent(self) -> bool:
		"""Whether the mail is in Frappe's queue since this check."""
		return self.done == WARNED

	@property
	def failed(self) -> bool:
		"""Whether something is due that could not be done."""
		return self.done in (NOT_MAILED, FAILED)


def check_low_balances(company: str | None = None, dry_run: bool = False) -> list[Checked]:
	"""Warn the companies whose available balance is below their threshold; return what was done and why.

	With a company named, that one is reported on even where it is not low. Raises UnknownCompany.
	"""
	found = [balances.one(company)] if company else balances.low()
	interval_us = balances.interval_us()
	checked = [_checked(row, interval_us, dry_run) for row in found]
	if not dry_run:
		outcomes = delivery.deliver(company)
		checked = [_with(result, outcomes.get(result.company)) for result in checked]
	return _told_otherwise(checked, {row.name: row for row in found}, dry_run)


def _checked(row: frappe._dict, interval_us: int, dry_run: bool) -> Checked:
	decision, error = attempt(row.name, lambda _name: _decision(row, interval_us, dry_run))
	if not decision:
		decision = WarningDecision(False, level_of(balances.standing_of(row)), in_words(error))
	done, reason = FAILED if error else NOTHING, decision.reason
	if decision.send:
		done = WOULD_BE_WARNED if dry_run else WARNED
	elif row.pending is not None and reason in (WARNED_TODAY, WARNED_OF_LATE):
		done, reason = NOT_MAILED, f"Decided, not yet mailed: {row.pending}"
	log(
		"low balance check",
		company=row.name,
		available=as_text(row.available),
		threshold=as_text(row.threshold),
		warning_level=decision.level,
		done=done,
		reason=reason,
	)
	return Checked(
		row.name,
		row.available,
		row.threshold,
		row.currency,
		decision.level,
		done,
		reason,
		len(row.recipients),
	)


def _decision(row: frappe._dict, interval_us: int, dry_run: bool) -> WarningDecision:
	if reason := balances.blocked(row):
		return WarningDecision(False, level_of(balances.standing_of(row)), reason)
	state = balances.state_of(row)
	decision = decide(state, row.now_us, interval_us)
	if decision.send and (reason := mail.unreachable(row.recipients)):
		return WarningDecision(False, decision.level, reason)
	if (decision.send or mark_of(state) != state.level) and not dry_run:
		return transaction.run(lambda: _decide_and_note(row, interval_us))
	return decision


def _decide_and_note(row: frappe._dict, interval_us: int) -> WarningDecision:
	with ledger.locked(row.name) as account:
		now = balances.one(row.name)
		state = balances.state_of(now)
		decision = decide(state, account.now_us, interval_us)
		if decision.send:
			marks.note(account, now, state, decision)
		elif (kept := mark_of(state)) != state.level:
			marks.lower(account, state, kept)
		return decision


def _with(result: Checked, outcome: Outcome | None) -> Checked:
	"""Say what became of a decided warning in the same check."""
	if not outcome or result.done not in (WARNED, NOT_MAILED):
		return result
	if outcome.status == "Pending":
		return replace(result, done=NOT_MAILED, reason=f"Decided, not yet mailed: {outcome.reason}")
	if outcome.status != "Queued":
		return replace(result, done=NOTHING, reason=outcome.reason)
	if result.done == WARNED:
		return result
	return replace(result, done=WARNED, reason="An earlier check decided it; its mail could be made now.")


def _told_otherwise(checked: list[Checked], read: dict[str, frappe._dict], dry_run: bool) -> list[Checked]:
	"""Tell of the companies that nobody can mail their users in the app, and staff; say in the reasons what came of it."""
	unwarned = [
		(result.company, result.level, result.reason) for result in checked if result.reason in NOBODY
	]
	if not unwarned:
		return checked
	staff, error = attempt(unwarned, lambda unwarned: digest.tell(unwarned, dry_run))
	staff = staff or dict.fromkeys(read, f"Staff could not be told: {in_words(error)}")

	def told(result: Checked) -> Checked:
		users, failure = attempt(
			result.company, lambda company: in_app.show_alone(read[company], result.reason, dry_run)
		)
		if failure:
			users = f"Its users could not be told in the app: {in_words(failure)}"
		said = " ".join(filter(None, (result.reason, users, staff[result.company])))
		return replace(result, done=FAILED if error or failure else NOTHING, reason=said)

	return [told(result) if result.reason in NOBODY else result for result in checked]
