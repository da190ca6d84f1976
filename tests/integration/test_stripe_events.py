"""Events that could not be acted on: kept with the reason, replayed by staff or by the hourly job, never twice."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from decimal import Decimal

import frappe
import pytest
import requests

from prepaid_billing import scheduled, status
from prepaid_billing.alerts import events
from prepaid_billing.ledger import clock
from prepaid_billing.payments import gateway, heard, payloads, refunds, topups, webhook
from prepaid_billing.permissions import MANAGER, STAFF
from tests import factories, site
from tests.books import entries_of
from tests.client import Api
from tests.factories import make_company, make_user, new_id
from tests.inbox import Inbox
from tests.integration.test_topup import paid_topup
from tests.stripe_checkout import (
	as_body,
	events_of,
	pay,
	signature,
	simulate,
	webhooks_paused,
)
from tests.stripe_lives import begin, refund_before_its_payment


@pytest.fixture(autouse=True)
def no_webhooks(connection: None) -> Iterator[None]:
	"""Stripe's own posts wait: the test delivers."""
	with webhooks_paused():
		yield


@pytest.fixture(scope="module")
def manager() -> Api:
	"""A manager with an API key."""
	return Api(factories.api_key_of(factories.make_manager()[0]))


def receive(event: dict) -> str:
	"""Let Stripe deliver an event and return the name that it is kept under."""
	body = as_body(event)
	try:
		webhook.receive(body, signature(body))
	except webhook.TryAgain:
		frappe.db.rollback()
	site.fresh()
	return frappe.db.get_value("Stripe Event", {"event_id": event["id"]})


def event_fields(name: str, *fields: str) -> list:
	site.fresh()
	return list(frappe.get_all("Stripe Event", {"name": name}, fields, as_list=True)[0])


def unpaid_but_told() -> tuple[str, dict, str]:
	"""A company, an event of its payment, and what parked it: Stripe told of it before it was asked for."""
	company = make_company()
	topup, events = paid_topup(company)
	event = next(event for event in events if event["type"] == "checkout.session.completed")
	frappe.db.sql("UPDATE `tabBalance Topup` SET amount = 51 WHERE name = %s", (topup,))
	frappe.db.commit()
	return company, event, topup


def test_a_parked_event_is_replayed_once_its_cause_is_mended_and_credits_once(manager: Api) -> None:
	company, event, topup = unpaid_but_told()
	name = receive(event)
	assert event_fields(name, "status") == ["Parked"]
	assert "51" in event_fields(name, "error")[0]
	assert manager.ok("stripe.replay", event=name)["status"] == "Parked"

	frappe.db.sql("UPDATE `tabBalance Topup` SET amount = 50 WHERE name = %s", (topup,))
	frappe.db.commit()
	for _time in range(2):
		assert manager.ok("stripe.replay", event=name) == {
			"event_id": event["id"],
			"event_type": "checkout.session.completed",
			"status": "Processed",
			"error": "",
			"topup": topup,
		}
	assert entries_of(company) == ["Top-up 50.0"]


def test_eight_replays_at_once_credit_once(manager: Api) -> None:
	company, event, topup = unpaid_but_told()
	name = receive(event)
	frappe.db.sql("UPDATE `tabBalance Topup` SET amount = 50 WHERE name = %s", (topup,))
	frappe.db.commit()
	with ThreadPoolExecutor(8) as pool:
		answers = list(pool.map(lambda _n: manager.ok("stripe.replay", event=name)["status"], range(8)))
	assert answers == ["Processed"] * 8
	assert entries_of(company) == ["Top-up 50.0"]


def test_a_replay_that_fails_again_says_why_and_stays_parked(manager: Api) -> None:
	event = refund_before_its_payment()
	for _time in range(webhook.ATTEMPTS):
		name = receive(event)
	answer = manager.post("stripe.replay", event=name)
	assert (answer.status_code, answer.json()["code"]) == (503, "TRY_AGAIN")
	assert "not known yet" in answer.json()["error"]
	assert event_fields(name, "status", "attempts") == ["Parked", webhook.ATTEMPTS + 1]


