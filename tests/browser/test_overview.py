"""What a customer sees first, and how few clicks it takes to do something about it."""

import re
import time
from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import frappe
import pytest
from frappe.sessions import clear_sessions
from playwright.sync_api import Page, Route, expect

from prepaid_billing.calls import cdr, session
from prepaid_billing.calls.cdr import Cdr
from prepaid_billing.ledger import clock
from tests import factories, site
from tests.browser.conftest import Customer
from tests.factories import new_id

NewCustomer = Callable[..., Customer]

BILLING = "/business/billing"
RUNNING = "**/api/method/prepaid_billing.api.calls.running*"
OFFER = "**/api/method/prepaid_billing.api.topup.offer*"
A_PAGE = 30_000
"""Milliseconds in which a page has loaded, also on a busy machine."""
NEXT_QUESTION = 11_000
"""Milliseconds after which the page has asked again."""


COUNTING = """
	if (window === window.top) addEventListener("pointerdown", (event) => event.isTrusted && window.clicked(), true);
"""


def counted(page: Page) -> list[float]:
	"""Return a list to which every page of this browser adds the moment of each click that a person made."""
	clicks: list[float] = []
	page.context.expose_function("clicked", lambda: clicks.append(time.monotonic()))
	page.context.add_init_script(COUNTING)
	return clicks


def fail(route: Route) -> None:
	"""Let a request end without an answer."""
	route.abort()


def test_a_top_up_takes_three_clicks_from_the_overview_to_the_payment_page(
	new_customer: NewCustomer, record_property: Callable[[str, object], None]
) -> None:
	customer = new_customer("10")
	page = customer.page
	customer.open(BILLING)
	clicks, began = counted(page), time.monotonic()
	page.reload()
	page.get_by_role("link", name="Top up").click()
	page.get_by_text("€100", exact=True).click()
	page.get_by_role("button", name="Continue to payment").click()
	expect(page.locator("#number")).to_be_visible()
	record_property("seconds", round(time.monotonic() - began, 1))
	assert len(clicks) == 3


def test_the_price_of_a_call_that_the_overview_does_not_list_is_found_in_three_clicks(
	new_customer: NewCustomer, record_property: Callable[[str, object], None]
) -> None:
	customer = new_customer("10")
	company, now_us = customer.company, clock.now_us()
	old = Cdr(new_id(), company, 90, callee="+49 30 555 0100", started_us=now_us)
	assert cdr.book([old])[0].result == "accepted"
	for _number in range(12):
		factories.give(company, "0.01")
	page = customer.page
	customer.open(BILLING)
	clicks, began = counted(page), time.monotonic()
	page.reload()
	# It is older than what the overview lists.
	expect(page.get_by_text("+49 30 555 0100")).to_have_count(0)
	page.get_by_role("link", name="Transactions", exact=True).click()
	page.get_by_role("link", name=re.compile("1 call")).click()
	expect(page.get_by_role("row").filter(has_text="+49 30 555 0100").last).to_contain_text("−€0.63")
	record_property("seconds", round(time.monotonic() - began, 1))
	assert len(clicks) == 2


def test_figure_status_and_minutes_change_together(new_customer: NewCustomer) -> None:
	customer = new_customer("20.5")
	page = customer.page
	page.clock.install()
	customer.open(BILLING)
	expect(page.locator(".pb-status")).to_contain_text("Good")
	expect(page.locator("[data-minutes]")).to_have_text("48 minutes")
	call = new_id()
	session.authorize(call, customer.company)
	ask_again(page)
	expect(page.locator("[data-minutes]")).to_have_text("47 minutes")
	expect(page.locator("[data-available]")).to_have_text("€20.08")
	session.end(call, 0)
	session.authorize(new_id(), customer.company, requested_seconds=2_800)
	ask_again(page)
	expect(page.locator("[data-available]")).to_have_text("€0.90", timeout=A_PAGE)
	expect(page.locator(".pb-status")).to_contain_text("Critical")
	expect(page.get_by_text("The balance is nearly used up.")).to_be_visible()


def test_a_login_that_has_ended_is_told_apart_from_silence(new_customer: NewCustomer) -> None:
	customer = new_customer("50")
	page = customer.page
	page.clock.install()
	customer.open(BILLING)
	end_sessions(customer)
	ask_again(page)
	state = page.locator("[data-live-state]")
	expect(state).to_contain_text("You are logged out.")
	expect(page.locator("[data-available]")).to_have_text("€50.00")
	way = state.get_by_role("link", name="Log in").get_attribute("href")
	# In a page of its own, whose clock goes on: the login form waits for it.
	customer.page = page.context.new_page()
	customer.page.goto(way)
	customer.log_in()
	expect(customer.page).to_have_url(re.compile(f"{BILLING}$"))
	ask_again(page)
	expect(state).to_be_hidden()


