"""The customer looks back: transactions and usage, as a person clicks through them."""

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import frappe
import pytest
from playwright.sync_api import expect

from prepaid_billing import ledger
from prepaid_billing.exports.transactions import MOST_PRINTED
from prepaid_billing.ledger import checkpoints
from prepaid_billing.payments import issuing
from tests import factories, site
from tests.browser.conftest import Customer
from tests.browser.test_topup import PAYING_CARD, pay
from tests.client import Api

NewCustomer = Callable[..., Customer]

BILLING = "/business/billing"
TRANSACTIONS, USAGE = f"{BILLING}/transactions", f"{BILLING}/usage"


@pytest.fixture(scope="session")
def gateway(connection: None) -> Api:
	return Api(factories.make_gateway_key())


@pytest.fixture
def new_caller(new_customer: NewCustomer, gateway: Api) -> Callable[..., Customer]:
	"""Make customers who have made calls of these lengths."""

	def make(*lengths: int, language: str = "en") -> Customer:
		customer = new_customer("50", language)
		for seconds in lengths:
			call_id = factories.new_id()
			gateway.ok("calls.authorize", call_id=call_id, company=customer.company, callee="+4930123456")
			gateway.ok("calls.end", call_id=call_id, duration_sec=seconds)
		return customer

	return make


def test_one_calls_price_is_found_in_two_clicks_from_the_overview(
	new_caller: Callable[..., Customer],
) -> None:
	customer = new_caller(61, 125)
	page = customer.page
	customer.open(BILLING)
	page.get_by_role("link", name="Transactions", exact=True).click()
	page.get_by_role("link", name=re.compile("2 calls")).click()
	call = page.get_by_role("row", name=re.compile("1:01")).last
	expect(call).to_contain_text("+4930123456")
	expect(call).to_contain_text("−€0.427")
	expect(call).to_contain_text("€0.42")
	expect(page.get_by_text("All calls shown: paid from the balance.")).to_be_visible()
	expect(call).not_to_contain_text("paid from")


def test_sums_of_the_page_are_those_of_the_ledger(new_caller: Callable[..., Customer]) -> None:
	customer = new_caller(61, 125)
	customer.open(TRANSACTIONS)
	sums = customer.page.locator(".pb-sums dd:not(.pb-hint)")
	expect(sums).to_have_text(["+€50.00", "−€1.302", "€0.00", "+€48.698"])
	site.fresh()
	assert ledger.balance_of(customer.company).balance == Decimal("48.698")


def test_filter_by_type_and_days_works_without_javascript(new_caller: Callable[..., Customer]) -> None:
	customer = new_caller(61)
	customer.open(TRANSACTIONS)
	plain = customer.page.context.browser.new_context(
		base_url=site.SITE_URL, java_script_enabled=False, locale="en"
	)
	plain.add_cookies(customer.page.context.cookies())
	page = plain.new_page()
	page.goto(TRANSACTIONS)
	page.get_by_label("Type").select_option("Bonus")
	page.get_by_role("button", name="Show").click()
	expect(page.locator(".pb-all tbody tr")).to_have_count(1)
	expect(page.locator(".pb-all tbody tr")).to_contain_text("+€50.00")
	page.get_by_label("From", exact=True).fill("2020-01-01")
	page.get_by_label("To", exact=True).fill("2020-01-31")
	page.get_by_role("button", name="Show").click()
	expect(page.get_by_text("No transactions match this filter.")).to_be_visible()
	page.get_by_role("link", name="Clear the filter").click()
	expect(page.get_by_role("row", name=re.compile("1 call"))).to_be_visible()
	plain.close()


def test_filter_that_makes_no_sense_is_kept_in_its_fields(new_caller: Callable[..., Customer]) -> None:
	customer = new_caller()
	for path in (TRANSACTIONS, USAGE):
		answer = customer.open(f"{path}?from_date=2026-11-20&to_date=2026-11-10")
		assert answer.status == 422
		expect(customer.page.get_by_role("alert")).to_have_text("The period ends before it begins.")
		expect(customer.page.get_by_label("From", exact=True)).to_have_value("2026-11-20")
		expect(customer.page.get_by_label("To", exact=True)).to_have_value("2026-11-10")


def test_older_entries_follow_page_by_page_without_gap_or_repetition(new_customer: NewCustomer) -> None:
	customer = new_customer("1")
	for _number in range(109):
		factories.give(customer.company, "0.01")
	site.fresh()
	checkpoints.bring_forward()
	customer.open(f"{TRANSACTIONS}?view=entries")
	seen = []
	while True:
		seen += customer.page.locator(".pb-all tbody .pb-after").all_inner_texts()
		older = customer.page.get_by_role("link", name="Older")
		if not older.count():
			break
		older.click()
	assert len(seen) == len(set(seen)) == 110
	expect(customer.page.locator(".pb-sums dd").last).to_have_text("110 transactions")
	customer.page.get_by_role("link", name="Newest").click()
	expect(customer.page.locator(".pb-all tbody tr").first).to_contain_text("€2.09")


def test_file_for_excel_is_downloaded_with_the_filter_of_the_page(
	new_caller: Callable[..., Customer],
) -> None:
	customer = new_caller(61, language="de")
	customer.open(f"{TRANSACTIONS}?type=Bonus")
	with customer.page.expect_download() as download:
		customer.page.get_by_role("link", name="Excel (CSV)").click()
	with open(download.value.path(), encoding="utf-8-sig") as file:
		rows = [*csv.DictReader(io.StringIO(file.read()), delimiter=";")]
	assert [row["Betrag"] for row in rows] == ["50,00"]