def parked_events() -> int:
	site.fresh()
	(line,) = [line for line in dict(status.overview())["Waiting"] if line.startswith("events parked for")]
	return int(line.split()[-1])


def test_a_parked_event_that_a_person_has_judged_is_settled_and_waits_for_nobody(
	manager: Api, inbox: Inbox
) -> None:
	company, event, topup = unpaid_but_told()
	name = receive(event)
	waiting, error = parked_events(), event_fields(name, "error")
	for reason in (None, " ", "two\nlines"):
		assert manager.post("stripe.settle", event=name, reason=reason).status_code == 422
	assert event_fields(name, "status", "settled_by", "settled_because") == ["Parked", None, None]
	for reason in ("paid twice, given back", "again"):
		assert manager.ok("stripe.settle", event=name, reason=reason)["status"] == "Settled"
	assert event_fields(name, "error") == error
	who, when, why = event_fields(name, "settled_by", "settled_at", "settled_because")
	assert frappe.db.exists("User", who) and when and why == "paid twice, given back"
	assert parked_events() == waiting - 1
	address = factories.make_manager()[0]
	events.tell_of_parked()
	assert all(name not in letter for letter in letters_to(inbox, address, "from Stripe need"))
	receive(event)
	webhook.process_waiting()
	assert (event_fields(name, "status"), entries_of(company)) == (["Settled"], [])
	assert manager.ok("stripe.replay", event=name)["status"] == "Parked"
	assert manager.ok("stripe.settle", event=name, reason="still so")["status"] == "Settled"
	frappe.db.sql("UPDATE `tabBalance Topup` SET amount = 50 WHERE name = %s", (topup,))
	frappe.db.commit()
	assert manager.ok("stripe.replay", event=name)["status"] == "Processed"
	assert entries_of(company) == ["Top-up 50.0"]
	assert event_fields(name, "settled_because") == ["still so"]
	answer = manager.post("stripe.settle", event=name, reason="late")
	assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")


