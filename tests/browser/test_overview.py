"""What a customer sees first, and how few clicks it takes to do something about it."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from prepaid_billing.calls import session
from tests.browser.conftest import Customer
from tests.factories import new_id

NewCustomer = Callable[..., Customer]

BILLING = "/business/billing"
RUNNING = "**/api/method/prepaid_billing.api.calls.running*"
OFFER = "**/api/method/prepaid_billing.api.topup.offer*"
NEXT_QUESTION = 11_000
"""Milliseconds after which the page has asked again."""


class Clicks:
	"""Clicks, counted."""

	def __init__(self, page: Page) -> None:
		self.page = page
		self.count = 0

	def __call__(self, role: str, name: str | re.Pattern) -> None:
		"""Click what has this role and name."""
		self.page.get_by_role(role, name=name).first.click()
		self.count += 1


def fail(route: Route) -> None:
	"""Let a request end without an answer."""
	route.abort()


def test_a_top_up_takes_three_clicks_from_the_overview_to_the_payment_page(new_customer: NewCustomer) -> None:
	customer = new_customer("10")
	customer.open(BILLING)
	click = Clicks(customer.page)
	click("link", "Top up")
	customer.page.get_by_text("€100", exact=True).click()
	click.count += 1
	click("button", "Continue to payment")
	expect(customer.page.locator("#number")).to_be_visible()
	assert click.count <= 3


def test_the_price_of_a_call_is_found_in_three_clicks(new_customer: NewCustomer) -> None:
	customer = new_customer("10")
	call = new_id()
	session.authorize(call, customer.company, callee="+49 30 555 0100")
	session.end(call, 90)
	customer.open(BILLING)
	# It stands among the latest transactions: no click at all.
	row = customer.page.get_by_role("row").filter(has_text="+49 30 555 0100")
	expect(row).to_contain_text("−€0.63")


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


def test_when_the_server_is_silent_the_page_says_so_and_keeps_what_it_has(new_customer: NewCustomer) -> None:
	customer = new_customer("50")
	page = customer.page
	session.authorize(new_id(), customer.company, callee="+49 30 555 0100")
	page.clock.install()
	customer.open(BILLING)
	page.route(RUNNING, fail)
	page.clock.run_for(NEXT_QUESTION)
	expect(page.locator("[data-running-state]")).to_contain_text("We cannot reach the server.")
	expect(page.locator("[data-running] li")).to_contain_text("+49 30 555 0100")
	expect(page.locator("[data-available]")).to_have_text("€49.58")
	page.unroute(RUNNING)
	ask_again(page)
	expect(page.locator("[data-running-state]")).to_have_text("What each would cost if it ended now.")


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
