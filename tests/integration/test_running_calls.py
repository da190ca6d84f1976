"""What the live overview is told of calls in progress."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import frappe
import pytest

from prepaid_billing.calls import live, session
from prepaid_billing.ledger import clock
from prepaid_billing.portal import overview
from tests.client import Api
from tests.factories import make_api_customer, make_company, new_id
from tests.integration.test_overview_page import text_of

SECOND_PASS = datetime(2026, 10, 25, 1, 30, tzinfo=timezone.utc)
"""In the hour that clocks in Berlin show twice: half past two, for the second time."""


def test_level_and_minutes_come_with_the_figures() -> None:
	company = make_company("20.42")
	api = Api(make_api_customer(company))
	answer = api.get("calls.running").json()["message"]
	assert (answer["level"], answer["minutes_left"]) == ("Good", 48)
	session.authorize(new_id(), company)
	session.authorize(new_id(), company)
	answer = api.get("calls.running").json()["message"]
	assert (answer["level"], answer["minutes_left"]) == ("Low", 46)


def test_the_live_figures_are_worded_by_the_server_as_the_page_words_them() -> None:
	company = make_company("200000", currency="HUF", rate_per_minute=42, time_zone="Asia/Kathmandu")
	session.authorize(new_id(), company, callee="+4930555")
	api = Api(make_api_customer(company))
	words = api.get("calls.running").json()["message"]["in_words"]
	now = clock.local_time(clock.now_us(), ZoneInfo("Asia/Kathmandu"))
	assert words.pop("as_of") in (f"{now:%H:%M}", f"{now - timedelta(minutes=1):%H:%M}")
	before = words.pop("state")
	assert words == {
		"available": "HUF199,958.00",
		"held": "HUF42.00",
		"minutes": "4,760 minutes",
		"running": [{"callee": "+4930555", "length": "not answered yet", "cost": "HUF0.00"}],
		"more_running": "",
	}
	assert words["available"] in text_of(company)
	frappe.db.set_value("Billing Company", company, "status", "Suspended")
	frappe.db.commit()
	assert api.get("calls.running").json()["message"]["in_words"]["state"] != before


@pytest.mark.parametrize("more,words", [(0, ""), (1, "1 more call"), (2, "2 more calls")])
def test_calls_that_are_not_listed_are_counted(
	monkeypatch: pytest.MonkeyPatch, more: int, words: str
) -> None:
	monkeypatch.setattr(overview, "RUNNING", 2)
	company = make_company("50")
	for _number in range(2 + more):
		session.authorize(new_id(), company)
	shown = overview.overview(company)
	assert (len(shown["running"]), shown["more_running"]) == (2, words)


def test_twenty_calls_are_listed_and_fifteen_more_are_told_of() -> None:
	company = make_company("500")
	for _number in range(35):
		session.authorize(new_id(), company)
	answer = Api(make_api_customer(company)).get("calls.running").json()["message"]
	assert (len(answer["calls"]), len(answer["in_words"]["running"])) == (35, 20)
	assert answer["in_words"]["more_running"] == "15 more calls"
	assert "15 more calls" in text_of(company)


@pytest.mark.parametrize("hour", [0, 1])
def test_seconds_count_from_the_answer_also_in_the_hour_that_clocks_repeat(
	monkeypatch: pytest.MonkeyPatch, hour: int
) -> None:
	monkeypatch.setattr(clock, "get_system_timezone", lambda: "Europe/Berlin")
	answered_us = clock.from_aware(SECOND_PASS) - (1 - hour) * 3_600 * clock.SECOND
	started_us = answered_us - 5 * clock.SECOND
	answered_at = clock.site_time(answered_us)
	assert f"{answered_at:%H:%M}" == "02:30"
	assert live._answered_us(answered_at, started_us) == answered_us
