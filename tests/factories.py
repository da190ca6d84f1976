"""Companies and users for tests, each with a name of its own, made by the product's own documents."""

import os
import secrets
from decimal import Decimal

import frappe

from prepaid_billing import ledger
from prepaid_billing.ledger import clock, rows
from prepaid_billing.permissions import CUSTOMER, GATEWAY, MANAGER

PREFIX = os.environ.get("PB_COMPANY_PREFIX", "Test")
"""First word of the companies' names."""

PASSWORD = "correct horse battery staple"


def make_company(balance: str = "0", **fields: object) -> str:
	"""Make a company (0.42 a minute, per second, threshold 20, EUR) with a balance and return its name."""
	values = {
		"company_name": f"{PREFIX} {secrets.token_hex(4)}",
		"currency": "EUR",
		"language": "en",
		"rate_per_minute": 0.42,
		"billing_increment": 1,
		"low_balance_threshold": 20,
		**fields,
	}
	company = frappe.get_doc({"doctype": "Billing Company", **values}).insert().name
	frappe.db.commit()
	if Decimal(balance):
		give(company, balance)
	return company


def give(company: str, amount: str) -> None:
	"""Credit a company, as staff give a bonus."""
	ledger.credit(
		company, Decimal(amount), transaction_type="Bonus", key=f"bonus:{company}:{secrets.token_hex(8)}"
	)


def make_customer(company: str | None, may_top_up: bool = True, is_owner: bool = False) -> tuple[str, str]:
	"""Make a portal user, of a company or of none, and return e-mail and password."""
	email = make_user(CUSTOMER, PASSWORD)
	if company:
		join_company(email, company, may_top_up, is_owner)
	return email, PASSWORD


def name_person(email: str, first_name: str, last_name: str) -> None:
	"""Give a user a name."""
	frappe.db.rollback()  # to read the user as the last request left it
	user = frappe.get_doc("User", email)
	user.update({"first_name": first_name, "last_name": last_name})
	user.save()
	frappe.db.commit()


def make_manager() -> tuple[str, str]:
	"""Make a staff user with the manager's role and return e-mail and password."""
	return make_user(MANAGER, PASSWORD), PASSWORD


def make_gateway_key() -> str:
	"""Make a user of the call gateway and return the Authorization header of its API key."""
	return api_key_of(make_user(GATEWAY))


def api_key_of(email: str) -> str:
	"""Give a user an API key and return its Authorization header."""
	user = frappe.get_doc("User", email)
	secret = secrets.token_hex(16)
	user.update({"api_key": secrets.token_hex(8), "api_secret": secret})
	user.save()
	frappe.db.commit()
	return f"token {user.api_key}:{secret}"


def make_api_customer(company: str, may_top_up: bool = True) -> str:
	"""Make a portal user who calls the API, and return the Authorization header of the API key."""
	email = make_user(CUSTOMER)
	join_company(email, company, may_top_up)
	return api_key_of(email)


def join_company(email: str, company: str, may_top_up: bool, is_owner: bool = False) -> None:
	"""Put a user into the users of a company."""
	doc = frappe.get_doc("Billing Company", company)
	rights = {"may_top_up": int(may_top_up), "is_owner": int(is_owner)}
	doc.append("users", {"user": email, "gets_warnings": 0, **rights})
	doc.save()
	frappe.db.commit()


def invite(email: str, company: str) -> None:
	"""Invite somebody to a company, who has not answered yet."""
	row = {"name": new_id("invitation"), "company": company, "email": email, "status": "Open"}
	now_us = clock.now_us()
	rows.insert("Billing Invitation", now_us, {**row, "may_top_up": 1, "is_owner": 0, "created_us": now_us})
	frappe.db.commit()


def make_user(role: str, password: str | None = None) -> str:
	"""Make a user with one role, without a welcome mail; return the e-mail address.

	Only those who log in get a password: Frappe judges and hashes it for a good part of a second.
	"""
	email = f"test-{secrets.token_hex(4)}@example.com"
	frappe.get_doc(
		{
			"doctype": "User",
			"email": email,
			"first_name": "Test",
			"send_welcome_email": 0,
			"new_password": password,
			"roles": [{"role": role}],
		}
	).insert()
	frappe.db.commit()
	return email


def new_id(prefix: str = "call") -> str:
	"""Return an id that was never used."""
	return f"{prefix}-{secrets.token_hex(8)}"
