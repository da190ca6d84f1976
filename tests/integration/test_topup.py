"""A top-up from the first click to the credit: over HTTP, through the simulator, with real webhooks."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import frappe
import pytest

from prepaid_billing.exceptions import TryAgain
from prepaid_billing.ledger import balance_of
from prepaid_billing.payments import gateway, topups, webhook
from tests import site
from tests.client import Api
from tests.factories import make_api_customer, make_company, make_customer
from tests.integration.test_settings_page import Portal
from tests.stripe_checkout import (
	DECLINED_CARD,
	as_body,
	events_of,
	pay,
	signature,
	webhooks_paused,
)
from tests.stripe_lives import refund_before_its_payment

WEBHOOK = "/api/stripe/webhook"


def eventually(happened: Callable[[], bool], seconds: int = 15) -> None:
	"""Wait until something that another process does has happened; fail when it does not."""
	deadline = time.monotonic() + seconds
	while not happened():
		assert time.monotonic() < deadline, "it did not happen in time"
		time.sleep(0.05)
		site.fresh()


def balance(company: str) -> Decimal:
	site.fresh()
	return balance_of(company).balance


def customer_of(company: str) -> Api:
	return Api(make_api_customer(company))


def status_of(topup: str) -> str:
	site.fresh()
	return topups.find(topup).status


@pytest.fixture
def no_webhooks() -> Iterator[None]:
	"""Stripe's own posts wait, so that the test posts them itself."""
	with webhooks_paused():
		yield


def paid_topup(company: str, amount: str = "50") -> tuple[str, list[dict]]:
	"""Pay a top-up with nothing delivered yet; return its name and the events Stripe would post."""
	created = customer_of(company).ok("topup.create", amount=amount)
	assert pay(created["checkout_url"]).status_code == 303
	site.fresh()
	events = events_of(topups.find(created["topup"]).checkout_session_id)
	ours = ("checkout.session.", "payment_intent.")
	return created["topup"], [event for event in events if event["type"].startswith(ours)]


def post(body: bytes, header: str | None) -> int:
	headers = {"Content-Type": "application/json"} | (
		{"Stripe-Signature": header} if header is not None else {}
	)
	return Api().raw(WEBHOOK, body, **headers).status_code


def test_a_paid_top_up_is_credited_by_the_webhook() -> None:
	company = make_company()
	created = customer_of(company).ok("topup.create", amount="50")
	answer = pay(created["checkout_url"])
	assert answer.status_code == 303
	assert "/business/billing/topup/success?session_id=cs_" in answer.headers["Location"]
	eventually(lambda: balance(company) == 50)
	assert status_of(created["topup"]) == "Paid"


def test_a_declined_card_changes_nothing_and_may_be_followed_by_a_good_one() -> None:
	company = make_company()
	created = customer_of(company).ok("topup.create", amount="50")
	assert pay(created["checkout_url"], DECLINED_CARD).status_code != 303
	eventually(lambda: bool(topups.find(created["topup"]).failure_reason))
	assert (balance(company), status_of(created["topup"])) == (0, "Created")
	assert pay(created["checkout_url"]).status_code == 303
	eventually(lambda: balance(company) == 50)
	assert topups.find(created["topup"]).failure_reason == ""


@pytest.mark.parametrize("order", [1, -1], ids=["as sent", "backwards"])
def test_every_event_of_a_payment_twice_credits_it_once(no_webhooks: None, order: int) -> None:
	company = make_company()
	topup, events = paid_topup(company)
	assert {event["type"] for event in events} >= {"checkout.session.completed", "payment_intent.succeeded"}
	for event in events[::order] * 2:
		assert post(as_body(event), signature(as_body(event))) == 200
	assert (balance(company), status_of(topup)) == (50, "Paid")


def test_the_same_event_ten_times_at_once_credits_once(no_webhooks: None) -> None:
	company = make_company()
	_topup, events = paid_topup(company)
	body = as_body(next(event for event in events if event["type"] == "checkout.session.completed"))
	header = signature(body)
	with ThreadPoolExecutor(10) as pool:
		assert list(pool.map(lambda _n: post(body, header), range(10))) == [200] * 10
	assert balance(company) == 50
	assert frappe.db.count("Balance Transaction", {"balance": company}) == 1


