"""What every page of the portal shows: the operator's name, the company's clocks, notices, and who can be asked."""

import json
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import frappe
import pytest
import requests
from frappe.utils import get_system_timezone

from prepaid_billing import status
from prepaid_billing.alerts.check import check_low_balances
from prepaid_billing.display import moment
from prepaid_billing.ledger import clock
from prepaid_billing.patches import name_owners
from tests import factories, site
from tests.integration.test_settings_page import PAGE as SETTINGS
from tests.integration.test_settings_page import Portal

BILLING = "/business/billing"
NAME = "Fern & Ruf"


@pytest.fixture
def named() -> Iterator[None]:
	"""An operator who has named the site in Website Settings."""
	settings = frappe.get_doc("Website Settings")
	before = settings.app_name
	settings.update({"app_name": NAME})
	settings.save()
	frappe.db.commit()
	yield
	settings.reload()
	settings.update({"app_name": before})
	settings.save()
	frappe.db.commit()


def low_company(**fields: object) -> str:
	"""A company whose balance is low, and that has somebody to tell."""
	return factories.make_company("10", billing_emails=f"{factories.new_id('mail')}@example.com", **fields)


def page_for_guests(path: str, **headers: str) -> str:
	host = {"Host": site.SITE_URL.split("//")[1], **headers}
	return requests.get(f"{site.WEB_URL}{path}", headers=host, timeout=30).text


def customer_of(company: str, **rights: bool) -> Portal:
	return Portal(*factories.make_customer(company, **rights))


def test_pages_and_login_carry_the_operators_name_and_none_of_frappes_words(named: None) -> None:
	pages = [customer_of(factories.make_company("5")).get(BILLING).text, page_for_guests("/login")]
	assert "<span>Fern &amp; Ruf</span>" in pages[0]  # v16's login has no bar above it
	for text in pages:
		assert "<span>Home</span>" not in text and "frappeframework.com?source" not in text
		assert "frappe-favicon" not in text
	assert "Login to Fern &amp; Ruf" in pages[1] and "prepaid_billing/images/logo.svg" in pages[1]


@pytest.mark.parametrize(
	("path", "headers", "language", "words"),
	[
		("/login", {}, "en", "Login to"),
		("/login", {"Accept-Language": "de-DE,de;q=0.9,en;q=0.8"}, "de", "Anmelden bei"),
		("/login", {"Accept-Language": "tlh"}, "en", "Login to"),
		("/login", {"Accept-Language": "en", "Cookie": "preferred_language=de"}, "de", "Anmelden bei"),
		(BILLING, {"Accept-Language": "de"}, "de", "Anmelden bei"),
	],
)
def test_the_login_page_speaks_the_language_of_the_guests_browser(
	path: str, headers: dict[str, str], language: str, words: str
) -> None:
	text = page_for_guests(path, **headers)
	assert f'<html lang="{language}"' in text and words in text


@pytest.mark.parametrize("path", ["/", "/api/method/frappe.core.doctype.user.user.reset_password"])
def test_a_form_of_the_login_page_is_answered_in_the_language_of_the_page(path: str) -> None:
	email = factories.make_customer(factories.make_company("5"))[0]
	answer = requests.post(
		site.WEB_URL + path,
		{"cmd": "frappe.core.doctype.user.user.reset_password", "user": email},
		headers={"Host": site.SITE_URL.split("//")[1], "Accept-Language": "de"},
		timeout=30,
	)
	(message,) = json.loads(answer.json()["_server_messages"])
	assert json.loads(message)["title"] == "Passwort E-Mail gesendet"
	assert answer.headers["Cache-Control"] == "private, no-store"


def test_other_pages_and_logins_keep_their_language() -> None:
	german = {"Accept-Language": "de"}
	assert '<html lang="en"' in page_for_guests("/contact", **german)
	customer = customer_of(factories.make_company("5"))
	customer.session.headers.update(german)
	assert '<html lang="en"' in customer.get(BILLING).text


def test_a_site_without_a_name_carries_the_sellers_and_other_pages_stay_as_they_are() -> None:
	settings = frappe.get_doc("Prepaid Billing Settings")
	before = settings.seller_name
	settings.update({"seller_name": NAME})
	settings.save()
	frappe.db.commit()
	assert "Login to Fern &amp; Ruf" in page_for_guests("/login")
	assert "Fern &amp; Ruf" not in page_for_guests("/contact")
	settings.update({"seller_name": before})
	settings.save()
	frappe.db.commit()


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Asia/Kathmandu", "America/St_Johns"])
def test_times_of_the_overview_are_those_of_the_companys_clocks(zone: str) -> None:
	assert get_system_timezone() != zone
	company = factories.make_company("5", time_zone=zone)
	text = customer_of(company).get(BILLING).text
	site.fresh()
	booked_us = frappe.db.get_value("Balance Transaction", {"balance": company}, "booked_us")
	shown = moment(clock.local_time(booked_us, ZoneInfo(zone)), "en")
	assert f'<time datetime="{clock.iso(booked_us)}">{shown}</time>' in text


