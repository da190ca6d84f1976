"""A balance below one unit of its currency may be used up whatever its threshold, so the low balance check looks at it."""

import frappe

from prepaid_billing.ledger.balance import refresh_is_low


def execute() -> None:
	"""Drop the CHECK of the old rule and write the flag by the new one. Running it again changes nothing."""
	frappe.db.sql_ddl("ALTER TABLE `tabPrepaid Balance` DROP CONSTRAINT IF EXISTS `pb_balance_is_low`")
	refresh_is_low()
