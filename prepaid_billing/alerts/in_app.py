"""The notice of a warning in the desk and app: users see it whether or not a mail can be made.

A warning that is mailed brings its notice with it, and where its mail cannot be made now the notice does not wait. Where
nobody can be mailed the notice is all there is: then it is kept as a Low Balance Warning "Not Sent", by which the rules of
the mails hold for it too. The mark on the balance is of mails alone.
"""

from dataclasses import replace

import frappe
from frappe.desk.doctype.notification_log.notification_log import make_notification_logs
from frappe.desk.doctype.notification_settings.notification_settings import is_notifications_enabled
from frappe.translate import print_language

from prepaid_billing.alerts import balances, mail, marks
from prepaid_billing.alerts.decide import (
	DAY_US,
	WARNED_TODAY,
	WarningDecision,
	decide,
	is_told,
	told_of,
	unwanted,
)
from prepaid_billing.alerts.letters import Letter
from prepaid_billing.ledger import rows, transaction
from prepaid_billing.log import log

_USERS = """
	SELECT u.name, u.email FROM `tabBilling Company User` c JOIN `tabUser` u ON u.name = c.user
	WHERE c.parent = %s AND c.parenttype = 'Billing Company' AND u.enabled = 1
"""
_LATEST = """
	SELECT level, decided_us FROM `tabLow Balance Warning` WHERE company = %s AND in_app = 1
	ORDER BY decided_us DESC LIMIT 3
"""
_PENDING = """
	SELECT company FROM `tabLow Balance Warning` WHERE name = %s AND status = 'Pending' AND in_app = 0
	FOR UPDATE SKIP LOCKED
"""


def show(company: str, letter: Letter) -> bool:
	"""Tell the users of a company in the app, in the open transaction; False where there are none.

	By Frappe's notifications, of a kind that sends no mail of its own.
	"""
	users = _users(company)
	notification = {
		"type": "Alert",
		"subject": letter.subject,
		"document_type": "Billing Company",
		"document_name": company,
		"link": letter.button[1],
		"from_user": "Administrator",
	}
	if users:
		make_notification_logs(frappe._dict(notification), users)
	return bool(users)


def show_pending(warning: str) -> None:
	"""Tell the users of a warning whose mail cannot be made now, once."""
	found = frappe.db.sql(_PENDING, (warning,))
	if not found:
		return
	row = balances.one(found[0][0])
	state = balances.state_of(row)
	if not (balances.blocked(row) or unwanted(state)) and _show(row, told_of(state)):
		rows.update("Low Balance Warning", warning, {"in_app": 1})


def show_alone(row: frappe._dict, reason: str, dry_run: bool) -> str:
	"""Tell the users of a company of whom nobody can be mailed, by the rules of the mails; keep why there is none.

	Returns in a sentence what came of it; nothing where there are no users either.
	"""
	if not _users(row.name):
		return ""
	decision, before = _decide(row)
	if decision.send and dry_run:
		return "Its users would be told in the app."
	said = transaction.run(lambda: _show_alone(row.name, reason)) if decision.send else before
	if not dry_run:
		log("low balance notice", company=row.name, warning_level=decision.level, outcome=said)
	return said


def _show_alone(company: str, reason: str) -> str:
	# Two checks at once wait for each other here; no call does.
	frappe.db.sql("SELECT name FROM `tabBilling Company` WHERE name = %s FOR UPDATE", (company,))
	row = balances.one(company)
	decision, before = _decide(row)
	if not decision.send:
		return before
	if not _show(row, decision.told):
		return ""
	why = {"status": "Not Sent", "reason": reason, "in_app": 1}
	marks.keep(row, decision.told, row.now_us, why)
	return "Its users were told in the app."


def _decide(row: frappe._dict) -> tuple[WarningDecision, str]:
	"""Decide by the notices that were shown, as the mails are decided by their mark; say why none is due."""
	shown = frappe.db.sql(_LATEST, (row.name,))
	level, last_us = shown[0] if shown else ("", 0)
	today = sum(decided_us > row.now_us - DAY_US for _level, decided_us in shown)
	state = replace(balances.state_of(row), level=level, last_warning_us=last_us, warnings_today=today)
	decision = decide(state, row.now_us, balances.interval_us())
	told = told_of(state)
	if told and is_told(told, level, last_us, row.now_us, balances.interval_us()):
		return decision, "Its users were told in the app within the interval."
	if decision.reason == WARNED_TODAY:
		return decision, "Its users were not told in the app: three notices were shown within a day."
	return decision, f"Its users were not told in the app: {decision.reason}"


def _show(row: frappe._dict, level: str) -> bool:
	with print_language(mail.language_of(row.name)):
		return show(row.name, mail.warning_letter(row, level))


def _users(company: str) -> list[str]:
	"""Return the addresses of a company's users who have not switched notifications off."""
	return [email for name, email in frappe.db.sql(_USERS, (company,)) if is_notifications_enabled(name)]
