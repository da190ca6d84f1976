"""Prepaid Billing Settings, read from Frappe's document cache. Nothing here is money that moves."""

from decimal import Decimal

import frappe

from prepaid_billing.rating.money import from_database


def get(fieldname: str) -> object:
	"""Return a setting as stored."""
	return frappe.get_cached_doc("Prepaid Billing Settings").get(fieldname)


def number(fieldname: str) -> int:
	"""Return a setting that is a whole number."""
	return int(str(get(fieldname)))


def amount(fieldname: str) -> Decimal:
	"""Return a setting that is an amount, exactly."""
	return from_database(get(fieldname))
