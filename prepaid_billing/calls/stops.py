"""Why a company can start no calls, whatever its balance: said to the gateway by a refusal, to the customer by a page."""

from __future__ import annotations

from collections.abc import Sequence

import frappe

from prepaid_billing import mode, settings

SUSPENDED, SWITCHED_OFF, FROZEN, DISPUTED = "suspended", "switched off", "frozen", "disputed"

# Of disputes the modes that they are of, such as "0" or "0,1": the key, which tells which one counts, is only read for them.
_STATE = """
	SELECT c.status, c.prepaid_billing_enabled,
		(
			SELECT GROUP_CONCAT(DISTINCT d.livemode) FROM `tabBilling Dispute` d
			WHERE d.company = c.name AND d.status = 'Open'
		)
		{columns} FROM `tabBilling Company` c {condition}
"""
_ONE = _STATE.format(columns="", condition="WHERE c.name = %s")
_SEVERAL = _STATE.format(
	columns=", b.status, c.name",
	condition="JOIN `tabPrepaid Balance` b ON b.name = c.name WHERE c.name IN %s",
)


def stop_of(company: str, balance_status: str) -> str:
	"""Return what stops every new call of a company, the strongest first, or "". Reads only.

	``balance_status`` is that of its balance: read under the lock by who decides on a call.
	"""
	return _stop(*frappe.db.sql(_ONE, (company,))[0], balance_status)


def stops_of(companies: Sequence[str]) -> dict[str, str]:
	"""Return what stops every new call of each company, or "", by one query for all of them."""
	return {name: _stop(*state) for *state, name in frappe.db.sql(_SEVERAL, (companies,))}


def _stop(status: str, enabled: int, disputed: str | None, balance_status: str) -> str:
	if status != "Active":
		return SUSPENDED
	if not enabled:
		return SWITCHED_OFF
	if balance_status != "Active":
		return FROZEN
	if disputed and settings.number("dispute_stops_calls") and str(int(mode.is_live())) in disputed:
		return DISPUTED
	return ""