def test_an_answer_that_takes_too_long_is_said_and_nothing_is_lost(new_customer: NewCustomer) -> None:
	customer = new_customer("50")
	page = customer.page
	page.clock.install()
	customer.open(BILLING)
	held: list[Route] = []
	page.route(RUNNING, lambda route: held.append(route))
	page.clock.run_for(NEXT_QUESTION)
	expect(page.locator("[data-live-state]")).to_contain_text("We cannot reach the server.", timeout=15_000)
	expect(page.locator("[data-available]")).to_have_text("€50.00")
	assert held


def test_while_an_answer_is_late_the_own_amount_can_be_typed_and_paid(new_customer: NewCustomer) -> None:
	customer = new_customer()
	page = customer.page
	customer.open(f"{BILLING}/topup")
	held: list[Route] = []
	page.route(OFFER, lambda route: held.append(route))
	page.get_by_text("Other amount").click()
	typed = page.get_by_label("Your amount")
	with page.expect_request(OFFER):
		typed.fill("42")
	with page.expect_request(OFFER):
		typed.fill("21")
	expect(page.locator("#buys")).to_have_text("")
	# The late answer to what was typed first comes after the one to what stands there now.
	for route in reversed(held):
		route.continue_()
	expect(page.locator("#buys")).to_have_text("about 50 minutes")
	expect(typed).to_have_value("21")
	page.get_by_role("button", name="Continue to payment").click()
	expect(page.locator("#number")).to_be_visible()


@pytest.mark.parametrize(
	("path", "field", "text", "button"),
	[
		("/settings", "Address", "Street 1\nTown", "Save the company"),
		("/topup?suggested=33", "Your amount", "77", "Continue to payment"),
	],
)
def test_what_was_typed_survives_a_login_that_had_ended(
	new_customer: NewCustomer, path: str, field: str, text: str, button: str
) -> None:
	customer = new_customer("10", is_owner=True)
	page = customer.page
	customer.open(BILLING + path)
	page.get_by_label(field, exact=field == "Address").fill(text)
	end_sessions(customer)
	page.get_by_role("button", name=button).click()
	expect(page).to_have_url(re.compile(r"/login\?redirect-to="))
	customer.log_in()
	expect(page.get_by_text("What you typed is still here")).to_be_visible()
	expect(page.get_by_label(field, exact=field == "Address")).to_have_value(text)
	page.goto(BILLING)
	page.goto(BILLING + path)
	expect(page.get_by_text("What you typed is still here")).to_be_hidden()


def end_sessions(customer: Customer) -> None:
	"""Let all logins of a customer end, as time does it."""
	site.fresh()
	clear_sessions(customer.email, force=True)
	frappe.db.commit()


def test_a_running_call_appears_counts_and_leaves_while_the_page_is_open(new_customer: NewCustomer) -> None:
	customer = new_customer("50")
	page = customer.page
	page.clock.install()
	customer.open(BILLING)
	expect(page.get_by_role("heading", name="Calls in progress")).to_be_hidden()
	call = new_id()
	session.authorize(call, customer.company, callee="+49 30 555 0100")
	session.extend(call, 30, 1)
	ask_again(page)
	expect(page.locator("[data-running] li")).to_contain_text("+49 30 555 0100")
	expect(page.locator("[data-running] li")).to_contain_text("€0.21")
	expect(page.locator("[data-held]")).to_have_text("€0.63")
	session.end(call, 30)
	ask_again(page)
	expect(page.get_by_role("heading", name="Calls in progress")).to_be_hidden()
	expect(page.locator("[data-available]")).to_have_text("€49.79")


WRITES = """
	const note = (changes) => window.writes.push(...changes.map((change) => change.target.textContent.trim()));
	window.writes = [];
	for (const part of document.querySelectorAll("[data-running], [data-live-state], [data-status]"))
		new MutationObserver(note).observe(part, { subtree: true, childList: true, characterData: true });
"""
"""Notes what is written into the parts of the page that live."""


def test_only_what_has_changed_is_written_and_the_page_is_not_loaded_again(new_customer: NewCustomer) -> None:
	customer = new_customer("50")
	page = customer.page
	session.authorize(new_id(), customer.company, callee="+49 30 555 0100")
	page.clock.install()
	customer.open(BILLING)
	page.evaluate(WRITES)
	for _time in range(2):
		# Until the answer is there in full: the clock of the page runs ahead, and so does the end of its patience.
		with page.expect_event("requestfinished", lambda request: "calls.running" in request.url):
			page.clock.run_for(NEXT_QUESTION)
	assert page.evaluate("window.writes") == []
	page.route(RUNNING, fail)
	for _time in range(3):
		with page.expect_event("requestfailed"):
			page.clock.run_for(NEXT_QUESTION)
	expect(page.locator("[data-live-state]")).to_contain_text("We cannot reach the server.")
	assert len(page.evaluate("window.writes")) == 1
	page.unroute(RUNNING)
	session.authorize(new_id(), customer.company, requested_seconds=6_900)
	ask_again(page)
	status = page.get_by_role("status").filter(has_text="Critical")
	expect(status).to_contain_text("The balance is nearly used up.")
	# A page that was loaded again would have forgotten.
	assert page.evaluate("window.writes.length") > 1


