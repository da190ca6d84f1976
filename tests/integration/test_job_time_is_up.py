"""The time of a background job is up while Stripe does not answer: the job ends, and nothing takes it for a passing fault."""

import traceback
from collections.abc import Callable, Iterator
from decimal import Decimal

import frappe
import pytest
import requests
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty

from prepaid_billing.payments import gateway, keys, topups, webhook
from tests import site
from tests.factories import make_company
from tests.stripe_checkout import as_body, events_of, pay, signature, simulate, webhooks_paused


@pytest.fixture
def hanging() -> Iterator[str]:
	"""A paid top-up of which nothing was heard, at a Stripe that answers nothing for ten minutes."""
	with webhooks_paused():
		created = topups.create(make_company(), Decimal(50))
		pay(created["checkout_url"])
		yield created["topup"]
		requests.delete(f"{site.SIMULATOR_URL}/_simulator/faults", timeout=10)


def ended(work: Callable[[], object]) -> JobTimeoutException:
	"""Do what a job of rq does whose time is up in a second."""
	simulate("faults", kind="hang_before", path="/v1", times=100, seconds=600)
	with pytest.raises(JobTimeoutException) as caught:
		with UnixSignalDeathPenalty(1, JobTimeoutException):
			work()
	frappe.db.rollback()
	return caught.value


def test_a_call_to_stripe_lets_the_end_of_the_job_pass_and_the_key_stays_out_of_it(hanging: str) -> None:
	session = topups.find(hanging).checkout_session_id
	error = ended(lambda: gateway.session_facts(session))
	assert error.__cause__ is None and error.__context__ is None
	files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
	assert not [file for file in files if "/stripe/" in file]
	stack = traceback.TracebackException.from_exception(error, capture_locals=True)
	assert keys.secret_key() not in "".join(stack.format())


def test_a_job_over_many_top_ups_ends_at_the_first(hanging: str) -> None:
	ended(topups.refresh_unfinished)
	assert topups.find(hanging).status == "Created"


def test_an_event_does_not_count_the_end_of_the_job_as_a_failure(hanging: str) -> None:
	events = events_of(topups.find(hanging).checkout_session_id)
	event = next(event for event in events if event["type"] == "payment_intent.succeeded")
	body = as_body(event)
	ended(lambda: webhook.receive(body, signature(body)))
	site.fresh()
	assert frappe.db.get_value("Stripe Event", {"event_id": event["id"]}, ["status", "attempts"]) == (
		"Received",
		0,
	)
