"""The customer that a company is at Stripe: made once, with its first top-up, whoever begins that one.

Test mode and live mode have customers of their own; the company keeps the one of the mode that is used. What Stripe
was told of it is noted, so that a new address or language reaches Stripe with the next top-up.
"""

import hashlib
import json

import frappe

from prepaid_billing import ledger
from prepaid_billing.exceptions import BillingError
from prepaid_billing.ledger import clock, rows, transaction
from prepaid_billing.log import log
from prepaid_billing.payments import gateway

_WINDOW_US = 1200 * clock.SECOND
"""How long a request is repeated under one key. Stripe keeps a failure of its own for a key for a day."""

_ROW = """
	SELECT stripe_customer_id, stripe_customer_livemode, stripe_customer_told, language, billing_emails
	FROM `tabBilling Company` WHERE name = %s
"""


def customer_of(company: str, livemode: bool, lost: str = "") -> str:
	"""Return the id of a company at Stripe, making it there where it has none yet.

	``lost`` is an id that Stripe does not know any more: it is replaced. Never called inside a lock. Raises
	TryAgain.
	"""
	row = _row(company)
	params = _params(company, row)
	if known := _usable(row, livemode, lost):
		if row.stripe_customer_told != _digest(params):
			_update(company, known, params)
		return known
	made = gateway.create_customer(params, _key(params, livemode, lost))
	return transaction.run(lambda: _keep(company, livemode, lost, made, _digest(params)))


def _update(company: str, customer: str, params: dict[str, object]) -> None:
	"""Tell Stripe what has changed. Where that fails nobody is kept from topping up; the next one tries again."""

	def note() -> None:
		with ledger.locked(company):
			if _row(company).stripe_customer_id == customer:
				rows.update("Billing Company", company, {"stripe_customer_told": _digest(params)})

	try:
		gateway.update_customer(customer, {"email": "", **params})
		transaction.run(note)
	except BillingError as error:
		log("customer not updated", company=company, customer=customer, reason=str(error))


def _params(company: str, row: frappe._dict) -> dict[str, object]:
	params: dict[str, object] = {"name": company[:256], "metadata": {"company": company}}
	# Always named: a list cannot be emptied at Stripe, so the one of before would stay.
	params["preferred_locales"] = [row.language or frappe.db.get_default("lang") or "en"]
	if row.billing_emails:
		params["email"] = row.billing_emails.split()[0]
	return params


def _key(params: dict[str, object], livemode: bool, lost: str) -> str:
	"""Two at once ask with the same key and get the same customer; other facts are another request.

	So is a later time: at worst there is a customer too many, whom nobody uses.
	"""
	return f"customer-{_digest([params, livemode, lost, clock.now_us() // _WINDOW_US])}"


def _digest(facts: object) -> str:
	return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _keep(company: str, livemode: bool, lost: str, made: str, told: str) -> str:
	"""Keep the customer unless somebody was quicker, and return the one that is kept."""
	with ledger.locked(company):
		if known := _usable(_row(company), livemode, lost):
			return known
		columns = {"stripe_customer_id": made, "stripe_customer_livemode": int(livemode)}
		rows.update("Billing Company", company, {**columns, "stripe_customer_told": told})
	log("customer made at stripe", company=company, customer=made)
	return made


def _usable(row: frappe._dict, livemode: bool, lost: str) -> str | None:
	same_mode = bool(row.stripe_customer_livemode) == livemode
	return row.stripe_customer_id if same_mode and row.stripe_customer_id != lost else None


def _row(company: str) -> frappe._dict:
	return frappe.db.sql(_ROW, (company,), as_dict=True)[0]
