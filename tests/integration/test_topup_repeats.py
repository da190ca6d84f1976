"""The same key again: the page that is open once more, for nothing; a new page only where a new top-up might have one."""

from collections.abc import Callable, Iterator
from decimal import Decimal

import frappe
import pytest

from prepaid_billing.exceptions import BillingError, TryAgain
from prepaid_billing.patches import forget_checkout_parameters
from prepaid_billing.payments import topups
from tests import site
from tests.client import Api
from tests.factories import make_api_customer, make_company, make_customer
from tests.integration.test_settings_page import Portal
from tests.integration.test_topup import customer_of, eventually, status_of
from tests.stripe_checkout import pay

WINDOW = 1200


def lost(company: str, monkeypatch: pytest.MonkeyPatch) -> str:
	"""Begin a top-up with the key "again" whose page nobody knows of: Stripe's answer never came."""
	with monkeypatch.context() as broken, pytest.raises(TryAgain):
		broken.setitem(frappe.conf, "stripe_api_base", "http://127.0.0.1:9")
		topups.create(company, Decimal(50), "again")
	site.fresh()
	return frappe.db.get_value(
		"Balance Topup", {"company": company, "idempotency_key": f"topup:{company}:again"}
	)


def change(topup: str, **columns: object) -> None:
	topups.rows.update("Balance Topup", topup, columns)
	frappe.db.commit()


def begun_long_ago(topup: str) -> None:
	change(topup, created_us=topups.find(topup).created_us - WINDOW * topups.clock.SECOND)


OVER = {
	"failed": lambda topup: change(topup, status="Failed"),
	"expired": lambda topup: change(topup, status="Expired"),
	"answered by nobody": begun_long_ago,
}


@pytest.fixture
def settings() -> Iterator[Callable[..., None]]:
	"""Change settings for one test."""
	before: dict[str, object] = {}

	def put(**values: object) -> None:
		for name, value in values.items():
			before.setdefault(name, frappe.db.get_single_value("Prepaid Billing Settings", name))
			frappe.db.set_single_value("Prepaid Billing Settings", name, value)
		frappe.db.commit()

	yield put
	put(**before)


def no_room(company: str, put: Callable[..., None]) -> None:
	"""Let the company have begun as many as it may beside the one that is begun again."""
	for _n in range(2):
		topups.create(company, Decimal(50))
	put(topups_per_company=2)


def company_field(**fields: object) -> Callable[..., None]:
	def change_company(company: str, _put: Callable[..., None]) -> None:
		frappe.db.set_value("Billing Company", company, fields)
		frappe.db.commit()

	return change_company


HINDRANCES = {
	"suspended": (company_field(status="Suspended"), "ACCOUNT_BLOCKED"),
	"switched off": (company_field(prepaid_billing_enabled=0), "ACCOUNT_BLOCKED"),
	"more than is allowed": (lambda _company, put: put(topup_maximum=20), "INVALID_AMOUNT"),
	"no room": (no_room, "RATE_LIMITED"),
}


