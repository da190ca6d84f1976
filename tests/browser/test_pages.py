"""Every page of the customer, in both languages, wide and narrow: nothing that keeps somebody out, nothing that jumps.

A new page gets one row in PAGES.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import frappe
import pytest
from playwright.sync_api import Browser, Page, expect

from prepaid_billing.alerts.check import check_low_balances
from prepaid_billing.calls import cdr, session
from prepaid_billing.exports.transactions import MOST_PRINTED
from prepaid_billing.ledger import clock
from prepaid_billing.ledger.period import today, zone_of
from prepaid_billing.payments import gateway, topups
from tests import factories, site
from tests.browser.conftest import LANGUAGES, WIDTHS, Visitor, keep_picture, wide
from tests.integration.test_company_walls import pages_of_the_product
from tests.integration.test_topup import eventually
from tests.stripe_checkout import DECLINED_CARD, pay, pay_by_debit, simulate

BILLING = "/business/billing"
HEIGHT = 900
ZONE = "Europe/Berlin"
DAY_US = 86_400 * clock.SECOND
PICTURED = {
	"overview": "balance",
	"overview without anything": "balance-empty",
	"overview of a low balance": "balance-low",
	"overview of a balance that is used up": "balance-used-up",
	"overview in a dispute": "balance-disputed",
	"top-up": "topup",
	"top-up with an amount that cannot be paid": "topup-error",
	"paid": "paid",
	"on its way": "on-its-way",
	"failed": "failed",
	"cancelled": "cancelled",
	"transactions": "transactions",
	"transactions with an open day": "transactions-open",
	"transactions with an open day of which calls differ": "transactions-differ",
	"transactions too long for paper": "transactions-too-long",
	"transactions without anything": "transactions-empty",
	"transactions refused": "transactions-error",
	"usage": "usage",
	"usage without anything": "usage-empty",
	"usage refused": "usage-error",
	"settings": "settings",
	"settings refused": "settings-error",
	"invited": "invited",
}
MOST_SHIFT = 0.01
"""Cumulative layout shift: 0.1 is what browsers call good."""
SHIFTS = """
	window.shift = 0;
	new PerformanceObserver(list => {
		for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
	}).observe({type: "layout-shift", buffered: true});