def test_live_figures_keep_the_form_of_the_page_and_the_time_the_companys_clocks(
	new_customer: NewCustomer,
) -> None:
	customer = new_customer("50")
	frappe.db.set_value("Billing Company", customer.company, "time_zone", "Asia/Kathmandu")
	frappe.db.commit()
	session.authorize(new_id(), customer.company, callee="+49 30 555 0100")
	page = customer.page
	page.clock.install()
	customer.open(BILLING)
	before = page.locator("[data-running]").inner_text()
	ask_again(page)
	expect(page.locator("[data-available]")).to_have_text("€49.58")
	assert page.locator("[data-running]").inner_text() == before
	page.route(RUNNING, fail)
	page.clock.run_for(NEXT_QUESTION)
	now = clock.local_time(clock.now_us(), ZoneInfo("Asia/Kathmandu"))
	times = "|".join(f"{now - timedelta(minutes=ago):%H:%M}" for ago in range(3))
	expect(page.locator("[data-live-state]")).to_contain_text(re.compile(f"is from ({times});"))


def test_when_the_server_is_silent_the_page_says_so_and_keeps_what_it_has(new_customer: NewCustomer) -> None:
	customer = new_customer("50")
	page = customer.page
	session.authorize(new_id(), customer.company, callee="+49 30 555 0100")
	page.clock.install()
	customer.open(BILLING)
	page.route(RUNNING, fail)
	page.clock.run_for(NEXT_QUESTION)
	expect(page.locator("[data-live-state]")).to_contain_text("We cannot reach the server.")
	expect(page.locator("[data-running] li")).to_contain_text("+49 30 555 0100")
	expect(page.locator("[data-available]")).to_have_text("€49.58")
	page.unroute(RUNNING)
	ask_again(page)
	expect(page.locator("[data-live-state]")).to_be_hidden()


def ask_again(page: Page) -> None:
	"""Let the time pass until the page has asked again, and wait for the answer."""
	with page.expect_response(RUNNING):
		page.clock.run_for(NEXT_QUESTION)


def test_an_own_amount_tells_its_minutes_while_it_is_typed_and_without_an_answer_nothing(
	new_customer: NewCustomer,
) -> None:
	customer = new_customer()
	page = customer.page
	customer.open(f"{BILLING}/topup")
	page.get_by_text("Other amount").click()
	typed = page.get_by_label("Your amount")
	typed.fill("42")
	expect(page.locator("#buys")).to_have_text("about 100 minutes")
	page.route(OFFER, fail)
	typed.fill("21")
	expect(page.locator("#buys")).to_have_text("")
	page.get_by_role("button", name="Continue to payment").click()
	expect(page.locator("#number")).to_be_visible()


def test_an_address_with_an_amount_tells_its_minutes_without_a_script(new_customer: NewCustomer) -> None:
	customer = new_customer()
	customer.open(f"{BILLING}/topup?suggested=42")
	page = customer.page
	page.route("**/*.js", fail)
	page.reload()
	expect(page.locator("#buys")).to_have_text("about 100 minutes")


def test_settings_are_saved_by_a_plain_form_and_said_to_be(new_customer: NewCustomer) -> None:
	customer = new_customer("10", is_owner=True)
	customer.open(f"{BILLING}/settings")
	page = customer.page
	page.get_by_label("Warning threshold").fill("nothing")
	page.get_by_role("button", name="Save the threshold").click()
	expect(page.get_by_role("alert")).to_contain_text("This is not an amount of money.")
	expect(page.get_by_label("Warning threshold")).to_have_value("nothing")
	page.get_by_label("Warning threshold").fill("33")
	page.get_by_role("button", name="Save the threshold").click()
	expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
	expect(page.get_by_label("Warning threshold")).to_have_value("33.00")


def test_what_was_typed_into_other_forms_stays_when_one_is_saved_and_the_outcome_is_read_out(
	new_customer: NewCustomer,
) -> None:
	customer = new_customer("10", is_owner=True)
	customer.open(f"{BILLING}/settings")
	page = customer.page
	addresses, threshold = page.get_by_label("Addresses"), page.get_by_label("Warning threshold")
	addresses.fill("a@example.com")
	page.get_by_label("Refund").uncheck()
	threshold.fill("nothing")
	page.get_by_role("button", name="Save the threshold").click()
	expect(page.get_by_role("alert")).to_be_focused()
	expect(page.get_by_role("alert")).to_contain_text("still here, but not saved yet")
	threshold.fill("33")
	page.get_by_role("button", name="Save the threshold").click()
	saved = page.get_by_role("status").filter(has_text="Saved.")
	expect(saved).to_be_focused()
	expect(saved).to_contain_text("still here, but not saved yet")
	expect(addresses).to_have_value("a@example.com")
	expect(page.get_by_label("Refund")).not_to_be_checked()
	page.get_by_role("button", name="Save the mails").click()
	expect(saved).to_be_focused()
	expect(page.get_by_text("not saved yet")).to_be_hidden()
	site.fresh()
	doc = frappe.get_doc("Billing Company", customer.company)
	assert (doc.billing_emails, doc.mail_refund) == ("a@example.com", 0)
