"""What the app has to tell a user about a company: Frappe's notifications, those not read yet."""

from __future__ import annotations

import frappe

from prepaid_billing.alerts.mail import language_of
from prepaid_billing.display import moment
from prepaid_billing.ledger import clock
from prepaid_billing.ledger.period import zone_of

MOST = 10
"""Notices that are listed; a company is warned three times a day at most."""

_UNREAD = """
	SELECT name, subject, link, creation FROM `tabNotification Log`
	WHERE for_user = %s AND document_type = 'Billing Company' AND document_name = %s AND `read` = 0
	ORDER BY creation DESC, name DESC LIMIT %s
"""
_CAME = "SELECT creation FROM `tabNotification Log` WHERE for_user = %s AND name = %s"
_READ = """
	UPDATE `tabNotification Log` SET `read` = 1
	WHERE for_user = %s AND document_type = 'Billing Company' AND document_name = %s AND creation <= %s
"""


def unread(company: str) -> list[dict[str, str]]:
	"""Return what the user has not read yet, the newest first; in the language of the company, as its mails are."""
	found = frappe.db.sql(_UNREAD, (frappe.session.user, company, MOST), as_dict=True)
	if not found:
		return []
	zone, language = zone_of(company), language_of(company)
	return [
		{
			"name": notice.name,
			"subject": notice.subject,
			"url": notice.link or "",
			"language": language,
			"date": moment(clock.local_time(came_us, zone)),
			"iso": clock.iso(came_us),
		}
		for notice in found
		for came_us in (clock.from_site_time(notice.creation),)
	]


def mark_read(company: str, newest: str) -> None:
	"""Mark as read what came up to the newest notice that was shown: a later one was not seen."""
	if came := frappe.db.sql(_CAME, (frappe.session.user, newest)):
		frappe.db.sql(_READ, (frappe.session.user, company, came[0][0]))