"""


@dataclass(frozen=True)
class Place:
	"""A page: its name, who of the cast looks, its address and its HTTP status.

	``typed`` is put into the fields of its form, which is then sent by pressing ``pressed``.
	"""

	name: str
	who: str
	path: str
	status: int = 200
	typed: tuple[tuple[str, str], ...] = ()
	pressed: str = ""


PAGES = (
	Place("overview", "full", ""),
	Place("overview without anything", "empty", ""),
	Place("overview of who may only look", "onlooker", ""),
	Place("top-up", "full", "/topup"),
	Place("top-up with an own amount", "full", "/topup?suggested=33"),
	Place("top-up refused", "onlooker", "/topup", 403),
	Place(
		"top-up with an amount that cannot be paid",
		"full",
		"/topup?suggested=x",
		pressed="[data-billing-topup] button",
	),
	Place("on its way", "full", "/topup/success?session_id={way}"),
	Place("failed", "full", "/topup/success?session_id={failed}"),
	Place("cancelled after a refusal", "full", "/topup/cancel?topup={declined_topup}"),
	Place("paid", "full", "/topup/success?session_id={paid}"),
	Place("not paid yet", "full", "/topup/success?session_id={open}"),
	Place("cancelled", "full", "/topup/cancel?topup={open_topup}"),
	Place("transactions", "full", "/transactions"),
	Place("transactions with an open day", "full", "/transactions?open={day}"),
	Place("transactions one by one", "full", "/transactions?view=entries"),
	Place("transactions with an open day of which calls differ", "owing", "/transactions?open={day}"),
	Place("transactions one by one of which calls differ", "owing", "/transactions?view=entries"),
	Place("transactions too long for paper", "long", "/transactions?export=pdf"),
	Place("transactions of a month too long for paper", "long", "/transactions?{long_month}&export=pdf"),
	Place("transactions of a day too long for paper", "long", "/transactions?{long_day}&export=pdf", 422),
	Place("transactions of one type", "full", "/transactions?type=Top-up"),
	Place("transactions refused", "full", "/transactions?from_date=x", 422),
	Place("transactions without anything", "empty", "/transactions"),
	Place("usage", "full", "/usage"),
	Place("usage of a year", "full", "/usage?from_date={year_ago}&to_date={day}"),
	Place("usage refused", "full", "/usage?from_date=x", 422),
	Place("usage without anything", "empty", "/usage"),
	Place("settings", "full", "/settings"),
	Place("settings of who may only look", "onlooker", "/settings"),
	Place("settings saved", "full", "/settings", pressed="#mails button"),
	Place(
		"settings refused",
		"full",
		"/settings",
		typed=(("#field-threshold", "x"),),
		pressed="#threshold button",
	),
	Place("overview of several companies", "member of two", ""),
	Place("overview of a low balance", "low", ""),
	Place("overview of a balance that is nearly used up", "critical", ""),
	Place("overview of a balance that is used up", "used up", ""),
	Place("top-up of a balance that is used up", "used up", "/topup"),
	Place("overview in a dispute", "disputed", ""),
	Place("overview of a frozen balance", "frozen", ""),
	Place("overview of a company that is switched off", "switched off", ""),
	Place("overview of a suspended company", "suspended", ""),
	Place("top-up of a suspended company", "suspended", "/topup", 403),
	Place("without a company", "alone", ""),
	Place("invited", "invited", ""),
	Place("unknown company", "full", "?company=None", 404),
)


def decline(checkout_url: str) -> None:
	"""Try to pay with a card that its bank refuses."""
	pay(checkout_url, DECLINED_CARD)


def debit_that_fails(checkout_url: str) -> None:
	"""Pay from a bank account that turns out to have no money."""
	pay_by_debit(checkout_url)
	intent = gateway.session_facts(checkout_url.rsplit("/", 1)[1].split("#")[0]).payment_intent_id
	simulate(f"payment_intents/{intent}/settle", outcome="failed")


def used_down_to(balance: str) -> str:
	"""Make a company of which calls have left so much."""
	company = factories.make_company("42", billing_emails="billing@example.com")
	seconds = int((Decimal(42) - Decimal(balance)) / Decimal("0.007"))
	call = cdr.Cdr(factories.new_id(), company, seconds, callee="+49 30 555 0100", started_us=clock.now_us())
	cdr.book([call])
	return company


def owing() -> str:
	"""Make a company of which two calls were corrected, and that owes for a part of one and for another."""
	company = factories.make_company("0.90", time_zone=ZONE)
	known, withheld = factories.new_id(), factories.new_id()
	for call_id, callee, seconds, revision in (
		(known, "+49 30 555 0100", 20, 0),
		(withheld, "", 10, 0),
		(factories.new_id(), "+44 20 7946 0958", 30, 0),
		(known, "+49 30 555 0100", 12, 1),
		(withheld, "", 15, 1),
		(factories.new_id(), "+49 30 555 0101", 125, 0),
		(factories.new_id(), "+49 30 555 0102", 3661, 0),
	):
		call = cdr.Cdr(call_id, company, seconds, revision, "+49 40 555 020017", callee, clock.now_us())
		[outcome] = cdr.book([call])
		assert outcome.result == cdr.ACCEPTED
	return company


def in_dispute() -> str:
	"""Make a company whose bank disputes a payment."""
	company = factories.make_company("20")
	begun = topups.create(company, Decimal(50))
	pay(begun["checkout_url"])
	topups.refresh(begun["topup"])
	simulate("disputes", payment_intent=topups.find(begun["topup"]).payment_intent_id)
	eventually(lambda: bool(frappe.db.exists("Billing Dispute", {"company": company, "status": "Open"})))
	return company


def changed(doctype: str, **values: object) -> str:
	"""Make a company that staff have changed."""
	company = factories.make_company("20")
	frappe.db.set_value(doctype, company, values)
	frappe.db.commit()
	return company


class Cast:
	"""The customers who look at the pages, each made and logged in once a language."""

	def __init__(self, browser: Browser) -> None:
		self.browser = browser
		self.pages: dict[tuple[str, str], Page] = {}
		self.names: dict[str, str] = {}
		full = self._full()
		self.companies = {
			**dict.fromkeys(("full", "onlooker", "member of two"), full),
			"empty": factories.make_company(),
			"owing": owing(),
			"long": self._long(),
			"low": used_down_to("15"),
			"critical": used_down_to("4"),
			"used up": used_down_to("-0.42"),
			"disputed": in_dispute(),
			"frozen": changed("Prepaid Balance", status="Frozen"),
			"switched off": changed("Billing Company", prepaid_billing_enabled=0),
			"suspended": changed("Billing Company", status="Suspended"),
			"alone": None,
			"invited": None,
		}

	def page_of(self, who: str, language: str) -> Page:
		"""Return the browser page of a customer, logged in."""
		if (who, language) not in self.pages:
			self.pages[who, language] = self._log_in(who, language)
		return self.pages[who, language]

	def _log_in(self, who: str, language: str) -> Page:
		rights = {"may_top_up": False} if who == "onlooker" else {"is_owner": True}
		email, password = factories.make_customer(self.companies[who], **rights)
		frappe.db.set_value("User", email, "language", language)
		frappe.db.commit()
		if who == "member of two":
			factories.join_company(email, self.companies["empty"], True)
		if who == "invited":
			factories.invite(email, self.companies["full"])
		if who in ("low", "critical", "used up"):
			# The notice of it stands on the pages of the company's users.
			check_low_balances(self.companies[who])
		context = self.browser.new_context(base_url=site.SITE_URL, locale=language)
		context.add_init_script(SHIFTS)
		page = context.new_page()
		Visitor(email, password, page).open(BILLING)
		return page

	def _full(self) -> str:
		company = factories.make_company("250", billing_emails="billing@example.com", time_zone=ZONE)
		now_us = clock.now_us()
		calls = [
			cdr.Cdr(
				factories.new_id(),
				company,
				30 + 37 * days,
				callee="+49 30 555 0100",
				started_us=now_us - days * DAY_US,
			)
			for days in range(40)
		]
		cdr.book(calls)
		factories.invite(f"{factories.new_id('invited')}@example.com", company)
		talking = factories.new_id()
		session.authorize(talking, company, callee="+44 20 7946 0958")
		session.extend(talking, 10, 1, answered_us=now_us)
		begun = {}
		for name, finish in (
			("paid", pay),
			("failed", debit_that_fails),
			("way", pay_by_debit),
			("declined", decline),
		):
			begun[name] = topups.create(company, Decimal(50))
			finish(begun[name]["checkout_url"])
			topups.refresh(begun[name]["topup"])
		begun["open"] = topups.create(company, Decimal(50))
		sessions = {name: topups.find(made["topup"]).checkout_session_id for name, made in begun.items()}
		day = today(zone_of(company))
		self.names = {
			**sessions,
			"open_topup": begun["open"]["topup"],
			"declined_topup": begun["declined"]["topup"],
			"day": str(day),
			"year_ago": str(day - timedelta(days=365)),
		}
		return company

	def _long(self) -> str:
		"""Calls in three months, in the one between them more on a day than a statement on paper holds."""
		company = factories.make_company(time_zone=ZONE)
		for days_ago, calls in ((62, 5), (31, MOST_PRINTED), (0, 5)):
			with site.later(-86_400 * days_ago):
				factories.give(company, "60")
				begun_us = clock.now_us() - 60 * clock.SECOND
				cdr.book([cdr.Cdr(factories.new_id(), company, 7, started_us=begun_us) for _ in range(calls)])
				if calls == MOST_PRINTED:
					day = today(zone_of(company))
		self.names |= {
			"long_month": f"from_date={day.replace(day=1)}&to_date={frappe.utils.get_last_day(day)}",
			"long_day": f"from_date={day}&to_date={day}",
		}
		return company


@pytest.fixture(scope="module")
def cast(chromium: Browser) -> Iterator[Cast]:
	"""The customers of this module."""
	cast = Cast(chromium)
	yield cast
	for page in cast.pages.values():
		page.context.close()


@pytest.fixture
def look(cast: Cast) -> Callable[[Place, str, int], Page]:
	"""Open a page in a language and width."""

	def open_page(place: Place, language: str, width: int) -> Page:
		page = cast.page_of(place.who, language)
		page.set_viewport_size({"width": width, "height": HEIGHT})
		answer = page.goto(BILLING + place.path.format(**cast.names), wait_until="load")
		assert answer.status == place.status
		for field, text in place.typed:
			page.locator(field).fill(text)
		if place.pressed:
			with page.expect_navigation():
				page.locator(place.pressed).first.click()
			expect(page.get_by_role("alert").or_(page.get_by_role("status")).first).to_be_visible()
		return page

	return open_page


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", PAGES, ids=lambda place: place.name)
def test_a_page_keeps_nobody_out_fits_its_width_and_stands_still(
	look: Callable[[Place, str, int], Page],
	barriers: Callable[[Page], list],
	place: Place,
	language: str,
	width: int,
) -> None:
	page = look(place, language, width)
	assert page.locator("html").get_attribute("lang") == language
	assert wide(page) <= width
	assert barriers(page) == []
	assert page.evaluate("window.shift") <= MOST_SHIFT
	if place.name in PICTURED:
		keep_picture(page, f"portal-{PICTURED[place.name]}-{language}-{width}")


def test_every_page_that_has_a_picture_is_looked_at() -> None:
	assert set(PICTURED) <= {place.name for place in PAGES}


def test_every_page_is_looked_at() -> None:
	assert {place.path.partition("?")[0] for place in PAGES} == pages_of_the_product()
