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
			leads = _leads(visible)
			mailed = [leads.get(name, name) for name in visible]
			told = {name: _worst(states) for name, states in frappe.db.sql(_STATES, (doctype, mailed))}
			found |= {name: told[lead] for name, lead in zip(visible, mailed, strict=True) if lead in told}
	return found


def _leads(names: Sequence[str]) -> dict[str, str]:
	"""Return of notices that share a mail with others the one that the mail names."""
	shared = {"name": ["in", names], "reference_doctype": "Billing Notice"}
	return dict(frappe.get_all("Billing Notice", shared, ["name", "reference_name"], as_list=True))


def _worst(told: str) -> str:
	return min(told.split(","), key=_WORST_FIRST.index)
