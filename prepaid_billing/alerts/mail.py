"""Who is told, and how: mails in the company's language, and the notification in the desk and app."""

from collections.abc import Sequence

import frappe
from frappe import _
from frappe.translate import print_language
from frappe.utils import create_batch, get_fullname, get_url, validate_email_address

from prepaid_billing.alerts import letters
from prepaid_billing.alerts.addresses import NOBODY_LISTED, NOBODY_REACHED, Footer, by_footer, once
from prepaid_billing.alerts.letters import Letter
from prepaid_billing.calls import recent
from prepaid_billing.calls.pricing import minutes_left
from prepaid_billing.display import money, person
from prepaid_billing.ledger import clock
from prepaid_billing.permissions import MANAGER, kept_to

MOST_AT_ONCE = 100
"""Addresses that Frappe takes into one mail."""

_USERS = """
	SELECT u.email FROM `tabBilling Company User` c JOIN `tabUser` u ON u.name = c.user
	WHERE c.parent = %s AND c.parenttype = 'Billing Company' AND u.enabled = 1 {} ORDER BY c.idx
"""
_INVITED = """
	SELECT i.company, i.email, i.is_owner, i.may_top_up, i.invited_by, u.language FROM `tabBilling Invitation` i
	JOIN `tabUser` u ON u.email = i.email
	WHERE i.name = %s AND u.user_type = 'Website User' AND u.enabled = 1 AND NOT EXISTS (
		SELECT 1 FROM `tabBilling Invitation` b WHERE b.company = i.company AND b.email = i.email
			AND b.created_us BETWEEN i.created_us - %s AND i.created_us - 1
	)
"""


def recipients(company: str) -> list[str]:
	"""Return the addresses that get the mails of a company: its billing e-mails and willing users."""
	billing_emails = frappe.db.get_value("Billing Company", company, "billing_emails") or ""
	users = frappe.db.sql_list(_USERS.format("AND c.gets_warnings = 1"), (company,))
	return once([*billing_emails.split(), *users])


def reachable(addresses: Sequence[str]) -> list[str]:
	"""Return those of the addresses that Frappe sends mails to: valid, and not unsubscribed from this site's mails."""
	valid = [one for one in once(addresses) if validate_email_address(one)]
	query = "SELECT LOWER(email) FROM `tabEmail Unsubscribe` WHERE email IN %s AND global_unsubscribe = 1"
	gone = frappe.db.sql_list(query, (valid,)) if valid else []
	return [one for one in valid if one.lower() not in gone]


def unreachable(listed: Sequence[str]) -> str:
	"""Return why nobody of those who are listed can be told, or nothing."""
	if not listed:
		return NOBODY_LISTED
	return "" if reachable(listed) else NOBODY_REACHED


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
) -> bool:
	"""Put a letter into Frappe's Email Queue, in the open transaction and the language that is set.

	Returns False where nobody can be reached: every address is unsubscribed, or is none.
	"""
	queued = [
		send(
			group,
			letter.subject,
			"billing_mail",
			{"letter": letter, "company": company, "footer": footer},
			reference,
			attachments,
		)
		for footer, group in by_footer(company, to).items()
	]
	return any(queued)


def send(
	to: Sequence[str],
	subject: str,
	template: str,
	content: dict[str, object],
	reference: tuple[str | None, str | None] = (None, None),
	attachments: Sequence[dict] = (),
) -> bool:
	"""Put a mail into Frappe's Email Queue, in the open transaction; False where it is made for nobody.

	A hundred addresses at a time: more are Frappe's to send by a job of its own, before our transaction is committed, and
	again where that is retried. One wrong address would keep the mail from all others.
	"""
	queued = [
		frappe.sendmail(
			recipients=batch,
			subject=subject,
			template=template,
			args={**content, "language": frappe.local.lang},
			reference_doctype=reference[0],
			reference_name=reference[1],
			attachments=list(attachments),
			add_unsubscribe_link=0,
		)
		for batch in create_batch(reachable(to), MOST_AT_ONCE)
	]
	return any(queued)


def warning_letter(row: frappe._dict, level: str) -> Letter:
	"""Return what a Low Balance Warning says, in the language that is set; ``row`` is the company as the check reads it."""
	held = row.balance - row.available
	return letters.low_balance(
		level,
		row.name,
		money(row.available, row.currency),
		money(row.threshold, row.currency),
		minutes_left(row.name),
		recent.days_left(row.available, recent.per_day(row.name, recent.of_last_days(row.name, recent.WEEK))),
		money(held, row.currency) if held else "",
	)


def queue_invitation(invitation: str) -> None:
	"""Tell whom a company asks to join that it does, in their own language; once a day, however often it asks.

	Only a customer with a login: whoever had none gets Frappe's mail to choose a password, and staff are never shown one.
	"""
	found = frappe.db.sql(_INVITED, (invitation, 86_400 * clock.SECOND), as_dict=True)
	if not found:
		return
	row = found[0]
	with print_language(row.language or language_of(row.company)):
		letter = letters.invitation(
			row.company, person(get_fullname(row.invited_by)), bool(row.is_owner), bool(row.may_top_up)
		)
		why = _("You get this mail because this company has entered your address to invite you.")
		content = {"letter": letter, "company": row.company, "footer": Footer(why)}
		send([row.email], letter.subject, "billing_mail", content, ("Billing Invitation", invitation))


def queue_broken_books(findings: list[str]) -> None:
	"""Tell the managers of all companies what the check of the books has found."""
	subject = _("The books of Prepaid Billing do not add up")
	send(_of_all_companies(), subject, "broken_books", {"findings": findings, "site": get_url()})


def queue_different_books(sums: list[str], findings: list[str]) -> None:
	"""Tell the managers of all companies how our books and Stripe's differ: sums by currency, and what."""
	subject = _("The books of Prepaid Billing and Stripe's differ")
	content = {"sums": sums, "findings": findings, "site": get_url()}
	send(_of_all_companies(), subject, "different_books", content)


def queue_failed_comparison(reason: str) -> None:
	"""Tell the managers of all companies that our books could not be compared with Stripe's, and why."""
	subject = _("The books of Prepaid Billing could not be compared with Stripe's")
	send(_of_all_companies(), subject, "failed_comparison", {"reason": reason, "site": get_url()})


def _of_all_companies() -> list[str]:
	"""Return the managers whom no User Permission keeps to some companies; all, where each is kept: an alarm is heard."""
	every = managers()
	return [one for one in every if not companies_of(one)] or every


def companies_of(manager: str) -> list[str]:
	"""Return the companies that User Permissions keep the manager with this address to; none: all are open."""
	return kept_to(frappe.db.get_value("User", {"email": manager}))


def managers() -> list[str]:
	"""Return the addresses of the enabled Prepaid Billing Managers."""
	return frappe.db.sql_list(
		"""
		SELECT DISTINCT u.email FROM `tabHas Role` r JOIN `tabUser` u ON u.name = r.parent
		WHERE r.role = %s AND r.parenttype = 'User' AND u.enabled = 1 AND u.email LIKE '%%@%%'
		""",
		(MANAGER,),
	)
