"""What the desk's own pages ask for, and where a method of Frappe's own would tell customers about the books."""

from typing import Any

import frappe
import frappe.client

from prepaid_billing.api.endpoint import endpoint
from prepaid_billing.calls import live
from prepaid_billing.permissions import MANAGER, STAFF


@frappe.whitelist(methods=["GET", "POST"])
def get_count(doctype: Any = None, filters: Any = None, debug: Any = False, cache: Any = False) -> int:
	"""Count records as frappe.client.get_count does, which in v15 asks for no permission.

	Filters on amounts would let anybody with a login find a balance by halving. Raises frappe.PermissionError.
	"""
	frappe.has_permission(doctype, "read", throw=True)
	return frappe.client.get_count(doctype, filters, bool(debug), bool(cache))


@frappe.whitelist(methods=["GET"])
@endpoint(MANAGER, STAFF)
def calls() -> dict:
	"""Return the calls in progress with what they hold, and those that need a person."""
	return {"in_progress": live.in_progress(), "queue": live.queue()}
