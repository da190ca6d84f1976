"""What the live overview is told of calls in progress."""

from datetime import datetime, timezone

import pytest

from prepaid_billing.calls import live, session
from prepaid_billing.ledger import clock
from tests.client import Api
from tests.factories import make_api_customer, make_company, new_id

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
