"""The customer that a company is at Stripe: made once, with its first top-up, whoever begins that one.

Test mode and live mode have customers of their own; the company keeps the one of the mode that is used.
"""

import hashlib
import json

import frappe

from prepaid_billing import ledger
from prepaid_billing.ledger import rows, transaction
from prepaid_billing.log import log
from prepaid_billing.payments import gateway

_ROW = """
	SELECT stripe_customer_id, stripe_customer_livemode, language, billing_emails
	FROM `tabBilling Company` WHERE name = %s
"""


def customer_of(company: str, livemode: bool, lost: str = "") -> str:
	"""Return the id of a company at Stripe, making it there where it has none yet.

	``lost`` is an id that Stripe does not know any more: it is replaced. Never called inside a lock. Raises
	TryAgain.
	"""
	row = _row(company)
	if known := _usable(row, livemode, lost):
		return known
	params = _params(company, row)
	made = gateway.create_customer(params, _key(params, livemode, lost))
	return transaction.run(lambda: _keep(company, livemode, lost, made))


def _params(company: str, row: frappe._dict) -> dict[str, object]:
	params: dict[str, object] = {"name": company[:256], "metadata": {"company": company}}
	if row.language in ("de", "en"):
		params["preferred_locales"] = [row.language]
	if row.billing_emails:
		params["email"] = row.billing_emails.split()[0]
	return params


def _key(params: dict[str, object], livemode: bool, lost: str) -> str:
	"""Two at once ask with the same key and get the same customer; other facts are another request."""
	asked = json.dumps([params, livemode, lost], sort_keys=True)
	return f"customer-{hashlib.sha256(asked.encode()).hexdigest()}"


def _keep(company: str, livemode: bool, lost: str, made: str) -> str:
	"""Keep the customer unless somebody was quicker, and return the one that is kept."""
	with ledger.locked(company):
		if known := _usable(_row(company), livemode, lost):
			return known
		columns = {"stripe_customer_id": made, "stripe_customer_livemode": int(livemode)}
		rows.update("Billing Company", company, columns)
	log("customer made at stripe", company=company, customer=made)
	return made


def _usable(row: frappe._dict, livemode: bool, lost: str) -> str | None:
	same_mode = bool(row.stripe_customer_livemode) == livemode
	return row.stripe_customer_id if same_mode and row.stripe_customer_id != lost else None


def _row(company: str) -> frappe._dict:
	return frappe.db.sql(_ROW, (company,), as_dict=True)[0]
