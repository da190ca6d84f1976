"""The mark of a warning on the balance row, written under the balance lock, and the record of the warning."""

import frappe

from prepaid_billing.alerts.decide import WarningDecision, WarningState
from prepaid_billing.ledger import LockedBalance, clock, locked, rows


def note(account: LockedBalance, row: frappe._dict, state: WarningState, decision: WarningDecision) -> None:
	"""Mark the locked balance as warned, and keep a Pending warning of which a mail is to be made.

	``row`` is the company as the check reads it.
	"""
	before = frappe.db.sql(_BEFORE, (account.company, state.last_warning_us))
	level, told_us = before[0] if before else (state.level, state.last_warning_us)
	_mark(account.company, decision.told, account.now_us, state.warnings_today + 1)
	pending = {"status": "Pending", "recipients": "\n".join(row.recipients)}
	keep(row, decision.told, account.now_us, {**pending, "mark_before": level, "mark_before_us": told_us})


def keep(row: frappe._dict, level: str, now_us: int, columns: dict[str, object]) -> None:
	"""Keep a Low Balance Warning of a company as the check reads it."""
	rows.insert(
		"Low Balance Warning",
		now_us,
		{
			"name": rows.new_name(),
			"company": row.name,
			"level": level,
			"currency": row.currency,
			"available": row.available,
			"threshold": row.threshold,
			"decided_at": clock.site_time(now_us),
			"decided_us": now_us,
			**columns,
		},
	)


def lower(account: LockedBalance, state: WarningState, level: str) -> None:
	"""Keep the mark of the locked balance for a better level alone, so that a worse one is told at once again."""
	_mark(account.company, level, state.last_warning_us, state.warnings_today)


def take_back(warning: str, company: str, status: str, reason: str) -> None:
	"""Close a Pending warning without a mail; where its mark is the last one, restore the one before.

	So the next check decides anew, as if this warning had not been.
	"""
	with locked(company):
		found = frappe.db.sql(_PENDING, (warning,))
		if not found:
			return
		rows.update("Low Balance Warning", warning, {"status": status, "reason": reason})
		decided_us, last_us, today, level, told_us = found[0]
		if decided_us == last_us:
			_mark(company, level or "", told_us or 0, max(today - 1, 0))


# Where the mark is of a warning that was not mailed either, what was before that one.
_BEFORE = """
	SELECT mark_before, mark_before_us FROM `tabLow Balance Warning`
	WHERE company = %s AND decided_us = %s AND status = 'Pending'
"""
_PENDING = """
	SELECT w.decided_us, b.last_warning_us, b.warnings_today, w.mark_before, w.mark_before_us FROM `tabLow Balance Warning` w
	JOIN `tabPrepaid Balance` b ON b.name = w.company WHERE w.name = %s AND w.status = 'Pending' FOR UPDATE
"""


def _mark(company: str, level: str, at_us: int, today: int) -> None:
	frappe.db.sql(
		"""
		UPDATE `tabPrepaid Balance` SET warning_level = %s, last_warning_us = %s, last_warning_sent_at = %s,
			warnings_today = %s WHERE name = %s
		""",
		(level, at_us, clock.site_time(at_us) if at_us else None, today, company),
	)
