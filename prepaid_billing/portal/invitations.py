"""Invitations: an owner asks somebody to join a company, and only they themselves can make themselves a user of it.

What an owner is told is the same whether an address has a login or not, is one of staff or disabled. An invitation
is shown to whom it is for on the balance page; until it is accepted it gives no right and no mail.
"""

from __future__ import annotations

import frappe
from frappe import _
from frappe.utils import validate_email_address

from prepaid_billing.alerts import mail
from prepaid_billing.batch import attempt
from prepaid_billing.exceptions import InvalidInput, RateLimited
from prepaid_billing.ledger import clock, rows, transaction
from prepaid_billing.permissions import CUSTOMER
from prepaid_billing.portal import argument

MOST_USERS = 50
"""Users that a company may have, those who are invited among them."""

MOST_A_DAY = 20
"""Invitations of a company in 24 hours, whatever became of them: each may send a mail in our name."""

_OF_COMPANY = """
	SELECT name, email, is_owner, may_top_up FROM `tabBilling Invitation`
	WHERE company = %s AND status = 'Open' ORDER BY created_us
"""
_OF_USER = """
	SELECT i.name, i.company, i.is_owner, i.may_top_up FROM `tabBilling Invitation` i
	JOIN `tabUser` u ON u.email = i.email
	WHERE u.name = %s AND u.user_type = 'Website User' AND i.status = 'Open' ORDER BY i.created_us
"""
_LATELY = f"""
	SELECT COUNT(*) FROM `tabBilling Invitation` WHERE company = %s AND created_us > {clock.NOW} - %s
"""


def of_company(company: str) -> list[frappe._dict]:
	"""Return the invitations of a company that wait for an answer."""
	return frappe.db.sql(_OF_COMPANY, (company,), as_dict=True)


def of_user() -> list[frappe._dict]:
	"""Return the invitations that wait for the session user's answer."""
	return frappe.db.sql(_OF_USER, (frappe.session.user,), as_dict=True)


def invite(company: str) -> None:
	"""Invite who is named in the form, by a mail; somebody without a login gets one, and a mail to choose a password.

	Raises InvalidInput and RateLimited.
	"""
	email = (argument("email") or "").strip().lower()
	if not validate_email_address(email) or "," in email or len(email) > 140:
		raise InvalidInput(_("This is not an e-mail address. Nobody was invited."))
	rights = {
		"is_owner": int(argument("invite_is_owner") == "1"),
		"may_top_up": int(argument("invite_may_top_up") == "1"),
	}

	def work() -> str:
		_lock(company)
		_check(company, email)
		invitation = {"name": rows.new_name(), "company": company, "email": email, "status": "Open"}
		about = {"invited_by": frappe.session.user, "created_us": clock.now_us()}
		rows.insert("Billing Invitation", about["created_us"], {**invitation, **rights, **about})
		if frappe.db.exists("User", {"email": email}):
			return invitation["name"]
		_make_login(email, company)
		return ""

	if name := transaction.run(work):
		# The page says so too: no invitation is lost where no mail can be made.
		attempt(name, lambda name: transaction.run(lambda: mail.queue_invitation(name)))


def withdraw(company: str) -> None:
	"""Take back an invitation that is not answered yet. Raises InvalidInput."""
	_close(argument("invitation"), {row.name for row in of_company(company)}, "Withdrawn")


def decline() -> None:
	"""Turn an invitation to the session user down. Raises InvalidInput."""
	_close(argument("invitation"), {row.name for row in of_user()}, "Declined")


def accept() -> str:
	"""Make the session user one of the company that invited them, and return its name. Raises InvalidInput."""
	invitation = next((row for row in of_user() if row.name == argument("invitation")), None)
	_close(argument("invitation"), {invitation.name} if invitation else set(), "Accepted")
	doc = frappe.get_doc("Billing Company", invitation.company)
	if frappe.session.user not in {row.user for row in doc.users}:
		rights = {"is_owner": invitation.is_owner, "may_top_up": invitation.may_top_up, "gets_warnings": 0}
		doc.append("users", {"user": frappe.session.user, **rights})
		doc.save(ignore_permissions=True)
	user = frappe.get_doc("User", frappe.session.user)
	if CUSTOMER not in {role.role for role in user.roles}:
		user.append("roles", {"role": CUSTOMER})
		user.save(ignore_permissions=True)
	return invitation.company


def _close(name: str | None, known: set[str], status: str) -> None:
	if name not in known:
		raise InvalidInput(_("This invitation is no longer open."))
	rows.update("Billing Invitation", name, {"status": status})


def _lock(company: str) -> None:
	"""Let invitations of a company wait for each other, so that they are counted one by one."""
	frappe.db.sql("SELECT name FROM `tabBilling Company` WHERE name = %s FOR UPDATE", (company,))


def _check(company: str, email: str) -> None:
	users = frappe.get_all("Billing Company User", {"parent": company}, pluck="user")
	invited = [row.email for row in of_company(company)]
	if email in users:
		raise InvalidInput(_("{0} already belongs to the company.").format(email))
	if email in invited:
		raise InvalidInput(_("{0} has already been invited and has not answered yet.").format(email))
	if len(users) + len(invited) >= MOST_USERS:
		raise InvalidInput(
			_("A company has at most {0} users. Remove one, or contact us.").format(MOST_USERS)
		)
	if frappe.db.sql(_LATELY, (company, 86_400 * clock.SECOND))[0][0] >= MOST_A_DAY:
		raise RateLimited(
			_("A company can invite {0} people a day. Please continue tomorrow.").format(MOST_A_DAY)
		)


def _make_login(email: str, company: str) -> None:
	user = frappe.get_doc(
		{
			"doctype": "User",
			"email": email,
			"first_name": email.split("@")[0],
			"language": frappe.db.get_value("Billing Company", company, "language"),
			"send_welcome_email": 1,
			"roles": [{"role": CUSTOMER}],
		}
	)
	# Nobody at the page waits for a mail server.
	user.flags.delay_emails = True
	user.insert(ignore_permissions=True)
