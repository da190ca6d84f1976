"""Companies of before there were owners."""

import frappe

_OWNERS = """
	UPDATE `tabBilling Company User` c JOIN (
		SELECT r.parent, MIN(r.name) AS name FROM `tabBilling Company User` r JOIN `tabUser` u ON u.name = r.user
		WHERE r.parenttype = 'Billing Company' AND r.may_top_up = 1 AND u.enabled = 1
		GROUP BY r.parent HAVING COUNT(*) = 1
	) alone ON alone.name = c.name
	LEFT JOIN `tabBilling Company User` o
		ON o.parent = c.parent AND o.parenttype = 'Billing Company' AND o.is_owner = 1
	SET c.is_owner = 1 WHERE o.name IS NULL
"""


def execute() -> None:
	"""Make the one user who may top up a company its owner, where it has none.

	Where several may, or nobody, staff decide: `prepaid-billing status` counts such companies. Running it again changes
	nothing, unless staff have taken the last owner away since.
	"""
	frappe.db.sql(_OWNERS)
