"""Which installation began a payment: several may share an account of Stripe, as a site and its copy for tests.

The mark only says whose a payment is that no top-up here holds. What is credited our own row alone decides.
"""

import hashlib

import frappe

from prepaid_billing import settings

MARK = "installation"
"""Its name in the metadata of what we make at Stripe."""

_FIELD = "installation_id"


def own() -> str:
	"""Return what this installation is called."""
	return str(settings.get(_FIELD) or "")


def is_elsewhere(marks: dict[str, str] | None) -> bool:
	"""Whether the metadata of a payment names another installation. Those of before the mark name none."""
	named = (marks or {}).get(MARK)
	return bool(named) and named != own()


def ensure_name() -> None:
	"""Name this installation, unless it has a name.

	By the moment of its installation, which stands in every backup: one of before there was a name gives the same name
	when it is restored, so that what it lost is missed.
	"""
	if frappe.db.get_single_value("Prepaid Billing Settings", _FIELD):
		return
	installed = frappe.db.get_value("Module Def", "Prepaid Billing", "creation")
	_name(hashlib.sha256(str(installed).encode()).hexdigest()[:20])


def rename() -> str:
	"""Give this copy of a site a name of its own, and return it."""
	_name(frappe.generate_hash(length=20))
	return str(frappe.db.get_single_value("Prepaid Billing Settings", _FIELD))


def _name(name: str) -> None:
	frappe.db.set_single_value("Prepaid Billing Settings", _FIELD, name)
