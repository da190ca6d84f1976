"""Who is told, and how: mails in the company's language, and the notification in the desk and app."""

from collections.abc import Sequence

import frappe
from frappe import _
from frappe.desk.doctype.notification_log.notification_log import make_notification_logs
from frappe.translate import print_language
from frappe.utils import get_url

from prepaid_billing.alerts import letters
from prepaid_billing.alerts.letters import Letter
from prepaid_billing.calls import recent
from prepaid_billing.calls.pricing import minutes_left
from prepaid_billing.display import money
from prepaid_billing.permissions import MANAGER
from prepaid_billing.rating.money import from_database

_USERS = """
	SELECT u.email FROM `tabBilling Company User` c JOIN `tabUser` u ON u.name = c.user
	WHERE c.parent = %s AND c.parenttype = 'Billing Company' AND u.enabled = 1 {} ORDER BY c.idx
"""


def recipients(company: str) -> list[str]:
	"""Return the addresses that get the mails of a company: its billing e-mails and willing users."""
	billing_emails = frappe.db.get_value("Billing Company", company, "billing_emails") or ""
	users = frappe.db.sql_list(_USERS.format("AND c.gets_warnings = 1"), (company,))
	return list(dict.fromkeys(address for address in [*billing_emails.split(), *users] if address))


def language_of(company: str) -> str:
	"""Return the language of a company's mails: its own, else the site's."""
	own = frappe.db.get_value("Billing Company", company, "language")
	return own or frappe.db.get_default("lang") or "en"


def queue(
	company: str,
	to: Sequence[str],
	letter: Letter,
	reference: tuple[str, str],
	attachments: Sequence[dict] = (),
) -> None:
	"""Put a letter into Frappe's Email Queue, in the open transaction and the language that is set."""
	frappe.sendmail(
		recipients=list(to),
		subject=letter.subject,
		template="billing_mail",
		args={"letter": letter, "company": company, "settings_url": letters.address("/settings", company)},
		reference_doctype=reference[0],
		reference_name=reference[1],
		attachments=list(attachments),
		add_unsubscribe_link=0,
	)


def queue_warning(warning: frappe._dict) -> None:
	"""Put the mail of a Low Balance Warning into Frappe's Email Queue, and tell the users in the app."""
	available = from_database(warning.available)
	days = recent.days_left(available, recent.of_last_days(warning.company, recent.WEEK))
	with print_language(language_of(warning.company)):
		letter = letters.low_balance(
			warning.level,
			warning.company,
			money(available, warning.currency),
			money(from_database(warning.threshold), warning.currency),
			minutes_left(warning.company),
			days,
		)
		queue(warning.company, warning.recipients.split(), letter, ("Low Balance Warning", warning.name))
		_notify(warning.company, letter)


def _notify(company: str, letter: Letter) -> None:
	"""Tell the users of a company in the app: by Frappe's notifications, of a kind that sends no mail of its own."""
	make_notification_logs(
		frappe._dict(
			type="Alert",
			subject=letter.subject,
			document_type="Billing Company",
			document_name=company,
			link=letter.button[1],
			from_user="Administrator",
		),
		frappe.db.sql_list(_USERS.format(""), (company,)),
	)


def queue_nobody_to_tell(company: str, level: str) -> bool:
	"""Tell every enabled Prepaid Billing Manager that a warning has nobody to go to; False without any."""
	managers = _managers()
	if managers:
		frappe.sendmail(
			recipients=managers,
			subject=_("Nobody can be warned of a low balance: {0}").format(company),
			template="nobody_to_tell",
			args={"company": company, "level": _(level), "url": get_url(f"/app/billing-company/{company}")},
			reference_doctype="Billing Company",
			reference_name=company,
		)
	return bool(managers)


def queue_broken_books(findings: list[str]) -> None:
	"""Tell every enabled Prepaid Billing Manager what the check of the books has found."""
	if managers := _managers():
		frappe.sendmail(
			recipients=managers,
			subject=_("The books of Prepaid Billing do not prove themselves"),
			template="broken_books",
			args={"findings": findings, "site": get_url()},
		)


def queue_different_books(sums: list[str], findings: list[str]) -> None:
	"""Tell every enabled Prepaid Billing Manager how our books and Stripe's differ: sums by currency, and what."""
	if managers := _managers():
		frappe.sendmail(
			recipients=managers,
			subject=_("The books of Prepaid Billing and Stripe's differ"),
			template="different_books",
			args={"sums": sums, "findings": findings, "site": get_url()},
		)


def queue_failed_comparison(reason: str) -> None:
	"""Tell every enabled Prepaid Billing Manager that our books could not be compared with Stripe's, and why."""
	if managers := _managers():
		frappe.sendmail(
			recipients=managers,
			subject=_("The books of Prepaid Billing could not be compared with Stripe's"),
			template="failed_comparison",
			args={"reason": reason, "site": get_url()},
		)


def _managers() -> list[str]:
	return frappe.db.sql_list(
		"""
		SELECT DISTINCT u.email FROM `tabHas Role` r JOIN `tabUser` u ON u.name = r.parent
		WHERE r.role = %s AND r.parenttype = 'User' AND u.enabled = 1 AND u.email LIKE '%%@%%'
		""",
		(MANAGER,),
	)
