"""Whether Stripe's events arrive: payments that were credited, and of which of them an event came."""

from dataclasses import dataclass
from datetime import datetime

import frappe

from prepaid_billing.ledger import clock
from prepaid_billing.payments import keys

DAYS = 7
LATE_US = 6 * 3600 * clock.SECOND
"""How long an event may be on its way: Stripe sends it again in hours where we did not answer."""

_PAID = """
	SELECT COUNT(*), COALESCE(SUM(NOT EXISTS (SELECT 1 FROM `tabStripe Event` e WHERE e.topup = t.name)), 0)
	FROM `tabBalance Topup` t WHERE t.paid_us BETWEEN %s AND %s AND t.livemode = %s
"""
_ANY_PAID = "SELECT 1 FROM `tabBalance Topup` WHERE paid_us BETWEEN %s AND %s LIMIT 1"
_LAST = "SELECT received_at FROM `tabStripe Event` ORDER BY received_at DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Heard:
	"""Payments of the last days, how many of them only our own asking has told us of, and when the last event came."""

	payments: int
	unheard: int
	last_event_at: datetime | None


def of_last_days() -> Heard:
	"""Return what was heard of the payments of the last days in the mode that the keys are of, but the latest hours."""
	now_us = clock.now_us()
	span = (now_us - DAYS * 86_400 * clock.SECOND, now_us - LATE_US)
	last = frappe.db.sql_list(_LAST)
	# A site that takes no payments has no key that tells its mode either.
	[(payments, unheard)] = (
		frappe.db.sql(_PAID, (*span, int(keys.is_live()))) if frappe.db.sql(_ANY_PAID, span) else [(0, 0)]
	)
	return Heard(int(payments), int(unheard), last[0] if last else None)
