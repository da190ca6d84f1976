"""Receipts of before test mode had a series of its own: they keep their numbers, in the series that both modes shared.

A number once issued never changes, and the live series has no gap only as long as they stand in it. So it notes up to
which of its numbers one may be a test; from there on verify-ledger lets none in.
"""

import frappe

_MODE = """
	UPDATE `tabBilling Receipt` r JOIN `tabBalance Topup` t ON t.name = r.topup
	SET r.livemode = t.livemode, r.series = r.year WHERE COALESCE(r.series, '') = ''
"""
_SHARED = """
	UPDATE `tabBilling Receipt Year` y SET y.year = y.name, y.livemode = 1, y.mixed_until = COALESCE((
		SELECT MAX(r.sequence) FROM `tabBilling Receipt` r WHERE r.series = y.name AND r.livemode = 0
	), 0)
	WHERE COALESCE(y.year, 0) = 0
"""


def execute() -> None:
	"""Fill the columns of mode and series, and drop the indexes of before. Running it again changes nothing."""
	for statement in (_MODE, _SHARED):
		frappe.db.sql(statement)
	for index in ("pb_receipt_once", "pb_receipt_list"):
		frappe.db.sql_ddl(f"ALTER TABLE `tabBilling Receipt` DROP INDEX IF EXISTS `{index}`")
