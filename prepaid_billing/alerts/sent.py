"""What became of mails that were handed to Frappe's Email Queue: read there when somebody looks, kept nowhere else."""

from collections.abc import Sequence

import frappe

REFERENCES = ("Billing Notice", "Low Balance Warning")
_WORST_FIRST = ("Error", "Partially Sent", "Sending", "Not Sent", "Sent")
_STATES = """
	SELECT reference_name, GROUP_CONCAT(DISTINCT status) FROM `tabEmail Queue`
	WHERE reference_doctype = %s AND reference_name IN %s GROUP BY reference_name
"""


def states(names: Sequence[str]) -> dict[str, str]:
	"""Return the state of the mail of each Billing Notice or Low Balance Warning, as the Email Queue names it.

	Of several mails of one notice it is the worst. Left out is what the user may not see, and what is no longer in the
	queue: Frappe empties it after a month.
	"""
	found: dict[str, str] = {}
	for doctype in REFERENCES:
		visible = frappe.get_list(doctype, {"name": ["in", names]}, pluck="name") if names else []
		if visible:
			found |= {name: _worst(told) for name, told in frappe.db.sql(_STATES, (doctype, visible))}
	return found


def _worst(told: str) -> str:
	return min(told.split(","), key=_WORST_FIRST.index)
