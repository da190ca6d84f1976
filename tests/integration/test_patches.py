"""Patches bring what an earlier version wrote to what this one reads, and change nothing when run again."""

from collections.abc import Callable
from decimal import Decimal

import frappe

from prepaid_billing.calls import cdr, session
from prepaid_billing.calls.cdr import Cdr
from prepaid_billing.ledger import clock, constraints, rows
from prepaid_billing.ledger.verify import verify
from prepaid_billing.patches import (
	keep_payloads_apart,
	look_at_small_balances,
	number_test_receipts_apart,
	tell_modes_apart,
	try_parked_events_again,
)
from prepaid_billing.patches import tell_reports_of_calls_apart as patch
from prepaid_billing.payments import claims, issuing, takeback, webhook
from prepaid_billing.payments.takeback import Claim
from tests import site
from tests.books import call_fields, entries_of
from tests.factories import make_company, new_id
from tests.integration.test_receipts import numbers, paid_live
from tests.integration.test_refunds import paid

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


def test_small_balances_of_before_are_looked_at_whatever_their_threshold() -> None:
	company = make_company("0.3", low_balance_threshold=0)
	table = "ALTER TABLE `tabPrepaid Balance`"
	frappe.db.sql_ddl(f"{table} DROP CONSTRAINT `pb_balance_is_low_or_small`")
	frappe.db.sql(
		"UPDATE `tabPrepaid Balance` SET is_low = (available < low_balance_threshold OR available <= 0)"
	)
	old = "CHECK (is_low = (available < low_balance_threshold OR available <= 0))"
	frappe.db.sql_ddl(f"{table} ADD CONSTRAINT `pb_balance_is_low` {old}")
	for _time in range(2):
		look_at_small_balances.execute()
		constraints.ensure()
		frappe.db.commit()
	assert frappe.db.get_value("Prepaid Balance", company, "is_low") == 1
	assert constraints.missing() == [] and verify() == []


ONE_SERIES = (
	"DELETE FROM `tabBilling Receipt Year` WHERE name LIKE '%%%(year)s'",
	"INSERT INTO `tabBilling Receipt Year` (name, last_sequence) VALUES ('%(year)s', 4)",
	"UPDATE `tabBilling Receipt` SET receipt_number = name, series = NULL WHERE year = %(year)s",
	"""
	UPDATE `tabBilling Receipt` r JOIN (
		SELECT name, ROW_NUMBER() OVER (ORDER BY issued_us) AS place FROM `tabBilling Receipt` WHERE year = %(year)s
	) n ON n.name = r.name
	SET r.sequence = n.place, r.receipt_number = CONCAT('R-%(year)s-', LPAD(n.place, 5, '0')), r.livemode = 0
	""",
)


def issue_after(days: int, *payments: Callable) -> None:
	for place, make in enumerate(payments):
		make()
		with site.later(days * 86_400 + 60 * place):
			issuing.issue_missing()


def issued_when_modes_shared_a_series(days: int) -> int:
	"""Two receipts of test mode between two live ones, in a year of their own, as an earlier version wrote them."""
	issuing.issue_missing()
	issue_after(days, paid_live, paid, paid, paid_live)
	year = numbers(0, days)[-1][0]
	for statement in ONE_SERIES:
		frappe.db.sql(statement % {"year": year})
	frappe.db.commit()
	return year


def test_receipts_of_before_keep_their_numbers_and_the_live_series_stays_whole() -> None:
	year = issued_when_modes_shared_a_series(4000)
	for _time in range(2):
		number_test_receipts_apart.execute()
	frappe.db.commit()
	of_year = [[number for _year, _n, number in numbers(mode, 4000)] for mode in (0, 1)]
	assert of_year == [[f"R-{year}-00002", f"R-{year}-00003"], [f"R-{year}-00001", f"R-{year}-00004"]]
	assert verify() == []
	issue_after(4000, paid_live, paid)
	assert (year, 5, f"R-{year}-00005") in numbers(1, 4000)
	assert (year, 1, f"TEST-R-{year}-00001") in numbers(0, 4000)


def test_a_live_number_that_goes_to_a_test_receipt_later_is_found() -> None:
	year = issued_when_modes_shared_a_series(3600)
	number_test_receipts_apart.execute()
	frappe.db.commit()
	last = {"series": str(year), "sequence": 4}
	before = frappe.db.get_value("Billing Receipt", last, ["name", "topup"])
	for livemode, found in ((0, 1), (1, 0)):
		for doctype, name in zip(("Billing Receipt", "Balance Topup"), before, strict=True):
			frappe.db.sql(f"UPDATE `tab{doctype}` SET livemode = %s WHERE name = %s", (livemode, name))
		frappe.db.commit()
		assert len(verify()) == found


