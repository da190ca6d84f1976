"""A real browser on the real site; after each test the books must be whole."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import frappe
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright

from tests import factories, site
from tests.integration.conftest import books_are_whole, connection  # noqa: F401

CHROMIUM = os.environ.get("PB_CHROMIUM") or "/usr/bin/chromium"
ARGUMENTS = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run"


@dataclass
class Customer:
	"""A customer with a company and a browser of their own."""

	company: str | None
	email: str
	password: str
	page: Page

	def log_in(self) -> Response:
		"""Fill in and send the login form that the browser shows; return the page that it leads to."""
		self.page.locator("#login_email").fill(self.email)
		self.page.locator("#login_password").fill(self.password)
		with self.page.expect_navigation(url=re.compile("(?!.*/login).*")) as reached:
			self.page.locator(".btn-login:visible").first.click()
		return reached.value

	def open(self, path: str) -> Response:
		"""Open a page of the site, through the login form where that comes first."""
		answer = self.page.goto(path)
		return self.log_in() if "/login" in self.page.url else answer


@pytest.fixture(scope="session")
def chromium(connection: None) -> Iterator[Browser]:  # noqa: F811
	"""The browser of the session."""
	with sync_playwright() as playwright:
		browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split())
		yield browser
		browser.close()


@pytest.fixture
def new_customer(chromium: Browser) -> Iterator[Callable[..., Customer]]:
	"""Make customers, each in a browser context of their own."""
	contexts: list[BrowserContext] = []

	def make(balance: str = "0", language: str = "en", has_company: bool = True, **rights: bool) -> Customer:
		company = factories.make_company(balance) if has_company else None
		email, password = factories.make_customer(company, **rights)
		frappe.db.set_value("User", email, "language", language)
		frappe.db.commit()
		context = chromium.new_context(
			base_url=site.SITE_URL, locale=language, viewport={"width": 1280, "height": 900}
		)
		contexts.append(context)
		return Customer(company, email, password, context.new_page())

	yield make
	for context in contexts:
		context.close()
