"""Adjustments by staff: with a reason, once, and above the limit only by two people."""

from concurrent.futures import ThreadPoolExecutor

import frappe
import pytest
from frappe.permissions import add_user_permission

from prepaid_billing.ledger import balance_of, clock
from prepaid_billing.permissions import MANAGER
from tests import factories, site
from tests.client import Api
from tests.factories import make_company, new_id


@pytest.fixture
def manager() -> Api:
	"""Somebody who has booked nothing alone today."""
	return Api(factories.api_key_of(factories.make_user(MANAGER)))


@pytest.fixture(scope="module")
def colleague() -> Api:
	return Api(factories.api_key_of(factories.make_user(MANAGER)))


def asked(company: str, amount: str) -> dict:
	return {"company": company, "amount": amount, "reason": "goodwill", "idempotency_key": new_id()}


def balance(company: str) -> str:
	site.fresh()
	return str(balance_of(company).balance)


@pytest.mark.parametrize("amount,after", [("500", "510.000000"), ("-10", "0.000000")])
def test_an_adjustment_within_the_limit_is_booked_at_once(manager: Api, amount: str, after: str) -> None:
	company = make_company("10")
	request = asked(company, amount)
	answer = manager.post("balance.adjust", **request)
	assert (answer.status_code, answer.json()["message"]["status"]) == (200, "Booked")
	assert answer.json()["message"]["balance"] == balance(company) == after
	assert manager.post("balance.adjust", **request).json() == answer.json()
	assert balance(company) == after


def test_an_adjustment_above_the_limit_waits_for_a_second_person(manager: Api, colleague: Api) -> None:
	company = make_company("10")
	answer = manager.post("balance.adjust", **asked(company, "500.01"))
	assert (answer.status_code, answer.json()["message"]["status"]) == (202, "Waiting")
	adjustment = answer.json()["message"]["adjustment"]
	assert balance(company) == "10.000000"
	own = manager.post("balance.confirm_adjustment", adjustment=adjustment)
	assert (own.status_code, own.json()["code"]) == (403, "NOT_PERMITTED")
	assert balance(company) == "10.000000"
	for _time in range(2):
		assert colleague.ok("balance.confirm_adjustment", adjustment=adjustment)["balance"] == "510.010000"
	assert balance(company) == "510.010000"


def test_what_a_second_person_confirmed_was_edited_by_the_clock_of_the_site(
	manager: Api, colleague: Api
) -> None:
	company = make_company("10")
	name = manager.post("balance.adjust", **asked(company, "501")).json()["message"]["adjustment"]
	before = clock.site_time(clock.now_us())
	colleague.ok("balance.confirm_adjustment", adjustment=name)
	site.fresh()
	edited = frappe.db.get_value("Balance Adjustment", name, "modified")
	# The sites of the tests live by Berlin's time, their databases by UTC.
	assert before <= edited <= clock.site_time(clock.now_us())


def test_who_may_confirm_is_told_once_and_who_asked_is_not() -> None:
	(second, _password), (stranger, _password) = factories.make_manager(), factories.make_manager()
	company, own = make_company("10"), make_company("10")
	add_user_permission("Billing Company", own, stranger)
	frappe.db.commit()
	asker, _password = factories.make_manager()
	factories.name_person(asker, "Grace", "O & M")
	manager = Api(factories.api_key_of(asker))
	request = asked(company, "-9501")
	name = manager.post("balance.adjust", **request).json()["message"]["adjustment"]
	assert manager.post("balance.adjust", **request).status_code == 202
	site.fresh()
	told = frappe.get_all("Notification Log", {"document_name": name}, ["for_user", "subject", "type"])
	users = [row.for_user for row in told]
	assert second in users and not {asker, stranger} & set(users) and len(users) == len(set(users))
	assert all(company in row.subject and "−€9,501.00" in row.subject for row in told)
	assert all(row.subject.startswith("Grace O &amp; M asks for an adjustment") for row in told)
	assert not frappe.db.exists("Email Queue", {"reference_name": name})


def test_an_adjustment_within_the_limit_asks_nobody(manager: Api) -> None:
	answer = manager.ok("balance.adjust", **asked(make_company("10"), "5"))
	assert not frappe.db.exists("Notification Log", {"document_name": answer["adjustment"]})


def test_a_confirmation_beyond_what_is_available_tells_staff_how_much_there_is(
	manager: Api, colleague: Api
) -> None:
	company = make_company("10")
	name = manager.post("balance.adjust", **asked(company, "-501")).json()["message"]["adjustment"]
	answer = colleague.post("balance.confirm_adjustment", adjustment=name)
	assert (answer.status_code, answer.json()["code"]) == (402, "INSUFFICIENT_BALANCE")
	assert (
		answer.json()["error"] == f"Only €10.00 of the balance of {company} is available. Nothing was booked."
	)
	site.fresh()
	assert frappe.db.get_value("Balance Adjustment", name, "status") == "Waiting"