def test_payloads_of_before_move_to_records_of_their_own_and_their_column_goes() -> None:
	names = [new_id() for _n in range(3)]
	frappe.db.sql_ddl("ALTER TABLE `tabStripe Event` ADD COLUMN `payload` longtext")
	for name in names:
		event = {"name": name, "event_id": name, "status": "Ignored", "payload": f'{{"id": "{name}"}}'}
		rows.insert("Stripe Event", clock.now_us(), event)
	frappe.db.commit()
	frappe.db.sql(keep_payloads_apart._MOVE, (names[:1],))
	frappe.db.commit()
	for _time in range(2):
		keep_payloads_apart.execute()
	site.fresh()
	assert not frappe.db.sql("SHOW COLUMNS FROM `tabStripe Event` LIKE 'payload'")
	moved = frappe.db.sql(
		"SELECT name, stripe_event, payload FROM `tabStripe Event Payload` WHERE name IN %s", (names,)
	)
	assert sorted(moved) == sorted((name, name, f'{{"id": "{name}"}}') for name in names)


def test_claims_of_before_have_the_mode_of_their_payment_and_comparisons_that_of_their_time() -> None:
	(live, test), now_us = (paid() for _n in range(2)), clock.now_us()
	claims_of = {}
	for mode, (_company, topup) in enumerate((test, live)):
		for doctype, status in ((takeback.REFUND, "Succeeded"), (takeback.DISPUTE, "Open")):
			claims.apply(topup.name, [Claim(doctype, new_id(), status, Decimal(5), "EUR")])
			claims_of[doctype, topup.name] = mode
	frappe.db.sql("UPDATE `tabBalance Topup` SET livemode = (name = %s)", (live[1].name,))
	frappe.db.sql("UPDATE `tabBilling Reconciliation` SET livemode = 0")
	before, after = (
		{"name": new_id(), "status": "Equal", "started_us": live[1].created_us + moment, "since_us": 0}
		for moment in (-1, 1)
	)
	rows.insert("Billing Reconciliation", now_us, before, after)
	for _time in range(2):
		tell_modes_apart.execute()
		for (doctype, topup), mode in claims_of.items():
			assert frappe.db.get_value(doctype, {"topup": topup}, "livemode") == mode
		modes = [
			frappe.db.get_value("Billing Reconciliation", one["name"], "livemode") for one in (before, after)
		]
		assert modes == [0, 1]
		# One of today, which says itself which mode it is of.
		rows.insert("Billing Reconciliation", now_us, today := {**after, "name": new_id(), "livemode": 0})
	assert frappe.db.get_value("Billing Reconciliation", today["name"], "livemode") == 0
	frappe.db.rollback()


def test_events_that_an_outage_has_parked_before_are_tried_again_and_others_are_not() -> None:
	due_us = clock.now_us() + 3600 * clock.SECOND
	events = {
		"outage": ("Parked", webhook.ATTEMPTS, 0),
		"replayed since": ("Parked", webhook.ATTEMPTS + 3, 0),
		"to be judged": ("Parked", 0, 0),
		"waiting": ("Parked", webhook.ATTEMPTS, due_us),
		"done": ("Processed", webhook.ATTEMPTS, 0),
	}
	names = {kind: new_id() for kind in events}
	for kind, (status, attempts, next_try_us) in events.items():
		row = {"name": names[kind], "event_id": names[kind], "status": status, "attempts": attempts}
		rows.insert("Stripe Event", clock.now_us(), {**row, "next_try_us": next_try_us})
	moments = []
	for _time in range(2):
		try_parked_events_again.execute()
		found = {
			kind: frappe.db.get_value("Stripe Event", name, "next_try_us") for kind, name in names.items()
		}
		moments.append(found)
	assert moments[0] == moments[1]
	tried = [kind for kind, next_try_us in found.items() if 0 < next_try_us <= clock.now_us()]
	assert tried == ["outage", "replayed since"]
	assert found["waiting"] == due_us
	assert frappe.db.get_value("Stripe Event", names["outage"], "next_try_at")
	assert set(frappe.db.sql_list(webhook._WAITING, {"now": clock.now_us(), "resent": "1970-01-01"})) >= {
		names["outage"],
		names["replayed since"],
	}
	frappe.db.rollback()
