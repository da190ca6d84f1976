"""Whether Stripe's events of payments arrive: top-ups that were credited, and of which of them an event came."""

from dataclasses import dataclass
from datetime import datetime

import frappe

from prepaid_billing.ledger import clock
from prepaid_billing.payments import keys

LATE_US = 6 * 3600 * clock.SECOND
"""How long an event may be on its way: Stripe sends it again in hours where we did not answer."""

_PAID = """
	SELECT t.paid_us, EXISTS (SELECT 1 FROM `tabStripe Event` e WHERE e.topup = t.name)
	FROM `tabBalance Topup` t WHERE t.paid_us BETWEEN %s AND %s AND t.livemode = %s
"""
_ANY_PAID = "SELECT 1 FROM `tabBalance Topup` WHERE paid_us BETWEEN %s AND %s LIMIT 1"
_LAST = "SELECT received_at FROM `tabStripe Event` ORDER BY creation DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Heard:
	"""Payments that were credited, how many of them only our own asking has told us of, and when the last event came."""

	payments: int
	unheard: int
	last_unheard_at: datetime | None
	last_event_at: datetime | None


def of_last(seconds: int) -> Heard:
	"""Return what was heard of the payments that were credited in that time, in the mode that the keys are of.

	The time ends LATE_US ago: what was credited since may still be told of.
	"""
	until_us = clock.now_us() - LATE_US
	span = (until_us - seconds * clock.SECOND, until_us)
	last = frappe.db.sql_list(_LAST)
	# A site that takes no payments has no key that tells its mode either.
	paid = frappe.db.sql(_PAID, (*span, int(keys.is_live()))) if frappe.db.sql(_ANY_PAID, span) else ()
	unheard = [paid_us for paid_us, is_heard in paid if not is_heard]
	return Heard(
		len(paid),
		len(unheard),
		clock.site_time(max(unheard)) if unheard else None,
		last[0] if last else None,
	)
