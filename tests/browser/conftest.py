"""A real browser on the real site; after each test the books must be whole."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import frappe
import pytest
from frappe.permissions import add_user_permission
from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright

from prepaid_billing.permissions import MANAGER
from tests import factories, site
from tests.integration.conftest import books_are_whole, connection  # noqa: F401

CHROMIUM = os.environ.get("PB_CHROMIUM") or "/usr/bin/chromium"
LANGUAGES = ("en", "de")
WIDTHS = (1280, 360)
PICTURES = os.environ.get("PB_PICTURES")
"""Where `make pictures` wants the pictures of the documentation."""
STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
AXE = "async tags => (await axe.run(document, {runOnly: tags})).violations"
ARGUMENTS = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run"


@dataclass
class Visitor:
	"""Somebody with a login and a browser of their own."""

	email: str
	password: str
	page: Page

	def log_in(self) -> Response:
		"""Fill in and send the login form that the browser shows; return the page that it leads to."""
		# Before its script has come, the form would be sent without the way back.
		self.page.wait_for_load_state()
		self.page.locator("#login_email").fill(self.email)
		self.page.locator("#login_password").fill(self.password)
		with self.page.expect_navigation(url=re.compile("(?!.*/login).*")) as reached:
			self.page.locator(".btn-login:visible").first.click()
		return reached.value

	def open(self, path: str) -> Response:
		"""Open a page of the site, through the login form where that comes first."""
		answer = self.page.goto(path)
		return self.log_in() if "/login" in self.page.url else answer


@dataclass
class Customer(Visitor):
	"""A customer with a company, or with none yet."""

	company: str | None


def wide(page: Page) -> int:
	"""Return how many pixels wide a page is, with what is out of sight to the right."""
	return page.evaluate("document.documentElement.scrollWidth")


def keep_picture(page: Page, name: str) -> None:
	"""Keep a picture of a page down to its end, where pictures are wanted."""
	if PICTURES:
		page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


@pytest.fixture(scope="session")
def barriers() -> Callable[[Page], list[tuple[str, list[str]]]]:
	"""Let axe-core look at a page; return which of its rules are broken, and by what."""
	with open(os.environ["PB_AXE"]) as file:
		axe = file.read()

	def look(page: Page) -> list[tuple[str, list[str]]]:
		page.evaluate(axe)
		found = page.evaluate(AXE, STANDARD)
		return [(item["id"], [node["html"] for node in item["nodes"]]) for item in found]

	return look


@pytest.fixture(scope="session")
def chromium(connection: None) -> Iterator[Browser]:  # noqa: F811
	"""The browser of the session."""
	with sync_playwright() as playwright:
		browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split())
		yield browser
		browser.close()


@pytest.fixture
def new_page(chromium: Browser) -> Iterator[Callable[[str], Page]]:
	"""Open pages in the language given, each in a browser context of its own."""
	contexts: list[BrowserContext] = []

	def make(language: str) -> Page:
		context = chromium.new_context(
			base_url=site.SITE_URL, locale=language, viewport={"width": 1280, "height": 900}
		)
		contexts.append(context)
		return context.new_page()

	yield make
	for context in contexts:
		context.close()


@pytest.fixture
def new_customer(new_page: Callable[[str], Page]) -> Callable[..., Customer]:
	"""Make customers."""

	def make(balance: str = "0", language: str = "en", has_company: bool = True, **rights: bool) -> Customer:
		company = factories.make_company(balance) if has_company else None
		email, password = factories.make_customer(company, **rights)
		frappe.db.set_value("User", email, "language", language)
		frappe.db.commit()
		return Customer(email, password, new_page(language), company)

	return make


@pytest.fixture
def new_staff(new_page: Callable[[str], Page]) -> Callable[..., Visitor]:
	"""Make staff who see no companies but those given, whatever else the site holds."""

	def make(*companies: str, role: str = MANAGER, language: str = "en") -> Visitor:
		email = factories.make_user(role, factories.PASSWORD)
		frappe.db.set_value("User", email, "language", language)
		for company in companies:
			add_user_permission("Billing Company", company, email)
		frappe.db.commit()
		return Visitor(email, factories.PASSWORD, new_page(language))

	return make
