"""The index of booking times has its successor, pb_entry_moment, which knows the sequence too."""

import frappe


def execute() -> None:
	"""Drop the index that nothing reads any more, so that no booking keeps it up. Running it again changes nothing."""
	frappe.db.sql_ddl("ALTER TABLE `tabBalance Transaction` DROP INDEX IF EXISTS `pb_entry_time`")
