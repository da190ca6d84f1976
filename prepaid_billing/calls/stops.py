"""Why a company can start no calls, whatever its balance: said to the gateway by a refusal, to the customer by a page."""

from __future__ import annotations

import frappe

from prepaid_billing import settings

SUSPENDED, SWITCHED_OFF, FROZEN, DISPUTED = "suspended", "switched off", "frozen", "disputed"

_STATE = """
	SELECT status, prepaid_billing_enabled,
		EXISTS (SELECT 1 FROM `tabBilling Dispute` d WHERE d.company = c.name AND d.status = 'Open')
	FROM `tabBilling Company` c WHERE name = %s
"""


def stop_of(company: str, balance_status: str) -> str:
	"""Return what stops every new call of a company, the strongest first, or "". Reads only.

	``balance_status`` is that of its balance: read under the lock by who decides on a call.
	"""
	status, enabled, disputed = frappe.db.sql(_STATE, (company,))[0]
	if status != "Active":
		return SUSPENDED
	if not enabled:
		return SWITCHED_OFF
	if balance_status != "Active":
		return FROZEN
	if disputed and settings.number("dispute_stops_calls"):
		return DISPUTED
	return ""
