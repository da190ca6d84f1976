"""Who is told, and the mail itself, in the company's language. Amounts are in major units."""

from urllib.parse import urlencode

import frappe
from frappe import _
from frappe.translate import print_language
from frappe.utils import get_url

from prepaid_billing.calls.pricing import minutes_left
from prepaid_billing.display import money
from prepaid_billing.permissions import MANAGER
from prepaid_billing.rating.money import from_database


def recipients(company: str) -> list[str]:
	"""Return the addresses that get the warnings of a company: its billing e-mails and willing users."""
	billing_emails = frappe.db.get_value("Billing Company", company, "billing_emails") or ""
	users = frappe.db.sql_list(
		"""
		SELECT u.email FROM `tabBilling Company User` c JOIN `tabUser` u ON u.name = c.user
		WHERE c.parent = %s AND c.parenttype = 'Billing Company' AND c.gets_warnings = 1 AND u.enabled = 1
		ORDER BY c.idx
		""",
		(company,),
	)
	return list(dict.fromkeys(address for address in [*billing_emails.split(), *users] if address))


def queue_warning(warning: frappe._dict) -> None:
	"""Put the mail of a Low Balance Warning into Frappe's Email Queue, in the open transaction."""
	language = frappe.db.get_value("Billing Company", warning.company, "language") or "en"
	with print_language(language):
		frappe.sendmail(
			recipients=warning.recipients.split(),
			subject=_subject(warning),
			template="low_balance",
			args={
				"company": warning.company,
				"headline": _headline(warning),
				"available": money(from_database(warning.available), warning.currency, language),
				"threshold": money(from_database(warning.threshold), warning.currency, language),
				"minutes": minutes_left(warning.company),
				"top_up_url": get_url("/business/billing/topup?" + urlencode({"company": warning.company})),
			},
			reference_doctype="Billing Company",
			reference_name=warning.company,
		)


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


def _managers() -> list[str]:
	return frappe.db.sql_list(
		"""
		SELECT DISTINCT u.email FROM `tabHas Role` r JOIN `tabUser` u ON u.name = r.parent
		WHERE r.role = %s AND r.parenttype = 'User' AND u.enabled = 1 AND u.email LIKE '%%@%%'
		""",
		(MANAGER,),
	)


def _subject(warning: frappe._dict) -> str:
	subjects = {
		"Low": _("Your prepaid balance is low"),
		"Critical": _("Your prepaid balance is nearly used up"),
		"Empty": _("Your prepaid balance is used up"),
	}
	return f"{subjects[warning.level]}: {warning.company}"


def _headline(warning: frappe._dict) -> str:
	headlines = {
		"Low": _("Your balance is below the threshold that you set."),
		"Critical": _("Your balance is nearly used up."),
		"Empty": _("Your balance is used up. New calls cannot be started."),
	}
	return headlines[warning.level]
