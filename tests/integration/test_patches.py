"""Patches bring what an earlier version wrote to what this one reads, and change nothing when run again."""

import frappe

from prepaid_billing.calls import cdr, session
from prepaid_billing.calls.cdr import Cdr
from prepaid_billing.patches import tell_reports_of_calls_apart as patch
from tests import site
from tests.books import call_fields, entries_of
from tests.factories import make_company, new_id

BEFORE = """
	UPDATE `tabCall Charge` SET bookings = 0, duration_from = '', review = '', end_duration_sec = 0,
		answers = JSON_SET(answers, '$.end', COALESCE(JSON_EXTRACT(answers, '$.end'), JSON_EXTRACT(answers, '$.release'),
			JSON_OBJECT('status', status)))
	WHERE company = %s
"""


def test_calls_of_before_cdrs_go_on_as_if_made_today() -> None:
	company = make_company("50")
	ended, released, expired = (new_id() for _n in range(3))
	for call in (ended, released, expired):
		session.authorize(call, company)
	answer = session.end(ended, 60)
	session.release(released)
	with site.later(181):
		session.expire_stale()
	frappe.db.sql(BEFORE, (company,))
	for _time in range(2):
		patch.execute()
	frappe.db.commit()
	assert call_fields(ended, "duration_from", "end_duration_sec", "bookings") == ["End", 60, 1]
	assert session.end(ended, 60) == answer
	assert session.release(released)["status"] == "Released"
	assert call_fields(expired, "review", "duration_from") == ["Expired", "Usage"]
	assert session.end(expired, 30)["amount"] == "0.210000"
	assert cdr.book([Cdr(ended, company, 30)])[0].result == "accepted"
	assert entries_of(company) == [
		"Bonus 50.0",
		"Call Charge -0.42",
		"Call Charge -0.21",
		"Call Correction 0.21",
	]
