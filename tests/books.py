"""What the books say, as they stand now."""

import frappe

from tests import site


def entries_of(company: str) -> list[str]:
	"""Return the entries of a company in their order, such as ``"Call Charge -0.42"``."""
	site.fresh()
	fields = ["transaction_type", "amount"]
	rows = frappe.get_all("Balance Transaction", {"balance": company}, fields, order_by="sequence")
	return [f"{row.transaction_type} {row.amount}" for row in rows]


def call_fields(call_id: str, *fields: str) -> list:
	"""Return columns of a call."""
	site.fresh()
	return list(frappe.get_all("Call Charge", {"call_id": call_id}, fields, as_list=True)[0])
