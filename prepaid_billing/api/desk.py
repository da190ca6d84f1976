"""What the desk's own pages ask for, and where a method of Frappe's own would tell customers about the books."""

from typing import Any

import frappe
import frappe.client

from prepaid_billing import inputs
from prepaid_billing.alerts import sent
from prepaid_billing.api.endpoint import endpoint
from prepaid_billing.calls import live
from prepaid_billing.permissions import MANAGER, STAFF, kept_to

_MOST_NAMES = 500
"""Rows that a list of the desk shows at most; a name has 20 characters."""


@frappe.whitelist(methods=["GET", "POST"])
def get_count(doctype: Any = None, filters: Any = None, debug: Any = False, cache: Any = False) -> int:
	"""Count records as frappe.client.get_count does, which in v15 asks for no permission.

	Filters on amounts would let anybody with a login find a balance by halving. Raises frappe.PermissionError.
	"""
	frappe.has_permission(doctype, "read", throw=True)
	if kept_to():
		# Frappe's own count does not keep to User Permissions; whoever has some sees few records.
		asked = frappe.parse_json(filters) if isinstance(filters, str) else filters
		return len(frappe.get_list(doctype, asked, pluck="name", limit=0))
	return frappe.client.get_count(doctype, filters, bool(debug), bool(cache))


@frappe.whitelist(methods=["GET"])
@endpoint(MANAGER, STAFF)
def calls() -> dict:
	"""Return the calls in progress with what they hold, and those that need a person."""
	return {"in_progress": live.in_progress(), "queue": live.queue()}


@frappe.whitelist(methods=["GET"])
@endpoint(MANAGER, STAFF)
def mails(notices: Any = None) -> dict:
	"""Return what became of the mails of notices and warnings, given by their names with commas between."""
	names = inputs.text(notices, "notices", most=_MOST_NAMES * 21)
	return sent.states([name for name in names.split(",") if name])
