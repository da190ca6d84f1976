"""The ways a payment goes besides "paid at once": bank debits, declines, 3-D Secure, expiry, another mode, no Redis."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import frappe
import pytest
import requests

from prepaid_billing.exceptions import BillingError, InvalidInput, PaymentRefused, RateLimited, TryAgain
from prepaid_billing.payments import refunds, topups
from prepaid_billing.permissions import CUSTOMER, STAFF
from tests import site
from tests.books import entries_of
from tests.client import Api
from tests.factories import api_key_of, join_company, make_api_customer, make_company, make_user, new_id
from tests.integration.test_topup import eventually, status_of
from tests.stripe_checkout import (
	DECLINED_CARD,
	pay,
	pay_by_debit,
	simulate,
	webhooks_paused,
)

ROOT = Path(__file__).parents[2]


def begun(company: str, amount: str = "50") -> tuple[str, str]:
	created = topups.create(company, Decimal(amount))
	return created["topup"], created["checkout_url"]


def intent_of(topup: str) -> str:
	site.fresh()
	return topups.gateway.session_facts(topups.find(topup).checkout_session_id).payment_intent_id


@pytest.mark.parametrize(
	"outcome,status,entries", [("succeeded", "Paid", ["Top-up 50.0"]), ("failed", "Failed", [])]
)
def test_a_bank_debit_is_on_its_way_and_credited_only_when_it_arrives(
	outcome: str, status: str, entries: list[str]
) -> None:
	company = make_company()
	topup, url = begun(company)
	assert pay_by_debit(url).status_code == 303
	eventually(lambda: status_of(topup) == "Processing")
	assert entries_of(company) == []
	simulate(f"payment_intents/{intent_of(topup)}/settle", outcome=outcome)
	eventually(lambda: status_of(topup) == status)
	assert entries_of(company) == entries
	assert bool(topups.find(topup).failure_reason) == (outcome == "failed")


def test_the_same_session_takes_a_third_card_after_two_declines() -> None:
	company = make_company()
	topup, url = begun(company)
	for _time in range(2):
		assert pay(url, DECLINED_CARD).status_code != 303
	assert pay(url).status_code == 303
	eventually(lambda: status_of(topup) == "Paid")
	assert entries_of(company) == ["Top-up 50.0"]


def test_an_expired_session_makes_room_for_another_top_up() -> None:
	company = make_company()
	names = [begun(company)[0] for _time in range(3)]
	with pytest.raises(BillingError) as refused:
		begun(company)
	assert refused.value.code == "RATE_LIMITED"
	session = topups.find(names[0]).checkout_session_id
	requests.post(
		f"{site.SIMULATOR_URL}/v1/checkout/sessions/{session}/expire",
		headers={"Authorization": f"Bearer {topups.keys.secret_key()}"},
		timeout=10,
	).raise_for_status()
	eventually(lambda: status_of(names[0]) == "Expired")
	begun(company)


def break_parameters(topup: str) -> None:
	frappe.db.sql(
		'UPDATE `tabBalance Topup` SET checkout_params = \'{"mode": "none"}\' WHERE name = %s', (topup,)
	)
	frappe.db.commit()


def begun_without_stripe(company: str, key: str, monkeypatch: pytest.MonkeyPatch) -> str:
	"""A top-up for which no session was opened, the outcome being unknown."""
	with monkeypatch.context() as broken, pytest.raises(TryAgain):
		broken.setitem(frappe.conf, "stripe_api_base", "http://127.0.0.1:9")
		topups.create(company, Decimal(50), key)
	site.fresh()
	return frappe.db.get_value("Balance Topup", {"company": company, "idempotency_key": ["like", f"%{key}"]})


def test_what_stripe_refuses_for_good_has_failed_with_its_reason_and_makes_room(
	monkeypatch: pytest.MonkeyPatch,
) -> None:
	company = make_company()
	names = [begun_without_stripe(company, key, monkeypatch) for key in ("one", "two", "three")]
	assert [status_of(name) for name in names] == ["Created"] * 3, "the outcome is unknown"
	with pytest.raises(RateLimited):
		begun(company)
	break_parameters(names[0])
	with pytest.raises(PaymentRefused):
		topups.create(company, Decimal(50), "one")
	assert status_of(names[0]) == "Failed"
	assert topups.find(names[0]).failure_reason == "Missing required param: line_items."
	begun(company)
	topups.cancel(names[1])
	pay(topups.create(company, Decimal(50), "one")["checkout_url"])
	eventually(lambda: status_of(names[0]) == "Paid")


def test_what_stripe_refuses_for_good_is_told_so_and_is_no_passing_fault(
	monkeypatch: pytest.MonkeyPatch,
) -> None:
	company = make_company()
	name = begun_without_stripe(company, "refused", monkeypatch)
	break_parameters(name)
	customer = Api(make_api_customer(company))
	answer = customer.post("topup.create", amount="50", idempotency_key="refused")
	assert (answer.status_code, answer.json()["code"]) == (402, "PAYMENT_REFUSED")


def test_a_refusal_does_not_fail_what_was_opened_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
	company = make_company()
	name = begun_without_stripe(company, "again", monkeypatch)
	stale = topups.find(name)
	topups.create(company, Decimal(50), "again")
	stale.checkout_params = '{"mode": "none"}'
	# So long ago that Stripe is asked with another key.
	stale.created_us -= 1300 * 1_000_000
	with pytest.raises(PaymentRefused):
		topups._open_session(stale)
	assert status_of(name) == "Created"


def test_a_customer_cancels_a_top_up_and_its_page_at_stripe_is_closed() -> None:
	company = make_company()
	customer = Api(make_api_customer(company))
	topup = customer.ok("topup.create", amount="50")
	for _time in range(2):
		assert customer.ok("topup.cancel", topup=topup["topup"])["status"] == "Cancelled"
	assert pay(topup["checkout_url"]).status_code != 303
	eventually(lambda: has_event(topup["topup"], "checkout.session.expired"))
	assert status_of(topup["topup"]) == "Cancelled"
	assert entries_of(company) == []


def has_event(topup: str, kind: str) -> bool:
	return bool(frappe.db.exists("Stripe Event", {"topup": topup, "event_type": kind, "status": "Processed"}))


def test_a_cancelled_top_up_makes_room_for_another_one() -> None:
	company = make_company()
	customer = Api(make_api_customer(company))
	names = [customer.ok("topup.create", amount="50")["topup"] for _n in range(3)]
	customer.ok("topup.cancel", topup=names[0])
	customer.ok("topup.create", amount="50")


def test_what_was_paid_is_credited_and_not_cancelled() -> None:
	company = make_company()
	with webhooks_paused():
		topup, url = begun(company)
		pay(url)
		assert topups.cancel(topup) == "Paid"
	assert entries_of(company) == ["Top-up 50.0"]


def test_others_cancel_nothing() -> None:
	company = make_company()
	topup, _url = begun(company)
	for caller, status in (
		(Api(make_api_customer(make_company())), 404),
		(Api(make_api_customer(company, may_top_up=False)), 403),
	):
		assert caller.post("topup.cancel", topup=topup).status_code == status
	assert status_of(topup) == "Created"


def test_attempts_are_limited_by_company_and_day() -> None:
	company = make_company()
	for setting, value in (("topups_per_company", 2), ("open_topups_per_company", 9)):
		frappe.db.set_single_value("Prepaid Billing Settings", setting, value)
	frappe.db.commit()
	try:
		begun(company)
		begun(company)
		with pytest.raises(BillingError) as refused:
			begun(company)
		assert refused.value.code == "RATE_LIMITED"
		yesterday = "UPDATE `tabBalance Topup` SET created_us = created_us - 86401e6 WHERE company = %s"
		frappe.db.sql(yesterday, (company,))
		frappe.db.commit()
		begun(company)
	finally:
		for setting, value in (("topups_per_company", 20), ("open_topups_per_company", 3)):
			frappe.db.set_single_value("Prepaid Billing Settings", setting, value)
		frappe.db.commit()


def user_of(*companies: str) -> Api:
	"""A customer who may top up several companies."""
	email = make_user(CUSTOMER)
	for company in companies:
		join_company(email, company, may_top_up=True)
	return Api(api_key_of(email))


def test_attempts_of_a_user_are_limited_over_all_companies() -> None:
	companies = [make_company() for _n in range(3)]
	user = user_of(*companies)
	places = [companies[0]] * 3 + [companies[1]] * 2
	for company in places:
		user.ok("topup.create", amount="50", company=company)
	answer = user.post("topup.create", amount="50", company=companies[2])
	assert (answer.status_code, answer.json()["code"]) == (429, "RATE_LIMITED")
	user_of(companies[2]).ok("topup.create", amount="50", company=companies[2])


def test_attempts_of_a_user_at_ten_companies_at_once_stay_within_the_limit() -> None:
	companies = [make_company() for _n in range(10)]
	key = user_of(*companies).session.headers["Authorization"]

	def begin(company: str) -> int:
		return Api(key).post("topup.create", amount="50", company=company).status_code

	with ThreadPoolExecutor(10) as pool:
		assert sorted(pool.map(begin, companies)) == [200] * 5 + [429] * 5


def test_staff_who_act_for_many_companies_are_limited_within_each() -> None:
	staff = Api(api_key_of(make_user(STAFF)))
	for _n in range(6):
		staff.ok("topup.create", amount="50", company=make_company())


def paid(company: str) -> str:
	topup, url = begun(company)
	pay(url)
	topups.refresh(topup)
	return topup


def test_a_payment_of_test_mode_is_not_refunded_with_a_live_key(monkeypatch: pytest.MonkeyPatch) -> None:
	company = make_company()
	topup = paid(company)
	monkeypatch.setenv("STRIPE_SECRET", "sk_live_never_used")
	with pytest.raises(InvalidInput):
		refunds.request(topup, None, "goodwill", new_id())
	assert entries_of(company) == ["Top-up 50.0"]


def test_a_top_up_of_test_mode_is_not_asked_for_with_a_live_key(monkeypatch: pytest.MonkeyPatch) -> None:
	company = make_company()
	topup, _url = begun(company)
	monkeypatch.setenv("STRIPE_SECRET", "sk_live_never_used")
	topups.refresh_unfinished()
	assert status_of(topup) == "Created"


@pytest.fixture(scope="module")
def without_redis(connection: None) -> Iterator[str]:
	"""The address of a web server of the site for which there is no Redis."""
	with socket.socket() as free:
		free.bind(("127.0.0.1", 0))
		address = "127.0.0.1:{}".format(free.getsockname()[1])
	command = [sys.executable, "-m", "gunicorn", "--chdir", os.environ["PB_SITES_PATH"], "--bind", address]
	command += ["--pythonpath", str(ROOT), "--threads", "4", f'dev.web:application("{site.NAME}")']
	nowhere = dict.fromkeys(("FRAPPE_REDIS_CACHE", "FRAPPE_REDIS_QUEUE"), "redis://127.0.0.1:9")
	with subprocess.Popen(command, env={**os.environ, **nowhere}, stderr=subprocess.DEVNULL) as server:
		try:
			eventually(lambda: answers(f"http://{address}"), 60)
			yield f"http://{address}"
		finally:
			server.terminate()


def answers(address: str) -> bool:
	try:
		return requests.get(f"{address}/api/method/ping", timeout=30).status_code < 500
	except requests.ConnectionError:
		return False


def test_limits_of_attempts_hold_while_redis_is_down(
	without_redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
	company = make_company()
	customer = Api(make_api_customer(company))
	monkeypatch.setattr(site, "WEB_URL", without_redis)
	told = [customer.post("topup.create", amount="50") for _time in range(5)]
	assert [answer.status_code for answer in told] == [200] * 3 + [429] * 2, told[0].text
	site.fresh()
	assert frappe.db.count("Balance Topup", {"company": company}) == 3