def test_small_adjustments_of_a_day_add_up_to_the_limit_of_one_person(manager: Api, colleague: Api) -> None:
	company, other = make_company("10"), make_company("10")
	assert manager.post("balance.adjust", **asked(company, "300")).status_code == 200
	assert manager.post("balance.adjust", **asked(other, "-5")).status_code == 200
	assert manager.post("balance.adjust", **asked(other, "200")).status_code == 202
	assert manager.post("balance.adjust", **asked(other, "195")).status_code == 200
	assert colleague.post("balance.adjust", **asked(other, "500")).status_code == 200


def test_a_reason_with_an_address_in_it_may_be_sent_again(manager: Api) -> None:
	request = {**asked(make_company("10"), "5"), "reason": "refund <kunde@example.com>"}
	assert manager.ok("balance.adjust", **request) == manager.ok("balance.adjust", **request)


def test_a_refused_adjustment_is_never_booked(manager: Api, colleague: Api) -> None:
	company = make_company("10")
	adjustment = manager.post("balance.adjust", **asked(company, "-501")).json()["message"]["adjustment"]
	assert colleague.ok("balance.refuse_adjustment", adjustment=adjustment)["status"] == "Refused"
	assert colleague.post("balance.confirm_adjustment", adjustment=adjustment).status_code == 422
	assert balance(company) == "10.000000"


def test_more_than_is_available_is_not_taken(manager: Api) -> None:
	company = make_company("10")
	answer = manager.post("balance.adjust", **asked(company, "-10.000001"))
	assert (answer.status_code, answer.json()["code"]) == (402, "INSUFFICIENT_BALANCE")


@pytest.mark.parametrize(
	"change",
	[
		{"reason": ""},
		{"reason": None},
		{"amount": "0"},
		{"amount": 1.5},
		{"amount": None},
		{"idempotency_key": None},
	],
	ids=str,
)
def test_an_adjustment_without_reason_amount_or_key_is_refused(manager: Api, change: dict) -> None:
	company = make_company("10")
	assert manager.post("balance.adjust", **{**asked(company, "5"), **change}).status_code == 422
	assert balance(company) == "10.000000"


def test_a_key_used_for_another_adjustment_is_refused(manager: Api) -> None:
	company = make_company("10")
	request = asked(company, "5")
	manager.ok("balance.adjust", **request)
	assert manager.post("balance.adjust", **{**request, "amount": "6"}).json()["code"] == "DUPLICATE"
	assert balance(company) == "15.000000"


def test_the_gateway_and_customers_adjust_nothing(gateway: Api) -> None:
	company = make_company("10")
	customer = Api(factories.api_key_of(factories.make_customer(company)[0]))
	for caller in (gateway, customer):
		assert caller.post("balance.adjust", **asked(company, "5")).status_code == 403


def test_an_adjustment_confirmed_by_another_spelling_of_its_name_is_not_there(
	manager: Api, colleague: Api
) -> None:
	company = make_company("10")
	request = asked(company, "501")
	name = manager.post("balance.adjust", **request).json()["message"]["adjustment"]
	assert any(letter.isalpha() for letter in name)
	assert colleague.post("balance.confirm_adjustment", adjustment=name.upper()).status_code == 422
	assert balance(company) == "10.000000"
	for answer in (
		colleague.post("balance.confirm_adjustment", adjustment=name),
		colleague.post("balance.confirm_adjustment", adjustment=name),
		manager.post("balance.adjust", **request),
	):
		assert answer.json()["message"]["status"] == "Booked"
	assert balance(company) == "511.000000"


def test_the_limit_of_one_person_holds_over_many_companies_at_once(manager: Api) -> None:
	companies = [make_company() for _n in range(6)]
	with ThreadPoolExecutor(len(companies)) as pool:
		answers = list(
			pool.map(
				lambda company: Api(manager.session.headers["Authorization"]).post(
					"balance.adjust", **asked(company, "400")
				),
				companies,
			)
		)
	assert sorted(answer.status_code for answer in answers) == [200, 202, 202, 202, 202, 202]


def test_a_manager_kept_to_some_companies_decides_no_adjustment_of_another(manager: Api) -> None:
	company, own = make_company("10"), make_company("10")
	name = manager.post("balance.adjust", **asked(company, "501")).json()["message"]["adjustment"]
	email, _password = factories.make_manager()
	add_user_permission("Billing Company", own, email)
	frappe.db.commit()
	kept = Api(factories.api_key_of(email))
	for verb in ("confirm_adjustment", "refuse_adjustment"):
		missing = kept.post(f"balance.{verb}", adjustment="nothing")
		there = kept.post(f"balance.{verb}", adjustment=name)
		assert (there.status_code, there.json()) == (missing.status_code, missing.json())
	assert balance(company) == "10.000000"
