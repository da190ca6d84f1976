"""An adjustment that waits is told to those who may confirm it, among Frappe's own notifications."""

import frappe
from frappe import _
from frappe.desk.doctype.notification_log.notification_log import make_notification_logs
from frappe.translate import print_language
from frappe.utils import escape_html, get_fullname

from prepaid_billing.display import money, person
from prepaid_billing.permissions import MANAGER
from prepaid_billing.rating.money import from_database

_MANAGERS = """
	SELECT u.name, u.email, u.language FROM `tabUser` u
	WHERE u.enabled = 1 AND (u.name = 'Administrator' OR u.name IN (
		SELECT parent FROM `tabHas Role` WHERE role = %s AND parenttype = 'User'
	))
"""


def ask(adjustment: str) -> None:
	"""Tell each manager who may confirm an adjustment, but not who asked for it, that it waits; once.

	In each one's own language, by notifications of a kind that sends no mail of its own.
	"""
	place = {"document_type": "Balance Adjustment", "document_name": adjustment}
	if frappe.db.exists("Notification Log", place):
		return
	row = frappe.get_doc("Balance Adjustment", adjustment)
	for user in frappe.db.sql(_MANAGERS, (MANAGER,), as_dict=True):
		if user.name == row.asked_by or not row.has_permission("read", user=user.name):
			continue
		with print_language(user.language or frappe.db.get_default("lang") or "en"):
			notification = {"type": "Alert", "subject": _subject(row), "from_user": row.asked_by, **place}
		make_notification_logs(frappe._dict(notification), [user.email])


def _subject(row: frappe._dict) -> str:
	amount = money(from_database(row.amount), row.currency, exact=True)
	text = _("{0} asks for an adjustment of {1} to the balance of {2}. It waits for a second person.")
	return escape_html(text.format(person(get_fullname(row.asked_by)), amount, row.company))