def test_an_event_that_an_outage_has_parked_is_tried_no_more_once_it_is_settled(
	manager: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
	event = refund_before_its_payment()
	for _time in range(webhook.ATTEMPTS):
		name = receive(event)
	assert event_fields(name, "next_try_us") != [0]
	manager.ok("stripe.settle", event=name, reason="of a test")
	assert event_fields(name, "status", "next_try_us", "next_try_at") == ["Settled", 0, None]
	with site.later(30 * 86_400), suppress(webhook.TryAgain):
		webhook.process_waiting()
	assert event_fields(name, "status", "attempts") == ["Settled", webhook.ATTEMPTS]


@pytest.mark.parametrize("is_passing", [True, False])
def test_a_try_that_was_under_way_leaves_a_settled_event_settled(is_passing: bool) -> None:
	_company, event, _topup = unpaid_but_told()
	if is_passing:
		event = refund_before_its_payment()
		for _time in range(webhook.ATTEMPTS - 1):
			receive(event)
	name = receive(event)
	webhook.settle(name, "known")
	with suppress(webhook.TryAgain):
		webhook._process_again(name, event)
	assert event_fields(name, "status", "next_try_us", "settled_because") == ["Settled", 0, "known"]


def test_an_event_of_a_session_that_was_not_ours_yet_is_replayed_when_it_is(manager: Api) -> None:
	company = make_company()
	topup, events = paid_topup(company)
	hide = "UPDATE `tabBalance Topup` SET checkout_session_id = %s WHERE name = %s"
	session = topups.find(topup).checkout_session_id
	frappe.db.sql(hide, (None, topup))
	frappe.db.commit()
	name = receive(next(event for event in events if event["type"] == "checkout.session.completed"))
	assert event_fields(name, "status") == ["Ignored"]
	frappe.db.sql(hide, (session, topup))
	frappe.db.commit()
	assert manager.ok("stripe.replay", event=name)["status"] == "Processed"
	assert entries_of(company) == ["Top-up 50.0"]


def test_an_event_that_failed_names_its_topup(monkeypatch: pytest.MonkeyPatch) -> None:
	company = make_company()
	topup, _events = paid_topup(company)
	topups.refresh(topup)
	row = topups.find(topup)
	simulate("refunds", payment_intent=row.payment_intent_id, amount=2000)
	events = events_of(row.checkout_session_id)
	refunded = next(event for event in events if event["type"] == "charge.refunded")
	with monkeypatch.context() as unreachable:
		unreachable.setitem(frappe.conf, "stripe_api_base", "http://127.0.0.1:9")
		name = receive(refunded)
	assert event_fields(name, "status", "attempts", "topup") == ["Received", 1, topup]


def test_an_event_asks_a_stripe_that_fails_once_because_it_is_sent_again() -> None:
	topup, _events = paid_topup(make_company())
	topups.refresh(topup)
	row = topups.find(topup)
	simulate("refunds", payment_intent=row.payment_intent_id, amount=2000)
	events = events_of(row.checkout_session_id)
	refunded = next(event for event in events if event["type"] == "charge.refunded")
	simulate("faults", kind="error_before", method="GET", path="/v1/refunds", times=3)
	name = receive(refunded)
	assert event_fields(name, "status", "attempts") == ["Received", 1]
	faults = requests.get(f"{site.SIMULATOR_URL}/_simulator/faults", timeout=10).json()
	requests.delete(f"{site.SIMULATOR_URL}/_simulator/faults", timeout=10)
	assert [fault["times"] for fault in faults["faults"]] == [2]


def test_an_event_that_stripe_gave_up_on_is_tried_by_the_hourly_job(monkeypatch: pytest.MonkeyPatch) -> None:
	company = make_company()
	created = topups.create(company, Decimal(50))
	pay(created["checkout_url"])
	events = events_of(topups.find(created["topup"]).checkout_session_id)
	intent = next(event for event in events if event["type"] == "payment_intent.succeeded")
	with monkeypatch.context() as unreachable:
		unreachable.setitem(frappe.conf, "stripe_api_base", "http://127.0.0.1:9")
		name = receive(intent)
	assert event_fields(name, "status", "attempts") == ["Received", 1]
	webhook.process_waiting()
	assert event_fields(name, "status") == ["Received"]
	with site.later(3601):
		webhook.process_waiting()
	assert event_fields(name, "status") == ["Processed"]
	assert entries_of(company) == ["Top-up 50.0"]


def parked_by_an_outage() -> tuple[str, str]:
	"""A company and an event of its payment that was parked because Stripe could not be asked."""
	company = make_company()
	created = topups.create(company, Decimal(50))
	pay(created["checkout_url"])
	told = events_of(topups.find(created["topup"]).checkout_session_id)
	intent = next(event for event in told if event["type"] == "payment_intent.succeeded")
	with outage():
		for _time in range(webhook.ATTEMPTS):
			name = receive(intent)
	return company, name


@contextmanager
def outage() -> Iterator[None]:
	"""Stripe cannot be reached in here."""
	with pytest.MonkeyPatch.context() as unreachable:
		unreachable.setitem(frappe.conf, "stripe_api_base", "http://127.0.0.1:9")
		yield


def hourly_job(after: int) -> None:
	"""Let the hourly job act on events, so many seconds from now; those that other tests have left may fail."""
	with site.later(after), suppress(webhook.TryAgain):
		webhook.process_waiting()


def test_what_an_outage_has_parked_is_tried_again_and_goes_through() -> None:
	company, name = parked_by_an_outage()
	assert event_fields(name, "status", "attempts") == ["Parked", 5]
	hourly_job(after=3000)
	assert event_fields(name, "status", "attempts") == ["Parked", 5]
	with outage():
		hourly_job(after=3660)
	assert event_fields(name, "status", "attempts") == ["Parked", 6]
	hourly_job(after=2 * 3600)
	assert event_fields(name, "status", "attempts") == ["Parked", 6]
	hourly_job(after=4 * 3600)
	assert event_fields(name, "status", "attempts", "error", "next_try_us", "next_try_at") == [
		"Processed", 6, "", 0, None,
	]  # fmt: skip
	assert entries_of(company) == ["Top-up 50.0"]


def test_it_is_tried_at_growing_distance_for_days_and_then_waits_for_a_person() -> None:
	_company, name = parked_by_an_outage()
	hours = []
	frappe.db.set_value("Stripe Event", name, "is_told", 1)
	frappe.db.commit()
	with outage():
		for _time in range(webhook.OWN_TRIES):
			next_us, next_at = event_fields(name, "next_try_us", "next_try_at")
			hours.append(round((next_us - clock.now_us()) / 3600 / clock.SECOND))
			assert next_at == clock.site_time(next_us)
			with pytest.raises(webhook.TryAgain):
				webhook.replay(name)
	assert hours == [1, 2, 4, 8, 16, 24, 24, 24, 24, 24]
	assert event_fields(name, "status", "attempts", "next_try_us", "is_told") == ["Parked", 15, 0, 0]
	hourly_job(after=30 * 86_400)
	assert event_fields(name, "status", "attempts") == ["Parked", 15]


def test_what_was_tried_by_itself_and_needs_a_person_after_all_is_told_of_again() -> None:
	company, name = parked_by_an_outage()
	frappe.db.set_value("Stripe Event", name, "is_told", 1)
	frappe.db.sql("UPDATE `tabBalance Topup` SET amount = 51 WHERE company = %s", (company,))
	frappe.db.commit()
	assert webhook.replay(name)["status"] == "Parked"
	assert event_fields(name, "status", "next_try_us", "is_told") == ["Parked", 0, 0]
	assert webhook.replay(name)["status"] == "Parked"
	frappe.db.sql("UPDATE `tabBalance Topup` SET amount = 50 WHERE company = %s", (company,))
	frappe.db.commit()


def test_what_a_person_has_to_judge_is_not_tried_again() -> None:
	_company, event, topup = unpaid_but_told()
	name = receive(event)
	assert event_fields(name, "status", "next_try_us") == ["Parked", 0]
	frappe.db.sql("UPDATE `tabBalance Topup` SET amount = 50 WHERE name = %s", (topup,))
	frappe.db.commit()
	hourly_job(after=30 * 86_400)
	assert event_fields(name, "status") == ["Parked"]


def letters_to(inbox: Inbox, address: str, subject: str) -> list[str]:
	return [
		mail.get_body(("html",)).get_content()
		for mail in inbox.to(address)
		if subject in str(mail["Subject"])
	]


def test_managers_are_told_of_each_event_that_waits_for_a_person_once_in_one_mail(inbox: Inbox) -> None:
	judged = [receive(unpaid_but_told()[1]) for _time in range(2)]
	_company, passing = parked_by_an_outage()
	address = factories.make_manager()[0]
	assert events.tell_of_parked() >= 2
	(letter,) = letters_to(inbox, address, "from Stripe need")
	assert all(f"/stripe-event/{name}" in letter for name in judged) and "asked for 51" in letter
	assert passing not in letter

	frappe.db.sql("UPDATE `tabStripe Event` SET attempts = %s WHERE name = %s", (webhook.TOLD_AFTER, passing))
	frappe.db.commit()
	assert events.tell_of_parked() == 1
	last = letters_to(inbox, address, "1 event from Stripe needs")[-1]
	assert passing in last and "It is tried again by itself, next at" in last and judged[0] not in last
	assert events.tell_of_parked() == 0
	assert len(letters_to(inbox, address, "from Stripe need")) == 2


def test_a_manager_who_is_kept_to_some_companies_is_told_of_theirs_alone(inbox: Inbox) -> None:
	(own, ours, _t1), (_other, theirs, _t2) = unpaid_but_told(), unpaid_but_told()
	names = [receive(ours), receive(theirs)]
	address = factories.make_manager()[0]
	permission = {"user": address, "allow": "Billing Company", "for_value": own}
	frappe.get_doc({"doctype": "User Permission", **permission}).insert()
	frappe.db.commit()
	with suppress(webhook.TryAgain):
		scheduled.prepaid_unfinished_topups()
	(letter,) = letters_to(inbox, address, "from Stripe need")
	assert names[0] in letter and names[1] not in letter


def test_payments_without_events_are_told_of_to_the_managers_and_by_status(inbox: Inbox) -> None:
	topup, _events = paid_topup(make_company())
	topups.refresh(topup)
	address = factories.make_manager()[0]
	before = heard.of_last(86_400)
	with site.later(7 * 3600):
		found = heard.of_last(86_400)
		assert found.unheard > before.unheard and found.payments >= found.unheard
		scheduled.prepaid_silent_webhook()
		(line,) = status._unheard()
	(letter,) = letters_to(inbox, address, "events of payments do not arrive")
	assert f"Without any event of Stripe: {found.unheard}, the last one at" in letter
	assert line.startswith(
		f"NO EVENT came of {found.unheard} of {found.payments} payments credited in 7 days"
	)
	# Each payment is told of on its day: the endpoint may have been mended since.
	with site.later(2 * 86_400):
		scheduled.prepaid_silent_webhook()
		assert status._unheard()
	assert len(letters_to(inbox, address, "events of payments do not arrive")) == 1


def test_a_payment_of_which_an_event_came_is_heard_of() -> None:
	def unheard() -> int:
		with site.later(7 * 3600):
			return heard.of_last(86_400).unheard

	topup, its_events = paid_topup(make_company())
	topups.refresh(topup)
	before = unheard()
	receive(next(event for event in its_events if event["type"] == "checkout.session.completed"))
	assert unheard() == before - 1


def test_the_hourly_job_gives_refunds_first_and_asks_for_the_oldest_top_up_before_newer_ones(
	monkeypatch: pytest.MonkeyPatch,
) -> None:
	topup, _events = paid_topup(make_company())
	topups.refresh(topup)
	older, newer = (topups.find(begin()[1]) for _time in range(2))
	with monkeypatch.context() as unreachable, pytest.raises(refunds.TryAgain):
		unreachable.setitem(frappe.conf, "stripe_api_base", "http://127.0.0.1:9")
		refunds.request(topup, Decimal(1), "goodwill", new_id())
	asked: list[str] = []
	for name in ("create_refund", "session_facts"):
		real = getattr(gateway, name)
		monkeypatch.setattr(
			gateway, name, lambda thing, *more, real=real: asked.append(thing) or real(thing, *more)
		)
	with suppress(refunds.TryAgain):  # of what other tests have left unfinished something may fail
		scheduled.prepaid_unfinished_topups()
	ours = [topups.find(topup).payment_intent_id, older.checkout_session_id, newer.checkout_session_id]
	assert [thing for thing in asked if thing in ours] == ours


def test_only_managers_replay_and_settle(manager: Api, guest: Api, gateway: Api) -> None:
	_company, event, _topup = unpaid_but_told()
	name = receive(event)
	staff = Api(factories.api_key_of(make_user(STAFF)))
	for method, more in (("stripe.replay", {}), ("stripe.settle", {"reason": "known"})):
		for caller, refusal in ((guest, 401), (gateway, 403), (staff, 403)):
			assert caller.post(method, event=name, **more).status_code == refusal
		answer = manager.post(method, event="none", **more)
		assert (answer.status_code, answer.json()["code"]) == (404, "UNKNOWN_EVENT")


@pytest.mark.parametrize("role,is_shown", [(MANAGER, True), (STAFF, False), ("System Manager", False)])
def test_the_payload_is_readable_by_one_role(role: str, is_shown: bool) -> None:
	_company, event, _topup = unpaid_but_told()
	name = receive(event)
	reader = Api(factories.api_key_of(make_user(role)))
	answer = reader.session.get(f"{site.WEB_URL}/api/resource/Stripe Event Payload/{name}", timeout=30)
	assert (event["id"] in answer.text) == is_shown
	answer = reader.session.get(f"{site.WEB_URL}/api/resource/Stripe Event/{name}", timeout=30)
	assert answer.status_code == 200 and "payment_intent_data" not in answer.text
	assert "payload" not in answer.json()["data"]


SEARCHES = (
	"client.get_count",
	"client.get_list",
	"client.get_value",
	"desk.reportview.get",
	"desk.reportview.get_count",
)


@pytest.mark.parametrize("role", [STAFF, "System Manager"])
def test_no_filter_of_a_list_tells_others_what_a_payload_holds(role: str) -> None:
	_company, event, _topup = unpaid_but_told()
	receive(event)
	reader = Api(factories.api_key_of(make_user(role)))
	for method in SEARCHES:
		for doctype in ("Stripe Event", "Stripe Event Payload"):
			answers = []
			for text in (event["id"], "nothing of the kind"):
				for filters in (
					{"payload": ["like", f"%{text}%"]},
					[["Stripe Event Payload", "payload", "like", f"%{text}%"]],
				):
					form = {
						"doctype": doctype,
						"filters": json.dumps(filters),
						"fields": '["name"]',
						"fieldname": "name",
					}
					answer = reader.session.post(
						f"{site.WEB_URL}/api/method/frappe.{method}", data=form, timeout=30
					)
					answers.append((answer.status_code, answer.json().get("message")))
			assert answers[:2] == answers[2:], (method, doctype)


def payload_of(name: str) -> str | None:
	site.fresh()
	return frappe.db.get_value("Stripe Event Payload", name, "payload")


def processed() -> tuple[str, dict, str]:
	"""A company, an event of its payment that was acted on, and the event's name."""
	company = make_company()
	_topup, events = paid_topup(company)
	event = next(event for event in events if event["type"] == "checkout.session.completed")
	return company, event, receive(event)


def test_old_payloads_are_removed_and_a_doubled_event_has_no_effect_all_the_same(manager: Api) -> None:
	company, event, name = processed()
	_company, parked_event, _topup = unpaid_but_told()
	parked = receive(parked_event)
	settled = receive(unpaid_but_told()[1])
	webhook.settle(settled, "known")
	payloads.remove_old()
	assert payload_of(name)
	with site.later(181 * 86_400):
		payloads.remove_old()
	assert payload_of(name) is payload_of(settled) is None
	assert payload_of(parked), "what waits for a person is kept"
	for doubled in (event, event, {**event, "id": f"evt_{new_id()}"}):
		receive(doubled)
	assert entries_of(company) == ["Top-up 50.0"]
	assert frappe.db.count("Stripe Event", {"event_id": event["id"]}) == 1
	assert manager.ok("stripe.replay", event=name)["status"] == "Processed"


def test_a_replay_of_an_event_whose_payload_was_removed_says_why_it_cannot(manager: Api) -> None:
	event = {"id": f"evt_{new_id()}", "type": "customer.updated", "livemode": False, "data": {"object": {}}}
	name = receive(event)
	with site.later(181 * 86_400):
		payloads.remove_old()
	answer = manager.post("stripe.replay", event=name)
	assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")
	assert "removed after 180 days" in answer.json()["error"]
	assert event_fields(name, "status") == ["Ignored"]


def test_payloads_are_removed_in_small_batches_and_kept_where_the_setting_is_0(
	monkeypatch: pytest.MonkeyPatch,
) -> None:
	names = [processed()[2] for _n in range(5)]
	monkeypatch.setattr(payloads, "BATCH", 2)
	frappe.db.set_single_value("Prepaid Billing Settings", "keep_payloads_days", 0)
	frappe.db.commit()
	with site.later(10_000 * 86_400):
		assert payloads.remove_old() == 0
	frappe.db.set_single_value("Prepaid Billing Settings", "keep_payloads_days", 180)
	frappe.db.commit()
	with site.later(181 * 86_400):
		assert payloads.remove_old() >= 5
	assert [payload_of(name) for name in names] == [None] * 5
