"""Reports about one call, in any order and any number: one charge, that of the best report."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache

import frappe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prepaid_billing.calls import cdr, session
from prepaid_billing.calls.cdr import Cdr
from prepaid_billing.exceptions import CallClosed
from prepaid_billing.ledger import balance_of
from prepaid_billing.rating.money import from_database
from prepaid_billing.rating.price import Rate, cost
from tests import site
from tests.concurrency.conftest import FULL
from tests.factories import make_company, new_id

EXAMPLES = 1_000 if FULL else 100
RATE = Rate(Decimal("0.42"), 6, 30, Decimal("0.05"))
ENTRIES = "SELECT CAST(SUM(amount) AS CHAR), COUNT(*) FROM `tabBalance Transaction` WHERE reference_name = %s"


@dataclass(frozen=True)
class Reports:
	"""What is said of one call: usage by request number, one end, one duration per revision of the CDR."""

	usage: dict[int, int]
	end: int | None
	revisions: dict[int, int]

	@property
	def truth(self) -> int:
		"""Whole seconds that the call is to be charged for."""
		if self.revisions:
			return self.revisions[max(self.revisions)]
		if self.end is not None:
			return self.end
		return max(self.usage.values(), default=0)


seconds = st.integers(0, 500)
some_reports = st.builds(
	Reports,
	st.lists(seconds, max_size=4).map(lambda used: dict(enumerate(sorted(used), 1))),
	st.none() | seconds,
	st.dictionaries(st.integers(0, 5), seconds, max_size=4),
)


def send(kind: str, number: int, call: str, company: str, reports: Reports) -> None:
	"""Send one report; that a call is closed already is the only refusal that may come."""
	try:
		if kind == "usage":
			session.extend(call, reports.usage[number], number)
		elif kind == "end":
			session.end(call, reports.end)
		else:
			assert cdr.book([Cdr(call, company, reports.revisions[number], number)])[0].result != "refused"
	except CallClosed:
		assert kind == "usage"


@cache
def priced_company() -> str:
	"""One company for all examples, with a rate at which every rounding shows."""
	company = make_company("100000", rate_per_minute=0.42, billing_increment=6)
	rate = frappe.get_doc("Billing Rate", {"company": company})
	rate.update({"minimum_duration": 30, "connection_fee": 0.05})
	rate.save()
	frappe.db.commit()
	return company


@given(data=st.data(), reports=some_reports)
@settings(
	max_examples=EXAMPLES,
	deadline=None,
	database=None,
	derandomize=not FULL,
	suppress_health_check=list(HealthCheck),
)
def test_any_order_and_repetition_of_reports_ends_in_the_charge_of_the_best(
	data: st.DataObject, reports: Reports
) -> None:
	sent = [("usage", number) for number in reports.usage]
	sent += [("end", 0)] if reports.end is not None else []
	sent += [("cdr", number) for number in reports.revisions]
	order = data.draw(st.permutations(sent * 2)) if sent else []
	company, call = priced_company(), new_id()
	before = balance_of(company).balance
	session.authorize(call, company)
	for kind, number in order:
		send(kind, number, call, company, reports)
	with site.later(86_400):
		session.expire_stale()
	name, amount, status = frappe.db.get_value("Call Charge", {"call_id": call}, ["name", "amount", "status"])
	expected = cost(RATE, reports.truth)
	booked, entries = frappe.db.sql(ENTRIES, (name,))[0]
	assert from_database(amount) == expected == -from_database(booked)
	assert before - balance_of(company).balance == expected
	assert balance_of(company).reserved == 0
	assert status == ("Charged" if reports.revisions or reports.end is not None else "Expired")
	assert entries <= 1 + len(reports.revisions)
