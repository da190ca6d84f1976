"""Events that an outage has parked before such events were tried again by themselves: they are from now on.

What a person has to judge has not failed, or less often, and is left alone.
"""

import frappe

from prepaid_billing.ledger import clock
from prepaid_billing.payments.webhook import ATTEMPTS

_TRY = """
	UPDATE `tabStripe Event` SET next_try_us = %s, next_try_at = %s
	WHERE status = 'Parked' AND attempts >= %s AND next_try_us = 0
"""


def execute() -> None:
	"""Let the hourly job try them. Running it again at once changes nothing."""
	now_us = clock.now_us()
	frappe.db.sql(_TRY, (now_us, clock.site_time(now_us), ATTEMPTS))
