"""The history says when a call began: its record may be booked much later, on another day. Over HTTP."""

import re
from datetime import date, datetime, timedelta

import pytest

from prepaid_billing import ledger
from prepaid_billing.calls import cdr
from prepaid_billing.calls.cdr import Cdr
from prepaid_billing.display import day_of, moment
from prepaid_billing.ledger import clock
from prepaid_billing.ledger.period import midnight, today, zone_of
from tests import factories, site
from tests.client import Api
from tests.integration.test_settings_page import Portal
from tests.integration.test_transactions import booked
from tests.pdf import text_of

PAGE = "/business/billing/transactions"
MINUTE = 60 * clock.SECOND


def record(company: str, began_us: int, seconds: int = 61, callee: str = "+4930555", **more: object) -> str:
	"""Book a call by its record, now."""
	call_id = str(more.pop("call_id", factories.new_id()))
	[outcome] = cdr.book([Cdr(call_id, company, seconds, started_us=began_us, callee=callee, **more)])
	assert outcome.result == cdr.ACCEPTED, outcome
	return call_id


@pytest.fixture
def company() -> str:
	return factories.make_company("50", time_zone="Asia/Kathmandu")


def began(company: str, days_ago: int, hour: int, minute: int) -> tuple[int, datetime]:
	"""Return an instant of some days ago, and what the company's clocks showed at it."""
	zone = zone_of(company)
	began_us = midnight(today(zone) - timedelta(days=days_ago), zone) + (hour * 60 + minute) * MINUTE
	return began_us, clock.local_time(began_us, zone)


def day_booked(company: str) -> date:
	return clock.local_time(booked(company)[-1].booked_us, zone_of(company)).date()


def page_of(company: str, query: str) -> str:
	text = Portal(*factories.make_customer(company)).get(f"{PAGE}?{query}").text
	return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def opened(company: str) -> str:
	site.fresh()
	return page_of(company, f"open={day_booked(company)}")


def test_an_opened_day_tells_when_each_of_its_calls_began(company: str) -> None:
	began_us, local = began(company, 1, 14, 5)
	record(company, began_us)
	text = opened(company)
	assert f"{moment(local, 'en')} +4930555" in text, text


def test_a_call_that_began_on_the_day_shown_needs_no_date(company: str) -> None:
	began_us, local = began(company, 0, 0, 0)
	record(company, began_us)
	assert day_booked(company) == local.date()
	assert "00:00 +4930555" in opened(company) and f"{day_of(local, 'en')}, 00:00" not in opened(company)


def test_a_correction_names_the_beginning_of_the_call_that_it_corrects(company: str) -> None:
	began_us, local = began(company, 3, 9, 30)
	call_id = record(company, began_us)
	record(company, began_us, 30, call_id=call_id, revision=1)
	assert opened(company).count(f"{moment(local, 'en')} +4930555") == 2


def test_single_entries_tell_when_a_call_began_beside_when_it_was_booked(company: str) -> None:
	began_us, local = began(company, 1, 14, 5)
	record(company, began_us)
	text = page_of(company, "view=entries")
	site.fresh()
	booked_at = clock.local_time(booked(company)[-1].booked_us, zone_of(company))
	assert f"{moment(booked_at, 'en')} Call to +4930555 began {moment(local, 'en')};" in text, text


def test_a_statement_tells_when_a_call_began(company: str) -> None:
	began_us, local = began(company, 1, 14, 5)
	record(company, began_us)
	customer = Api(factories.make_api_customer(company))
	text = text_of(customer.get("transactions.export", format="pdf").content)
	assert f"+4930555 (1:01); began {moment(local, 'en')}" in text, text


def test_an_entry_without_a_call_has_no_beginning(company: str) -> None:
	ledger.debit(
		company, ledger.balance_of(company).balance / 2, transaction_type="Adjustment", key="a" + company
	)
	assert "began" not in page_of(company, "view=entries")
