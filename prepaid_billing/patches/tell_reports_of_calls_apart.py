"""Calls of before CDRs: who said how long they were, and how many entries they have."""

import frappe

_BOOKINGS = """
	UPDATE `tabCall Charge` c JOIN (
		SELECT reference_name, COUNT(*) AS entries FROM `tabBalance Transaction`
		WHERE reference_doctype = 'Call Charge' GROUP BY reference_name
	) e ON e.reference_name = c.name
	SET c.bookings = e.entries WHERE c.bookings = 0
"""
_ENDED = """
	UPDATE `tabCall Charge` SET duration_from = 'End', end_duration_sec = duration_sec
	WHERE status = 'Charged' AND COALESCE(duration_from, '') = ''
"""
_RELEASED = """
	UPDATE `tabCall Charge`
	SET answers = JSON_REMOVE(JSON_SET(answers, '$.release', JSON_EXTRACT(answers, '$.end')), '$.end')
	WHERE status = 'Released' AND JSON_EXISTS(answers, '$.end')
"""
_EXPIRED = """
	UPDATE `tabCall Charge` SET duration_from = 'Usage', review = 'Expired', answers = JSON_REMOVE(answers, '$.end')
	WHERE status = 'Expired' AND COALESCE(duration_from, '') = ''
"""


def execute() -> None:
	"""Fill the columns that came with CDRs. Running it again changes nothing."""
	for statement in (_BOOKINGS, _ENDED, _RELEASED, _EXPIRED):
		frappe.db.sql(statement)