def test_statement_too_long_for_paper_is_offered_in_parts_that_are_not(new_customer: NewCustomer) -> None:
	customer = new_customer("1")
	page = customer.page
	for _number in range(MOST_PRINTED):
		factories.give(customer.company, "0.01")
	with site.later(40 * 86_400):
		factories.give(customer.company, "1")
	customer.open(TRANSACTIONS)
	page.get_by_role("link", name="Statement (PDF)").click()
	said = page.get_by_text("this one has 1,002. Choose a shorter period")
	expect(said).to_be_focused()
	expect(page.get_by_role("link", name="Data (CSV)")).to_be_visible()
	parts = page.get_by_role("region", name=re.compile("this one has")).get_by_role("listitem")
	expect(parts).to_have_count(2)
	expect(parts.first).to_contain_text("1 transaction · Statement (PDF)")
	with page.expect_download() as download:
		parts.first.get_by_role("link").click()
	assert download.value.suggested_filename.endswith(".pdf")
	# A month that is too long as well opens to its days, and a day that is too long to a table.
	expect(parts.last).to_contain_text("1,001 transactions · choose a day")
	parts.last.get_by_role("link").click()
	expect(page.get_by_label("From", exact=True)).not_to_have_value("")
	expect(parts).to_have_count(1)
	with page.expect_download() as download:
		page.get_by_role("region").get_by_role("link", name=re.compile(r"Excel \(CSV\)")).click()
	assert download.value.suggested_filename.endswith(".csv")
	page.goto(f"{TRANSACTIONS}?type=Call+Charge")
	with page.expect_download() as download:
		page.get_by_role("link", name="Statement (PDF)").click()
	assert download.value.suggested_filename.endswith(".pdf")


def test_usage_says_what_the_ledger_says(new_caller: Callable[..., Customer]) -> None:
	customer = new_caller(61, 125)
	customer.open(USAGE)
	figures = customer.page.locator(".pb-sums dd:not(.pb-hint)")
	expect(figures).to_have_text(["€1.30", "2", "3", "1:33"])
	expect(customer.page.get_by_text("exactly €1.302")).to_be_visible()
	customer.page.get_by_text("Figures as a table").first.click()
	table = customer.page.get_by_role("table", name="Cost per day")
	expect(table.get_by_role("row").last).to_contain_text("€1.302")
	customer.page.get_by_role("link", name="Last month").click()
	expect(customer.page.get_by_text("No calls began in this period.")).to_be_visible()
	customer.page.get_by_role("link", name="Last 7 days").click()
	expect(figures.first).to_have_text("€1.30")
	now = frappe.utils.getdate()
	customer.page.goto(f"{USAGE}?from_date={now - timedelta(days=300)}&to_date={now}")
	customer.page.get_by_text("Figures as a table").first.click()
	months = customer.page.get_by_role("table", name="Cost per month").get_by_role("row")
	expect(months.last).to_contain_text(f"{now:%B %Y}")
	expect(months.last).to_contain_text("€1.30")


def test_receipt_of_a_topup_is_linked_where_there_is_one(new_customer: NewCustomer) -> None:
	customer = new_customer()
	customer.open(f"{BILLING}/topup")
	customer.page.get_by_role("button", name="Continue to payment").click()
	pay(customer.page, PAYING_CARD)
	expect(customer.page.get_by_role("heading", name="was added to your balance")).to_be_visible()
	site.fresh()
	issuing.issue_missing()
	site.fresh()
	receipt = frappe.db.get_value("Balance Topup", {"company": customer.company}, "receipt")
	assert receipt
	customer.open(TRANSACTIONS)
	link = customer.page.get_by_role("link", name=re.compile("^Test receipt"))
	expect(link).to_have_attribute(
		"href", f"/api/method/prepaid_billing.api.receipts.download?receipt={receipt}"
	)


def test_navigation_keeps_to_the_chosen_company_and_says_where_one_is(
	new_caller: Callable[..., Customer],
) -> None:
	customer = new_caller(61)
	second = factories.make_company("22")
	factories.join_company(customer.email, second, True)
	own = [customer.company, second]  # the one that they have belonged to longest comes first
	page = customer.page
	customer.open(f"{TRANSACTIONS}?company={own[1]}")
	page.get_by_role("link", name="Usage", exact=True).click()
	expect(page).to_have_url(re.compile(re.escape(f"{USAGE}?company=")))
	expect(page.get_by_role("link", name="Usage", exact=True)).to_have_attribute("aria-current", "page")
	page.get_by_label("From", exact=True).fill("2026-01-01")
	page.get_by_role("button", name="Show").click()
	expect(page.locator(".pb-switch summary")).to_contain_text(own[1])
	page.locator(".pb-switch summary").click()
	page.get_by_role("link", name=own[0]).click()
	expect(page).to_have_url(re.compile(rf"{USAGE}$"))


def test_another_companys_pages_look_like_those_of_none(new_caller: Callable[..., Customer]) -> None:
	customer, other = new_caller(), factories.make_company("1")
	for path in (TRANSACTIONS, USAGE, f"{TRANSACTIONS}?export=csv", f"{USAGE}?export=pdf"):
		separator = "&" if "?" in path else "?"
		seen = []
		for company in (other, "None"):
			assert customer.open(f"{path}{separator}company={company}").status == 404
			seen.append(customer.page.get_by_role("main").inner_text())
		assert seen[0] == seen[1]