def test_webhook_browser_return_and_poll_at_once_credit_once(no_webhooks: None) -> None:
	company = make_company()
	topup, events = paid_topup(company)

	def refresh() -> None:
		with site.connected():
			topups.refresh(topup)

	bodies = [as_body(event) for event in events]
	with ThreadPoolExecutor(8) as pool:
		polls = [pool.submit(refresh) for _n in range(4)]
		posts = [pool.submit(post, body, signature(body)) for body in bodies for _n in range(2)]
		assert [task.result() for task in polls] == [None] * 4
		assert [task.result() for task in posts] == [200] * len(posts)
	assert (balance(company), status_of(topup)) == (50, "Paid")


def test_a_payment_whose_webhooks_are_all_lost_is_credited_by_the_poll(no_webhooks: None) -> None:
	company = make_company()
	topup, _events = paid_topup(company)
	assert balance(company) == 0
	assert topups.refresh_unfinished() >= 1
	assert (balance(company), status_of(topup)) == (50, "Paid")


def test_an_event_with_another_amount_than_asked_for_is_parked_for_a_person(no_webhooks: None) -> None:
	company = make_company()
	topup, events = paid_topup(company)
	event = next(event for event in events if event["type"] == "checkout.session.completed")
	event["data"]["object"]["amount_total"] = 500_000
	assert post(as_body(event), signature(as_body(event))) == 200
	assert (balance(company), status_of(topup)) == (0, "Created")
	assert frappe.db.get_value("Stripe Event", {"event_id": event["id"]}, "status") == "Parked"


@pytest.mark.parametrize("changed", [{"livemode": True}, {"type": "customer.updated"}], ids=str)
def test_an_event_that_is_not_for_us_is_kept_and_ignored(no_webhooks: None, changed: dict) -> None:
	company = make_company()
	_topup, events = paid_topup(company)
	event = events[-1] | changed
	assert post(as_body(event), signature(as_body(event))) == 200
	assert balance(company) == 0
	assert frappe.db.get_value("Stripe Event", {"event_id": event["id"]}, "status") == "Ignored"


def test_metadata_does_not_choose_who_is_credited(no_webhooks: None) -> None:
	company, other = make_company(), make_company()
	topup, events = paid_topup(company)
	stranger = customer_of(other).ok("topup.create", amount="50")
	for event in events:
		event["data"]["object"]["metadata"] = {"topup": stranger["topup"], "company": other}
		assert post(as_body(event), signature(as_body(event))) == 200
	assert (balance(company), balance(other)) == (50, 0)
	assert (status_of(topup), status_of(stranger["topup"])) == ("Paid", "Created")


def test_an_event_that_keeps_failing_is_parked_after_five_tries(no_webhooks: None) -> None:
	event = refund_before_its_payment()
	body = as_body(event)
	answers = [post(body, signature(body)) for _n in range(6)]
	assert answers == [503] * 4 + [200, 200]
	site.fresh()
	assert frappe.db.get_value("Stripe Event", {"event_id": event["id"]}, ["status", "attempts"]) == (
		"Parked",
		5,
	)


@pytest.mark.parametrize(
	"amount", ["9.99", "10000.01", "50.001", "0", "-50", "1e3", "NaN", "50,00", 50.5, True, None]
)
def test_an_amount_outside_of_what_is_allowed_is_refused(amount: object) -> None:
	company = make_company()
	answer = customer_of(company).post("topup.create", amount=amount)
	assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_AMOUNT")
	assert frappe.db.count("Balance Topup", {"company": company}) == 0


def test_the_same_key_begins_one_top_up_and_another_amount_is_refused() -> None:
	company = make_company()
	customer = customer_of(company)
	first = customer.ok("topup.create", amount="50", idempotency_key="one")
	assert customer.ok("topup.create", amount="50.00", idempotency_key="one") == first
	answer = customer.post("topup.create", amount="60", idempotency_key="one")
	assert (answer.status_code, answer.json()["code"]) == (409, "DUPLICATE")
	assert frappe.db.count("Balance Topup", {"company": company}) == 1


