"""A call that is corrected after it was charged: each booking tells its own seconds, and together they are the call's."""

import csv
import io
import re
from collections.abc import Callable
from decimal import Decimal

import pytest

from prepaid_billing.calls import care
from tests import factories
from tests.client import Api
from tests.factories import make_company, make_customer, new_id
from tests.integration.test_settings_page import Portal
from tests.pdf import text_of

PAGE = "/business/billing/transactions"


@pytest.fixture
def corrected(gateway: Api) -> Callable[..., str]:
	"""Make calls that were charged for the first of these seconds and then reported with each of the others."""

	def make(company: str, first: int, *later: int) -> str:
		call = new_id()
		gateway.ok("calls.authorize", call_id=call, company=company, callee="+49 30 555 0100")
		gateway.ok("calls.end", call_id=call, duration_sec=first)
		for revision, seconds in enumerate(later):
			row = {"call_id": call, "company": company, "duration_sec": seconds, "revision": revision}
			gateway.ok("calls.record", cdrs=[row])
		return call

	return make


def rows_of(company: str, flavour: str = "csv", **arguments: str) -> list[dict[str, str]]:
	"""Return the bookings of calls in the table of a company."""
	answer = Api(factories.make_api_customer(company)).get("transactions.export", format=flavour, **arguments)
	assert answer.status_code == 200, answer.text
	table = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
	return [row for row in table if "Call" in [*row.values()][2] or "Gespr" in [*row.values()][2]]


def seen(company: str, query: str) -> str:
	"""Return the text of the page of transactions, in one line."""
	text = Portal(*make_customer(company)).get(f"{PAGE}?{query}").text
	return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_seconds_of_a_longer_call_add_up_to_its_own(corrected: Callable) -> None:
	company = make_company("50")
	corrected(company, 60, 120)
	rows = rows_of(company)
	assert [(row["amount"], row["duration_sec"], row["billed_sec"]) for row in rows] == [
		("-0.420000", "60", "60"),
		("-0.420000", "60", "60"),
	]


def test_seconds_of_a_shorter_call_are_taken_off_by_its_correction(corrected: Callable) -> None:
	company = make_company("50")
	corrected(company, 120, 61, 90)
	rows = rows_of(company)
	assert [row["duration_sec"] for row in rows] == ["120", "-59", "29"]
	assert sum(int(row["duration_sec"]) for row in rows) == 90


def test_billed_seconds_of_a_correction_follow_the_increment(corrected: Callable) -> None:
	company = make_company("50", billing_increment=60)
	corrected(company, 61, 59)
	assert [(row["duration_sec"], row["billed_sec"]) for row in rows_of(company)] == [
		("61", "120"),
		("-2", "-60"),
	]


def test_a_call_given_back_keeps_its_seconds_and_says_why(corrected: Callable) -> None:
	company = make_company("50")
	call = corrected(company, 60)
	care.refund(call, Decimal(50), "Quality")
	rows = rows_of(company)
	assert [(row["amount"], row["duration_sec"], row["billed_sec"]) for row in rows] == [
		("-0.420000", "60", "60"),
		("0.210000", "0", "0"),
	]
	text = seen(company, "view=entries")
	assert "1:00 talked, 1:00 billed" in text and "Quality" in text


def test_each_line_of_the_page_is_true_of_its_own_moment(corrected: Callable) -> None:
	company = make_company("50")
	corrected(company, 60, 120)
	text = seen(company, "view=entries")
	assert "1:00 talked, 1:00 billed" in text
	assert "+1:00 talked, +1:00 billed" in text
	assert "length corrected from 1:00 to 2:00" in text
	assert "2:00 talked" not in text


def test_the_opened_day_shows_what_each_booking_brought(corrected: Callable) -> None:
	company = make_company("50")
	corrected(company, 120, 60)
	portal = Portal(*make_customer(company))
	day = re.search(r"open=(\d{4}-\d\d-\d\d)", portal.get(PAGE).text)[1]
	text = portal.get(f"{PAGE}?open={day}").text
	talked = re.findall(r'pb-part-label">Talked</span> ([^<]+)</td>', text)
	assert talked == ["−1:00", "2:00"]
	assert "length corrected from 2:00 to 1:00" in text


def test_the_api_gives_the_seconds_of_each_booking(corrected: Callable) -> None:
	company = make_company("50")
	corrected(company, 60, 120)
	answer = Api(factories.make_api_customer(company)).get("transactions.list").json()["message"]
	assert [(row["call"]["duration_sec"], row["call"]["billed_sec"]) for row in answer["rows"][:2]] == [
		(60, 60),
		(60, 60),
	]


def test_the_statement_says_why_a_call_was_corrected(corrected: Callable) -> None:
	company = make_company("50")
	corrected(company, 60, 120)
	answer = Api(factories.make_api_customer(company)).get("transactions.export", format="pdf", _lang="de")
	text = text_of(answer.content)
	assert "Länge von 1:00 auf 2:00 berichtigt" in text
	assert "Aufladung Top-up" not in text
