"""Prepaid Billing Settings, read from Frappe's document cache. Nothing here is money that moves."""

import os
from decimal import Decimal

import frappe
from frappe.model.document import Document

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


def secret(name: str, doc: Document | None = None) -> str:
	"""Return one of Stripe's secrets, or nothing: the environment beats site_config.json, which beats the settings.

	``doc`` is the settings as they will be once they are saved.
	"""
	value = os.environ.get(name.upper()) or frappe.conf.get(name)
	if not value:
		stored = doc or frappe.get_cached_doc("Prepaid Billing Settings")
		value = stored.get_password(name, raise_exception=False)
	return (value or "").strip()
