"""What a site needs beside its doctypes. Every function here is safe to run again."""

import frappe
from frappe.utils.password import get_encryption_key

from prepaid_billing.ledger import constraints
from prepaid_billing.payments import installation
from prepaid_billing.permissions import CUSTOMER, GATEWAY, MANAGER, STAFF

DESK_ACCESS = {MANAGER: 1, STAFF: 1, CUSTOMER: 0, GATEWAY: 0}


def before_install() -> None:
	"""Make the roles first: Frappe would make those that a doctype names with desk access."""
	_ensure_roles()


def after_install() -> None:
	"""Complete the database and give the settings and the default price list their first values."""
	after_migrate()
	_add_default_price_list()


def after_migrate() -> None:
	"""Bring the encryption key, roles, settings, constraints and the link to ERPNext in line with this version."""
	# Otherwise Frappe makes it when first needed, and web processes of v16, which read the configuration once a minute,
	# make one each: what was encrypted by the first, such as Stripe's keys, can then never be read again.
	get_encryption_key()
	_ensure_roles()
	_write_default_settings()
	installation.ensure_name()
	constraints.ensure()
	_link_erpnext_customer()


def before_uninstall() -> None:
	"""Take back what was added to doctypes of others, and our roles."""
	frappe.db.delete("Custom Field", {"dt": "Billing Company"})
	for role in DESK_ACCESS:
		frappe.db.delete("Has Role", {"role": role})
		frappe.delete_doc("Role", role, force=True, ignore_missing=True)


def _ensure_roles() -> None:
	for role, desk_access in DESK_ACCESS.items():
		if not frappe.db.exists("Role", role):
			frappe.get_doc({"doctype": "Role", "role_name": role, "desk_access": desk_access}).insert()


def _write_default_settings() -> None:
	"""Store the default of each setting that was never stored: Frappe reads such a one as empty, or as off."""
	stored = frappe.db.get_singles_dict("Prepaid Billing Settings")
	for field in frappe.get_meta("Prepaid Billing Settings").fields:
		if field.default and field.fieldname not in stored:
			frappe.db.set_single_value("Prepaid Billing Settings", field.fieldname, field.default)


def _add_default_price_list() -> None:
	if frappe.db.exists("Billing Rate", {"company": ["is", "not set"]}):
		return
	settings = frappe.get_doc("Prepaid Billing Settings")
	frappe.get_doc(
		{
			"doctype": "Billing Rate",
			"currency": settings.default_currency,
			"rate_per_minute": settings.default_rate_per_minute,
			"billing_increment": 1,
			# Not "now": the setup wizard sets the time zone after us, and now would then lie hours ahead.
			"valid_from": "2000-01-01 00:00:00",
		}
	).insert()


def _link_erpnext_customer() -> None:
	"""Where ERPNext is installed, let a company point to its Customer."""
	if not frappe.db.exists("DocType", "Customer") or frappe.db.exists(
		"Custom Field", {"dt": "Billing Company", "fieldname": "customer"}
	):
		return
	from frappe.custom.doctype.custom_field.custom_field import create_custom_field

	create_custom_field(
		"Billing Company",
		{
			"fieldname": "customer",
			"fieldtype": "Link",
			"label": "Customer",
			"options": "Customer",
			"insert_after": "stripe_customer_id",
		},
	)
