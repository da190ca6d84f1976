"""What Stripe's events said holds names and addresses of people, so it is kept no longer than the settings say.

The events themselves stay for ever: that one came before is known by its id. What nobody has acted on stays as well.
"""

import frappe

from prepaid_billing import settings
from prepaid_billing.ledger import clock, transaction
from prepaid_billing.log import log

DAY = 86_400 * clock.SECOND
BATCH = 500
"""Rows that one transaction removes, so that no webhook waits for long."""

_OLD = """
	SELECT p.name FROM `tabStripe Event Payload` p JOIN `tabStripe Event` e ON e.name = p.name
	WHERE p.creation < %s AND e.status IN ('Processed', 'Ignored', 'Settled') ORDER BY p.creation LIMIT %s
"""
_REMOVE = "DELETE FROM `tabStripe Event Payload` WHERE name IN %s"


def remove_old() -> int:
	"""Remove what is older than the settings say, in small batches, and return how many there were."""
	days = settings.number("keep_payloads_days")
	if not days:
		return 0
	before, removed = clock.site_time(clock.now_us() - days * DAY), 0
	while found := transaction.run(lambda: _remove_batch(before)):
		removed += found
	if removed:
		log("payloads removed", count=removed, before=str(before))
	return removed


def _remove_batch(before: object) -> int:
	names = frappe.db.sql_list(_OLD, (before, BATCH))
	if names:
		frappe.db.sql(_REMOVE, (names,))
	return len(names)
