"""The check of every 30 minutes: one indexed query, then a warning for each company that is due one.

A crossing is noted under the balance lock together with a Pending warning; the mail is queued afterwards, in
a transaction that locks the warning alone. So no mail is lost or doubled, and no call waits for a mail.
"""

from dataclasses import dataclass
from decimal import Decimal

import frappe
from frappe import _

from prepaid_billing import ledger, settings
from prepaid_billing.alerts import mail
from prepaid_billing.alerts.decide import DAY_US, WarningDecision, WarningState, decide
from prepaid_billing.batch import each
from prepaid_billing.exceptions import UnknownCompany
from prepaid_billing.ledger import BalanceView, LockedBalance, balance_of, clock, rows, transaction
from prepaid_billing.log import log
from prepaid_billing.rating.money import as_text

_LOW = """
	SELECT b.name FROM `tabPrepaid Balance` b JOIN `tabBilling Company` c ON c.name = b.name
	WHERE b.is_low = 1 AND c.prepaid_billing_enabled = 1 AND c.status = 'Active' ORDER BY b.name
"""

_STATE = """
	SELECT b.warning_level, b.last_warning_us, (
		SELECT COUNT(*) FROM `tabLow Balance Warning` w WHERE w.company = b.name AND w.decided_us > %(day_ago)s
	) FROM `tabPrepaid Balance` b WHERE b.name = %(company)s
"""


@dataclass(frozen=True, slots=True)
class Checked:
	"""What the check did for one company, and why. Amounts are in major units."""

	company: str
	available: Decimal
	threshold: Decimal
	currency: str
	level: str
	sent: bool
	reason: str


def check_low_balances(company: str | None = None, dry_run: bool = False) -> list[Checked]:
	"""Warn the companies whose available balance is below their threshold; return what was done and why.

	With a company named, that one is reported on even where it is not low. Raises UnknownCompany.
	"""
	names = [company] if company else frappe.db.sql_list(_LOW)
	try:
		checked = each(names, lambda name: _check(name, dry_run))
	finally:
		if not dry_run:
			_queue_pending()
	for result in checked:
		log("low balance check", company=result.company, sent=result.sent, reason=result.reason)
	return checked


def _check(company: str, dry_run: bool) -> Checked:
	view = balance_of(company)
	recipients = mail.recipients(company)
	if reason := _not_checked(company, recipients):
		decision = WarningDecision(False, "", reason)
	elif dry_run:
		decision = _decide_now(view)
	else:
		decision = transaction.run(lambda: _decide_and_note(company, recipients))
	return Checked(
		company,
		view.available,
		view.threshold,
		view.currency,
		decision.level,
		decision.send and not dry_run,
		decision.reason,
	)


def _not_checked(company: str, recipients: list[str]) -> str:
	found = frappe.db.get_value("Billing Company", company, ["status", "prepaid_billing_enabled"])
	if not found:
		raise UnknownCompany(_("There is no such company."))
	if found[0] != "Active":
		return "The company is suspended."
	if not found[1]:
		return "Prepaid billing is switched off for the company."
	return "" if recipients else "Nobody to tell: no billing e-mail, and no user who gets warnings."


def _decide_now(view: BalanceView) -> WarningDecision:
	now_us = clock.now_us()
	return decide(_stored_state(view.company, view.available, view.threshold, now_us), now_us, _interval_us())


def _decide_and_note(company: str, recipients: list[str]) -> WarningDecision:
	with ledger.locked(company) as account:
		state = _stored_state(company, account.available, account.threshold, account.now_us)
		decision = decide(state, account.now_us, _interval_us())
		if decision.send:
			_note(account, state, decision, recipients)
		return decision


def _note(
	account: LockedBalance, state: WarningState, decision: WarningDecision, recipients: list[str]
) -> None:
	now = clock.site_time(account.now_us)
	frappe.db.sql(
		"""
		UPDATE `tabPrepaid Balance` SET warning_level = %s, last_warning_us = %s, last_warning_sent_at = %s,
			warnings_today = %s WHERE name = %s
		""",
		(decision.level, account.now_us, now, state.warnings_today + 1, account.company),
	)
	rows.insert(
		"Low Balance Warning",
		account.now_us,
		{
			"name": rows.new_name(),
			"company": account.company,
			"level": decision.level,
			"status": "Pending",
			"recipients": "\n".join(recipients),
			"currency": account.currency,
			"available": account.available,
			"threshold": account.threshold,
			"decided_at": now,
			"decided_us": account.now_us,
		},
	)


def _queue_pending() -> None:
	pending = frappe.db.sql_list("SELECT name FROM `tabLow Balance Warning` WHERE status = 'Pending'")
	each(pending, lambda name: transaction.run(lambda: _queue(name)))


def _queue(name: str) -> None:
	row = frappe.db.sql(
		"""
		SELECT company, level, recipients, CAST(available AS CHAR) AS available,
			CAST(threshold AS CHAR) AS threshold, currency
		FROM `tabLow Balance Warning` WHERE name = %s AND status = 'Pending' FOR UPDATE
		""",
		(name,),
		as_dict=True,
	)
	if not row:
		return
	mail.queue_warning(row[0])
	rows.update("Low Balance Warning", name, {"status": "Queued"})


def _stored_state(company: str, available: Decimal, threshold: Decimal, now_us: int) -> WarningState:
	level, last, today = frappe.db.sql(_STATE, {"company": company, "day_ago": now_us - DAY_US})[0]
	return WarningState(level or "", last or 0, today, available, threshold)


def _interval_us() -> int:
	return settings.number("warning_interval") * 3600 * clock.SECOND


def describe(checked: Checked) -> str:
	"""Return one line for the command's table."""
	amounts = f"{as_text(checked.available):>16} {as_text(checked.threshold):>16} {checked.currency}"
	return f"{checked.company:<28} {amounts}  {checked.level or 'Good':<9} {'sent' if checked.sent else '-':<5} {checked.reason}"