@pytest.mark.parametrize("hindrance", HINDRANCES)
@pytest.mark.parametrize("over", OVER)
def test_what_is_over_is_begun_again_only_where_a_new_one_might_be(
	over: str, hindrance: str, settings: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
	company = make_company()
	topup = lost(company, monkeypatch)
	OVER[over](topup)
	hinder, code = HINDRANCES[hindrance]
	hinder(company, settings)
	before = topups.find(topup)
	with pytest.raises(BillingError) as refused:
		topups.create(company, Decimal(50), "again")
	assert refused.value.code == code
	site.fresh()
	assert topups.find(topup) == before


@pytest.mark.parametrize("over", OVER)
def test_what_is_over_begins_again_as_one_of_now_and_does_not_stand_in_its_own_way(
	over: str, settings: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
	company = make_company()
	settings(topups_per_company=1, open_topups_per_company=1)
	topup = lost(company, monkeypatch)
	OVER[over](topup)
	began_us = topups.find(topup).created_us
	again = topups.create(company, Decimal(50), "again")
	assert again == {"topup": topup, "status": "Created", "checkout_url": topups.find(topup).checkout_url}
	assert topups.find(topup).created_us > began_us, "it counts from now"
	pay(again["checkout_url"])
	eventually(lambda: status_of(topup) == "Paid")


@pytest.mark.parametrize("hindrance", HINDRANCES)
def test_a_lost_answer_is_asked_for_again_whatever_has_become_of_company_and_limits(
	hindrance: str, settings: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
	company = make_company()
	topup = lost(company, monkeypatch)
	HINDRANCES[hindrance][0](company, settings)
	again = topups.create(company, Decimal(50), "again")
	assert (again["topup"], again["status"]) == (topup, "Created")
	assert again["checkout_url"].startswith(site.SIMULATOR_URL)


def test_an_answer_that_was_lost_twice_is_asked_for_within_the_window_of_the_second(
	monkeypatch: pytest.MonkeyPatch,
) -> None:
	company = make_company()
	topup = lost(company, monkeypatch)
	OVER["expired"](topup)
	assert lost(company, monkeypatch) == topup
	assert status_of(topup) == "Created"
	frappe.db.set_value("Billing Company", company, "status", "Suspended")
	frappe.db.commit()
	assert topups.create(company, Decimal(50), "again")["checkout_url"]


def test_the_page_that_is_open_is_given_again_for_nothing(settings: Callable[..., None]) -> None:
	company = make_company()
	first = topups.create(company, Decimal(50), "again")
	no_room(company, settings)
	frappe.db.set_value("Billing Company", company, "status", "Suspended")
	frappe.db.commit()
	for _time in range(3):
		assert topups.create(company, Decimal(50), "again") == first


def test_a_key_tells_what_became_of_its_top_up_and_gives_no_page_of_what_is_paid_or_cancelled() -> None:
	company = make_company()
	customer = Api(make_api_customer(company))
	begun = [customer.ok("topup.create", amount="50", idempotency_key=key) for key in ("paid", "cancelled")]
	assert [one["status"] for one in begun] == ["Created"] * 2
	pay(begun[0]["checkout_url"])
	eventually(lambda: status_of(begun[0]["topup"]) == "Paid")
	customer.ok("topup.cancel", topup=begun[1]["topup"])
	for one, key, status in zip(begun, ("paid", "cancelled"), ("Paid", "Cancelled"), strict=True):
		again = customer.ok("topup.create", amount="50", idempotency_key=key)
		assert again == {"topup": one["topup"], "status": status, "checkout_url": None}


def test_what_was_cancelled_before_a_page_was_opened_stays_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
	company = make_company()
	topup = lost(company, monkeypatch)
	assert topups.cancel(topup) == "Cancelled"
	again = customer_of(company).ok("topup.create", amount="50", idempotency_key="again")
	assert again == {"topup": topup, "status": "Cancelled", "checkout_url": None}


def test_what_is_cancelled_while_its_page_is_opened_cannot_be_paid(monkeypatch: pytest.MonkeyPatch) -> None:
	company = make_company()
	topup = lost(company, monkeypatch)
	asking = topups.find(topup)
	assert topups.cancel(topup) == "Cancelled"
	topups._open_session(asking)
	assert status_of(topup) == "Cancelled"
	kept = topups.find(topup)
	assert kept.checkout_session_id, "what Stripe tells of it is known to be of this top-up"
	assert pay(kept.checkout_url).status_code != 303


def test_a_form_that_is_sent_again_when_its_top_up_was_cancelled_tells_so(
	monkeypatch: pytest.MonkeyPatch,
) -> None:
	company = make_company()
	portal = Portal(*make_customer(company))
	key = "0123456789abcdef0123"
	topup = lost(company, monkeypatch)
	change(topup, idempotency_key=f"topup:{company}:{key}:50.000000")
	topups.cancel(topup)
	sent = portal.post("", "/business/billing/topup", amount="50", key=key)
	assert (sent.status_code, sent.headers["Location"]) == (
		303,
		f"/business/billing/topup/cancel?topup={topup}",
	)
	assert "You have cancelled this top-up." in portal.get(sent.headers["Location"]).text


def params_of(topup: str) -> str | None:
	site.fresh()
	return topups.find(topup).checkout_params


def test_the_address_in_what_stripe_is_asked_for_is_kept_until_a_page_is_open_and_no_longer(
	monkeypatch: pytest.MonkeyPatch,
) -> None:
	company = make_company(billing_emails="accounts@example.com")
	topup = lost(company, monkeypatch)
	assert "accounts@example.com" in params_of(topup)
	topups.create(company, Decimal(50), "again")
	assert params_of(topup) is None


def test_nothing_is_kept_of_what_stripe_was_asked_for_when_that_is_over(
	monkeypatch: pytest.MonkeyPatch,
) -> None:
	cancelled, lapsed, refused = (lost(make_company(), monkeypatch) for _n in range(3))
	topups.cancel(cancelled)
	with site.later(topups.SESSION_SECONDS + 1):
		topups._refresh_or_expire(lapsed)
	change(refused, checkout_params='{"mode": "none"}')
	with pytest.raises(BillingError):
		topups.create(topups.find(refused).company, Decimal(50), "again")
	assert [status_of(topup) for topup in (cancelled, lapsed, refused)] == ["Cancelled", "Expired", "Failed"]
	assert [params_of(topup) for topup in (cancelled, lapsed, refused)] == [None] * 3


def test_what_was_kept_before_is_forgotten_by_the_patch_and_what_is_asked_for_stays(
	monkeypatch: pytest.MonkeyPatch,
) -> None:
	waits, finished = lost(make_company(), monkeypatch), topups.create(make_company(), Decimal(50))["topup"]
	change(finished, checkout_params="{}")
	for _time in range(2):
		forget_checkout_parameters.execute()
	frappe.db.commit()
	assert params_of(waits) and params_of(finished) is None
