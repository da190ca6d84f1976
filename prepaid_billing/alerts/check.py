"""The check of every 30 minutes: one indexed query, then a warning for each company that is due one.

Whether one is due is decided from what the query gave, and again under the balance lock where one is. There the crossing
is noted together with a Pending warning; the mail is queued afterwards, in a transaction that locks the warning alone. So
no mail is lost or doubled, and no call waits for a mail.
"""

from dataclasses import dataclass
from decimal import Decimal

import frappe
from frappe import _

from prepaid_billing import ledger, settings
from prepaid_billing.alerts import mail, notices
from prepaid_billing.alerts.decide import DAY_US, WarningDecision, WarningState, decide
from prepaid_billing.batch import each
from prepaid_billing.exceptions import UnknownCompany
from prepaid_billing.ledger import LockedBalance, clock, rows, transaction
from prepaid_billing.log import log
from prepaid_billing.rating.money import as_text, from_database

_COLUMNS = """
	SELECT b.name, b.currency, CAST(b.available AS CHAR) AS available,
		CAST(b.low_balance_threshold AS CHAR) AS threshold, b.warning_level, b.last_warning_us,
		c.status, c.prepaid_billing_enabled, c.mail_low, c.mail_critical, c.mail_empty, c.billing_emails, (
			SELECT GROUP_CONCAT(u.email ORDER BY p.idx SEPARATOR ' ') FROM `tabBilling Company User` p
			JOIN `tabUser` u ON u.name = p.user
			WHERE p.parent = b.name AND p.parenttype = 'Billing Company' AND p.gets_warnings = 1 AND u.enabled = 1
		) AS users, (
			SELECT COUNT(*) FROM `tabLow Balance Warning` w
			WHERE w.company = b.name AND w.decided_us > %(day_ago)s
		) AS warnings_today
	FROM `tabPrepaid Balance` b {index} JOIN `tabBilling Company` c ON c.name = b.name
"""
_ALL_LOW = f"""{_COLUMNS.format(index="FORCE INDEX (pb_balance_low)")}
	WHERE b.is_low = 1 AND c.prepaid_billing_enabled = 1 AND c.status = 'Active' ORDER BY b.name
"""
_ONE = f"{_COLUMNS.format(index='')} WHERE b.name = %(company)s"
_LEVELS = {"Low": "mail_low", "Critical": "mail_critical", "Empty": "mail_empty"}
NOBODY = "Nobody to tell: no billing e-mail, and no user who gets mails. Staff are told."


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
	recipients: int = 0


def check_low_balances(company: str | None = None, dry_run: bool = False) -> list[Checked]:
	"""Warn the companies whose available balance is below their threshold; return what was done and why.

	With a company named, that one is reported on even where it is not low. Raises UnknownCompany.
	"""
	found, now_us, interval_us = _found(company), clock.now_us(), _interval_us()
	try:
		checked = each(found, lambda row: _check(row, _decided(row, now_us, interval_us), dry_run))
	finally:
		if not dry_run:
			_queue_pending()
	return checked


def _found(company: str | None) -> list[frappe._dict]:
	values = {"company": company, "day_ago": clock.now_us() - DAY_US}
	found = frappe.db.sql(_ONE if company else _ALL_LOW, values, as_dict=True)
	if company and not found:
		raise UnknownCompany(_("There is no such company."))
	for row in found:
		row.available, row.threshold = from_database(row.available), from_database(row.threshold)
		row.recipients = list(
			dict.fromkeys([*(row.billing_emails or "").split(), *(row.users or "").split()])
		)
	return found


def _check(row: frappe._dict, decision: WarningDecision, dry_run: bool) -> Checked:
	if decision.send and not row.recipients:
		if not dry_run:
			notices.nobody_to_tell(row.name, decision.level)
		decision = WarningDecision(False, decision.level, NOBODY)
	elif decision.send and not dry_run:
		decision = transaction.run(lambda: _decide_and_note(row))
	sent = decision.send and not dry_run
	log(
		"low balance check",
		company=row.name,
		available=as_text(row.available),
		threshold=as_text(row.threshold),
		warning_level=decision.level,
		sent=sent,
		dry_run=dry_run,
		reason=decision.reason,
	)
	return Checked(
		row.name,
		row.available,
		row.threshold,
		row.currency,
		decision.level,
		sent,
		decision.reason,
		len(row.recipients),
	)


def _decided(row: frappe._dict, now_us: int, interval_us: int) -> WarningDecision:
	if row.status != "Active":
		return WarningDecision(False, "", "The company is suspended.")
	if not row.prepaid_billing_enabled:
		return WarningDecision(False, "", "Prepaid billing is switched off for the company.")
	return decide(_state(row), now_us, interval_us)


def _decide_and_note(row: frappe._dict) -> WarningDecision:
	with ledger.locked(row.name) as account:
		row.warning_level, row.last_warning_us, row.warnings_today = _marks(row.name, account.now_us)
		row.available, row.threshold = account.available, account.threshold
		state = _state(row)
		decision = decide(state, account.now_us, _interval_us())
		if decision.send:
			_note(account, state, decision, row.recipients)
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
		SELECT name, company, level, recipients, CAST(available AS CHAR) AS available,
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


def _marks(company: str, now_us: int) -> tuple[str, int, int]:
	return frappe.db.sql(
		"""
		SELECT b.warning_level, b.last_warning_us, (
			SELECT COUNT(*) FROM `tabLow Balance Warning` w WHERE w.company = b.name AND w.decided_us > %s
		) FROM `tabPrepaid Balance` b WHERE b.name = %s
		""",
		(now_us - DAY_US, company),
	)[0]


def _state(row: frappe._dict) -> WarningState:
	return WarningState(
		row.warning_level or "",
		row.last_warning_us or 0,
		row.warnings_today,
		row.available,
		row.threshold,
		tuple(level for level, fieldname in _LEVELS.items() if row[fieldname]),
	)


def _interval_us() -> int:
	return settings.number("warning_interval") * 3600 * clock.SECOND
