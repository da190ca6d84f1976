"""Payments of a company that are not finished, or failed lately: so that nobody pays twice, or waits for nothing."""

from __future__ import annotations

from urllib.parse import urlencode

import frappe

from prepaid_billing.display import moment
from prepaid_billing.ledger import clock
from prepaid_billing.ledger.period import zone_of
from prepaid_billing.payments import topups
from prepaid_billing.portal import ADDRESS, may_pay
from prepaid_billing.portal.topup import payment

DAYS_OF_A_FAILURE = 7
"""How long a failed payment is told of."""

DAYS_ON_ITS_WAY = 60
"""Longer than any payment is on its way."""

# An attempt at Checkout is open for an hour; bank debits are on their way for days.
_UNFINISHED = f"""
	SELECT name FROM `tabBalance Topup` t
	WHERE company = %(company)s AND created_us > {clock.NOW} - %(looked)s AND (
		status = 'Processing'
		OR (status = 'Created' AND created_us > {clock.NOW} - %(open)s)
		OR (status = 'Failed' AND created_us > {clock.NOW} - %(failed)s AND NOT EXISTS (
			SELECT 1 FROM `tabBalance Topup` later
			WHERE later.company = t.company AND later.created_us > t.created_us
		))
	) ORDER BY created_us DESC LIMIT 10
"""


def unfinished(company: str) -> list[dict[str, object]]:
	"""Return what the pages tell of such payments, the latest first; who may not pay gets no way to Checkout."""
	names = frappe.db.sql_list(
		_UNFINISHED,
		{
			"company": company,
			"looked": DAYS_ON_ITS_WAY * 86_400 * clock.SECOND,
			"open": topups.SESSION_SECONDS * clock.SECOND,
			"failed": DAYS_OF_A_FAILURE * 86_400 * clock.SECOND,
		},
	)
	pays = may_pay(company)
	return [_told(topups.find(name), pays) for name in names]


def _told(topup: frappe._dict, pays: bool) -> dict[str, object]:
	told = payment(topup, pays)
	return {
		**{name: told[name] for name in ("status", "amount", "reason", "checkout_url")},
		"date": moment(clock.local_time(topup.created_us, zone_of(topup.company))),
		"cancel_url": f"{ADDRESS}/topup/cancel?" + urlencode({"topup": topup.name}),
	}