def test_a_fourth_open_top_up_is_refused_and_a_finished_one_makes_room() -> None:
	company = make_company()
	customer = customer_of(company)
	created = [customer.ok("topup.create", amount="50") for _n in range(3)]
	answer = customer.post("topup.create", amount="50")
	assert (answer.status_code, answer.json()["code"]) == (429, "RATE_LIMITED")
	pay(created[0]["checkout_url"])
	eventually(lambda: status_of(created[0]["topup"]) == "Paid")
	customer.ok("topup.create", amount="50")


def test_ten_top_ups_begun_at_once_stay_within_the_limit() -> None:
	company = make_company()
	key = make_api_customer(company)
	with ThreadPoolExecutor(10) as pool:
		answers = list(pool.map(lambda _n: Api(key).post("topup.create", amount="50").status_code, range(10)))
	assert sorted(answers) == [200] * 3 + [429] * 7


def test_only_users_with_the_pay_right_top_up() -> None:
	company = make_company()
	looker = Api(make_api_customer(company, may_top_up=False))
	answer = looker.post("topup.create", amount="50")
	assert (answer.status_code, answer.json()["code"]) == (403, "NOT_PERMITTED")
	assert looker.get("balance.get").json()["message"]["balance"] == "0.000000"


def test_a_top_up_of_another_company_looks_like_a_missing_one() -> None:
	theirs = customer_of(make_company()).ok("topup.create", amount="50")["topup"]
	customer = customer_of(make_company())
	answers = [customer.get("topup.status", topup=topup) for topup in (theirs, "missing")]
	assert [answer.status_code for answer in answers] == [404, 404]
	assert answers[0].json() == answers[1].json()
	assert answers[0].json()["code"] == "UNKNOWN_TOPUP"


def test_without_stripe_a_top_up_says_so_and_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
	company = make_company()
	frappe.set_user(make_customer(company)[0])
	monkeypatch.setitem(frappe.conf, "stripe_api_base", "http://127.0.0.1:9")
	with pytest.raises(TryAgain):
		topups.create(company, Decimal(50), "again")
	monkeypatch.undo()
	assert topups.create(company, Decimal(50), "again")["checkout_url"].startswith(site.SIMULATOR_URL)
	assert frappe.db.count("Balance Topup", {"company": company}) == 1


def test_a_top_up_that_never_reached_stripe_lapses_and_can_still_be_begun_again(
	monkeypatch: pytest.MonkeyPatch,
) -> None:
	company = make_company()
	with monkeypatch.context() as broken, pytest.raises(TryAgain):
		broken.setitem(frappe.conf, "stripe_api_base", "http://127.0.0.1:9")
		topups.create(company, Decimal(50), "late")
	name = frappe.db.get_value("Balance Topup", {"company": company})
	with site.later(topups.SESSION_SECONDS + 1):
		topups.refresh_unfinished()
	assert status_of(name) == "Expired"
	frappe.db.set_value("Billing Company", company, {"language": "de", "billing_emails": "new@example.com"})
	frappe.db.commit()
	assert topups.create(company, Decimal(50), "late")["topup"] == name
	assert status_of(name) == "Created"


def test_a_late_failure_does_not_undo_a_processed_event(no_webhooks: None) -> None:
	company = make_company()
	_topup, events = paid_topup(company)
	body = as_body(events[-1])
	assert post(body, signature(body)) == 200
	site.fresh()
	name = frappe.db.get_value("Stripe Event", {"event_id": events[-1]["id"]})
	webhook._count_failure(name, ValueError("late"))
	assert frappe.db.get_value("Stripe Event", name, ["status", "attempts"]) == ("Processed", 0)


def test_a_live_key_never_meets_a_local_stripe(monkeypatch: pytest.MonkeyPatch) -> None:
	monkeypatch.setenv("STRIPE_SECRET", "sk_live_x")
	with pytest.raises(TryAgain):
		topups.create(make_company(), Decimal(50))