def test_a_warning_is_a_notice_on_the_pages_until_it_is_read() -> None:
	company = low_company(time_zone="Asia/Kathmandu")
	reader, other = customer_of(company), customer_of(company)
	check_low_balances(company)
	usage = reader.get(f"{BILLING}/usage").text
	site.fresh()
	newest = usage.split('name="newest" value="')[1].split('"')[0]
	came = clock.from_site_time(frappe.db.get_value("Notification Log", newest, "creation"))
	shown = moment(clock.local_time(came, ZoneInfo("Asia/Kathmandu")), "en")
	assert "1 new notice" in usage and "Your prepaid balance is low" in usage and shown in usage
	answer = reader.post("read", path=BILLING, newest=newest, page="/usage")
	assert (answer.status_code, answer.headers["Location"]) == (303, f"{BILLING}/usage")
	assert "pb-notices" not in reader.get(f"{BILLING}/usage").text
	assert "1 new notice" in other.get(f"{BILLING}/usage").text


def test_the_overview_says_a_low_balance_once() -> None:
	company = low_company()
	customer = customer_of(company)
	check_low_balances(company)
	assert "pb-notices" not in customer.get(BILLING).text
	factories.give(company, "100")
	assert "1 new notice" in customer.get(BILLING).text


@pytest.mark.parametrize("page", ["https://example.com", "//example.com", "/nothing", ""])
def test_marking_as_read_leads_to_pages_of_ours_alone_and_reads_nobody_elses_notices(page: str) -> None:
	company = low_company()
	reader, stranger = customer_of(company), customer_of(factories.make_company("50"))
	check_low_balances(company)
	newest = reader.get(f"{BILLING}/usage").text.split('name="newest" value="')[1].split('"')[0]
	answer = stranger.post("read", path=BILLING, newest=newest, page=page)
	assert (answer.status_code, answer.headers["Location"]) == (303, BILLING)
	assert "1 new notice" in reader.get(f"{BILLING}/usage").text


def test_settings_say_who_can_change_them() -> None:
	company = factories.make_company()
	looker = customer_of(company)
	assert "your company has no owner. Please contact us to name one." in looker.get(SETTINGS).text
	email, password = factories.make_customer(company, is_owner=True)
	factories.name_person(email, "Grace", "O & M")
	assert "These owners of the company can change them: Grace O &amp; M." in looker.get(SETTINGS).text
	assert "<strong>Grace O &amp; M</strong>" in Portal(email, password).get(SETTINGS).text


def owners(company: str) -> list[str]:
	site.fresh()
	return frappe.get_all("Billing Company User", {"parent": company, "is_owner": 1}, pluck="user")


@pytest.mark.parametrize(
	"rights,owner",
	[([True], 0), ([False, True], 1), ([True, True], None), ([False], None), ([], None)],
	ids=["the only one", "the only one who pays", "two who pay", "nobody who pays", "no user"],
)
def test_the_one_who_pays_becomes_owner_of_a_company_without_one(
	rights: list[bool], owner: int | None
) -> None:
	company = factories.make_company()
	users = [factories.make_customer(company, may_top_up=may)[0] for may in rights]
	for _time in range(2):
		name_owners.execute()
		frappe.db.commit()
	assert owners(company) == ([] if owner is None else [users[owner]])


def test_an_owner_stays_the_only_one_and_a_login_that_is_off_is_none() -> None:
	company, off = factories.make_company(), factories.make_company()
	owner = factories.make_customer(company, may_top_up=False, is_owner=True)[0]
	factories.make_customer(company)
	user = frappe.get_doc("User", factories.make_customer(off)[0])
	user.update({"enabled": 0})
	user.save()
	name_owners.execute()
	frappe.db.commit()
	assert (owners(company), owners(off)) == ([owner], [])


def test_status_counts_the_companies_without_an_owner() -> None:
	def counted() -> int:
		site.fresh()
		[line] = [line for line in dict(status.overview())["Waiting"] if "have no owner" in line]
		return int(line.split(":")[0].split()[-1])

	before, company = counted(), factories.make_company()
	assert counted() == before
	factories.make_customer(company)
	assert counted() == before + 1
