"""Refunds, disputes and comparisons of before they knew whether they are of test mode or of live mode.

A comparison did not say which it was of. It is taken for a live one from the first live top-up on, so that no alarm about
real money is lost; the next comparison without difference closes it.
"""

import frappe

_CLAIMS = """
	UPDATE `tab{}` c JOIN `tabBalance Topup` t ON t.name = c.topup SET c.livemode = t.livemode
	WHERE c.livemode <> t.livemode
"""
_COMPARISONS = """
	UPDATE `tabBilling Reconciliation` SET livemode = 1
	WHERE started_us > (SELECT MIN(created_us) FROM `tabBalance Topup` WHERE livemode = 1)
"""


def execute() -> None:
	"""Fill the columns of mode. Running it again changes nothing."""
	for doctype in ("Billing Refund", "Billing Dispute"):
		frappe.db.sql(_CLAIMS.format(doctype))
	# Those of now say themselves which they are of.
	if not frappe.db.exists("Billing Reconciliation", {"livemode": 1}):
		frappe.db.sql(_COMPARISONS)