def test_without_a_webhook_secret_no_webhook_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
	monkeypatch.setitem(frappe.conf, "stripe_webhook_secret", " ")
	with pytest.raises(TryAgain):
		webhook.receive(b"{}", signature(b"{}", ""))


def test_two_windows_with_one_key_end_at_the_same_checkout_page(monkeypatch: pytest.MonkeyPatch) -> None:
	company = make_company()
	with monkeypatch.context() as broken, pytest.raises(TryAgain):
		broken.setitem(frappe.conf, "stripe_api_base", "http://127.0.0.1:9")
		topups.create(company, Decimal(50), "twice")
	site.fresh()
	slow = topups.find(frappe.db.get_value("Balance Topup", {"company": company}))
	first = topups.create(company, Decimal(50), "twice")
	assert pay(first["checkout_url"]).status_code == 303
	topups.refresh(first["topup"])
	with site.later(1300):
		topups._open_session(slow)
	assert topups.find(first["topup"]).checkout_url == first["checkout_url"]
	assert status_of(first["topup"]) == "Paid"
	assert balance(company) == 50


def test_a_key_of_test_mode_is_not_used_again_in_live_mode() -> None:
	company = make_company()
	created = topups.create(company, Decimal(50), "modes")
	frappe.db.sql("UPDATE `tabBalance Topup` SET livemode = 1 WHERE name = %s", (created["topup"],))
	frappe.db.commit()
	with pytest.raises(topups.Duplicate):
		topups.create(company, Decimal(50), "modes")


def test_a_top_up_whose_session_was_opened_meanwhile_does_not_expire() -> None:
	company = make_company()
	created = topups.create(company, Decimal(50))["topup"]
	hide = "UPDATE `tabBalance Topup` SET checkout_session_id = %s WHERE name = %s"
	session = topups.find(created).checkout_session_id
	frappe.db.sql(hide, (None, created))
	frappe.db.commit()
	with ThreadPoolExecutor(1) as pool:
		topups.find(created)  # the view of the past: no session yet
		pool.submit(_restore, hide, session, created).result()
		topups._refresh_or_expire(created)
	assert status_of(created) == "Created"


def test_a_top_up_whose_session_stripe_does_not_know_is_given_up(no_webhooks: None) -> None:
	topup = topups.create(make_company(), Decimal(50))["topup"]
	frappe.db.set_value("Balance Topup", topup, "checkout_session_id", f"cs_{topup}")
	frappe.db.commit()
	topups.refresh_unfinished()
	assert status_of(topup) == "Expired"
	assert topups.find(topup).failure_reason == "The payment service does not know this checkout page."


def test_a_payment_on_its_way_is_not_over_because_other_keys_do_not_know_it() -> None:
	topup = topups.create(make_company(), Decimal(50))["topup"]
	frappe.db.set_value(
		"Balance Topup", topup, {"status": "Processing", "checkout_session_id": f"cs_{topup}"}
	)
	frappe.db.commit()
	with pytest.raises(gateway.UnknownObject):
		topups._refresh_or_expire(topup)
	site.fresh()
	assert topups.find(topup).status == "Processing"
	frappe.db.set_value("Balance Topup", topup, "status", "Expired")
	frappe.db.commit()


def _restore(query: str, session: str, topup: str) -> None:
	with site.connected():
		frappe.db.sql(query, (session, topup))
		frappe.db.commit()


def test_net_and_vat_are_told_for_each_amount() -> None:
	company = make_company()
	site.fresh()
	doc = frappe.get_doc("Prepaid Billing Settings")
	doc.vat_rate = 19
	doc.save()
	frappe.db.commit()
	try:
		page = Portal(*make_customer(company)).get("/business/billing/topup?suggested=33").text
		offer = Api(make_api_customer(company)).get("topup.offer", amount="33").json()["message"]
	finally:
		doc.vat_rate = 0
		doc.save()
		frappe.db.commit()
	assert "€42.02 net + €7.98 VAT" in page and "€27.73 net + €5.27 VAT" in page
	assert (offer["net"], offer["tax"]) == ("€27.73", "€5.27")
