"""What an event said moves to a record of its own: a column that others may not read could still be searched."""

import frappe

_BATCH = 1000
_COLUMN = "SHOW COLUMNS FROM `tabStripe Event` LIKE 'payload'"
_NAMES = """
	SELECT name FROM `tabStripe Event` WHERE payload IS NOT NULL AND name > %s ORDER BY name LIMIT %s
"""
_MOVE = """
	INSERT IGNORE INTO `tabStripe Event Payload`
		(name, creation, modified, owner, modified_by, docstatus, idx, stripe_event, payload)
	SELECT name, creation, modified, owner, modified_by, 0, 0, name, payload FROM `tabStripe Event` WHERE name IN %s
"""


def execute() -> None:
	"""Copy every payload, then drop the column. Running it again, also after it was broken off, changes nothing."""
	# Frappe's own question is answered from a cache, which a column that was dropped by hand does not clear.
	if not frappe.db.sql(_COLUMN):
		return
	last = ""
	while names := frappe.db.sql_list(_NAMES, (last, _BATCH)):
		frappe.db.sql(_MOVE, (names,))
		frappe.db.commit()  # nosemgrep: frappe-manual-commit -- a batch at a time; what was copied is not copied again
		last = names[-1]
	frappe.db.sql_ddl("ALTER TABLE `tabStripe Event` DROP COLUMN `payload`")
