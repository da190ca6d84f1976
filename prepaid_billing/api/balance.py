"""The balance of a company, as it stands. DESIGN.md section 9."""

from typing import Any

import frappe

from prepaid_billing.api import inputs
from prepaid_billing.api.endpoint import endpoint
from prepaid_billing.calls.pricing import minutes_left
from prepaid_billing.ledger import balance_of
from prepaid_billing.permissions import GATEWAY, MANAGER, STAFF, visible_company
from prepaid_billing.rating.money import as_text


@frappe.whitelist(methods=["GET"])
@endpoint(GATEWAY, MANAGER, STAFF, own_company=True)
def get(company: Any = None) -> dict:
	"""Return balance, what calls in progress hold, what is available and the minutes that it lasts."""
	view = balance_of(visible_company(inputs.optional_company(company), GATEWAY, MANAGER, STAFF))
	return {
		"company": view.company,
		"balance": as_text(view.balance),
		"reserved_balance": as_text(view.reserved),
		"available": as_text(view.available),
		"minutes_left": minutes_left(view.company),
		"status": view.status,
		"currency": view.currency,
	}
