"""The customer's way from an empty balance to a paid one, as a person clicks it."""

import re
from collections.abc import Callable
from decimal import Decimal

import frappe
from playwright.sync_api import Locator, Page, expect

from prepaid_billing.ledger import balance_of, last_entries
from prepaid_billing.payments import topups
from tests import factories, site
from tests.browser.conftest import Customer

NewCustomer = Callable[..., Customer]

PAYING_CARD = "4242 4242 4242 4242"
DECLINED_CARD = "4000 0000 0000 0002"
BILLING = "/business/billing"


def test_card_payment_of_50_is_on_the_balance_when_the_customer_comes_back(new_customer: NewCustomer) -> None:
	customer = new_customer()
	page = customer.page
	customer.open(BILLING)
	expect(page.locator(".pb-figure")).to_have_text("€0.00")

	page.get_by_role("link", name="Top up").click()
	page.get_by_text("€50", exact=True).click()
	page.get_by_role("button", name="Continue to payment").click()
	pay(page, PAYING_CARD)

	expect(page).to_have_url(re.compile(r"/topup/success\?session_id="))
	expect(page.get_by_role("heading", name="€50.00 was added to your balance")).to_be_visible()
	page.reload()
	expect(page.get_by_role("heading", name="€50.00 was added to your balance")).to_be_visible()
	page.get_by_role("link", name="Back to the balance").click()
	expect(page.locator(".pb-figure")).to_have_text("€50.00")
	expect(page.get_by_role("row")).to_have_count(2)
	assert booked(customer) == [Decimal(50)]


def test_a_top_up_is_begun_with_the_keyboard_alone(new_customer: NewCustomer) -> None:
	customer = new_customer("7.25")
	page = customer.page
	customer.open(BILLING)
	tab_to(page, page.get_by_role("link", name="Top up", exact=True))
	page.keyboard.press("Enter")
	expect(page).to_have_url(re.compile(r"/topup$"))
	tab_to(page, page.get_by_role("radio", checked=True))
	page.keyboard.press("ArrowRight")
	chosen = page.get_by_role("radio", checked=True)
	expect(chosen).to_be_focused()
	amount = Decimal(chosen.input_value())
	tab_to(page, page.get_by_role("button", name="Continue to payment"))
	page.keyboard.press("Enter")
	expect(page.locator("#number")).to_be_visible()
	asked = frappe.get_all("Balance Topup", {"company": customer.company}, ["amount", "status"], as_list=True)
	assert asked == ((float(amount), "Created"),)


def test_declined_card_says_so_changes_nothing_and_can_be_followed_by_a_good_one(
	new_customer: NewCustomer,
) -> None:
	customer = new_customer("7.25")
	page = customer.page
	customer.open(f"{BILLING}/topup?suggested=100")
	page.get_by_role("button", name="Continue to payment").click()

	pay(page, DECLINED_CARD)
	expect(page.get_by_role("alert")).to_contain_text("declined")
	assert booked(customer) == []

	page.locator("a.back").click()
	expect(page.get_by_role("heading", name="Nothing was charged")).to_be_visible()
	expect(page.get_by_text("Your balance is unchanged: €7.25 available.")).to_be_visible()

	page.get_by_role("link", name="Continue the payment").click()
	pay(page, PAYING_CARD)
	expect(page.get_by_role("heading", name="€100.00 was added to your balance")).to_be_visible()
	assert booked(customer) == [Decimal(100)]


def test_a_top_up_is_cancelled_for_good_by_a_button_and_not_by_coming_back(new_customer: NewCustomer) -> None:
	customer = new_customer("7.25")
	page = customer.page
	customer.open(f"{BILLING}/topup")
	page.get_by_role("button", name="Continue to payment").click()
	paying = page.url
	page.locator("a.back").click()
	expect(page.get_by_role("link", name="Continue the payment")).to_be_visible()
	page.get_by_role("button", name="Cancel this top-up").click()
	expect(page.get_by_text("You have cancelled this top-up.")).to_be_visible()
	expect(page.get_by_role("button", name="Cancel this top-up")).to_have_count(0)
	expect(page.get_by_role("link", name="Start a new top-up")).to_be_visible()
	page.goto(paying)
	expect(page.locator("#number")).to_have_count(0)
	assert booked(customer) == []


def test_own_amount_is_taken_as_germans_and_english_write_it(new_customer: NewCustomer) -> None:
	customer = new_customer()
	page = customer.page
	for typed, paid in (("12,34", "12.34"), (" 15.5 ", "15.5")):
		customer.open(f"{BILLING}/topup")
		own_amount(page, typed)
		pay(page, PAYING_CARD)
		expect(page.get_by_role("heading", name=f"€{Decimal(paid):.2f} was added")).to_be_visible()
	assert booked(customer) == [Decimal("15.5"), Decimal("12.34")]


def test_amount_that_cannot_be_paid_is_answered_on_the_page_and_kept_in_the_field(
	new_customer: NewCustomer,
) -> None:
	customer = new_customer()
	page = customer.page
	customer.open(f"{BILLING}/topup")
	for typed in ("9,99", "1.000", "1e3", "-50", "0", "", "50 $", '"><b>', "99999999"):
		with page.expect_response(lambda answer: answer.request.method == "POST") as answered:
			own_amount(page, typed)
		assert answered.value.status == 422, typed
		expect(page.get_by_role("alert")).to_contain_text("Nothing was charged.")
		field = page.get_by_label("Your amount")
		expect(field).to_have_value(typed)
		expect(field).to_be_focused()
		expect(field).to_have_attribute("aria-invalid", "true")
		expect(field).to_have_accessible_description(
			re.compile(r"Nothing was charged\..* Between €10 and €10,000\.")
		)
		expect(page.get_by_text("€10,000")).to_have_count(1)
	assert topups_of(customer) == 0


def test_form_sent_again_after_payment_shows_that_it_was_paid(new_customer: NewCustomer) -> None:
	customer = new_customer()
	page = customer.page
	customer.open(f"{BILLING}/topup")
	form = sent_form(page)
	page.get_by_role("button", name="Continue to payment").click()
	pay(page, PAYING_CARD)
	expect(page.get_by_role("heading", name="€50.00 was added to your balance")).to_be_visible()
	with page.expect_navigation():
		page.evaluate(
			"""fields => {
				const form = document.createElement("form");
				form.method = "post";
				form.action = "/business/billing/topup";
				for (const [name, value] of Object.entries(fields))
					form.append(Object.assign(document.createElement("input"), {name, value}));
				document.body.append(form);
				form.submit();
			}""",
			form,
		)
	expect(page.get_by_role("heading", name="€50.00 was added to your balance")).to_be_visible()
	assert booked(customer) == [Decimal(50)]


def test_double_click_begins_one_topup(new_customer: NewCustomer) -> None:
	customer = new_customer()
	page = customer.page
	customer.open(f"{BILLING}/topup")
	form = sent_form(page)
	send = (
		"form => fetch(location.href, {method: 'POST', redirect: 'manual', body: new URLSearchParams(form)})"
	)
	page.evaluate(
		f"async form => {{ const send = {send}; await Promise.all([send(form), send(form)]); }}", form
	)
	assert topups_of(customer) == 1


def test_form_works_without_javascript(new_customer: NewCustomer) -> None:
	customer = new_customer()
	customer.open(f"{BILLING}/topup")
	cookies = customer.page.context.cookies()
	plain = customer.page.context.browser.new_context(
		base_url=site.SITE_URL, java_script_enabled=False, locale="en"
	)
	plain.add_cookies(cookies)
	page = plain.new_page()
	page.goto(f"{BILLING}/topup")
	own_amount(page, "20")
	expect(page.locator("#number")).to_be_visible()
	plain.close()
	assert topups_of(customer) == 1


def test_guest_goes_to_login_and_back(new_customer: NewCustomer) -> None:
	customer = new_customer()
	customer.page.goto(f"{BILLING}/topup?suggested=200")
	expect(customer.page).to_have_url(re.compile(r"/login\?redirect-to="))
	customer.log_in()
	expect(customer.page).to_have_url(re.compile(rf"{BILLING}/topup\?suggested=200$"))
	expect(customer.page.get_by_role("radio", name="€200")).to_be_checked()


def test_another_companys_payment_looks_like_one_that_never_was(new_customer: NewCustomer) -> None:
	customer, other = new_customer(), new_customer()
	begun = topups.create(other.company, Decimal(20))
	session = topups.find(begun["topup"]).checkout_session_id
	pages = [
		(f"{BILLING}/topup/success?session_id={session}", f"{BILLING}/topup/success?session_id=cs_test_none"),
		(f"{BILLING}/topup/cancel?topup={begun['topup']}", f"{BILLING}/topup/cancel?topup=none"),
		(f"{BILLING}?company={other.company}", f"{BILLING}?company=None"),
		(f"{BILLING}/topup?company={other.company}", f"{BILLING}/topup?company=None"),
	]
	for foreign, unknown in pages:
		assert seen(customer, foreign) == seen(customer, unknown)
		assert customer.open(foreign).status == 404


def test_user_without_the_pay_right_is_told_who_has_it(new_customer: NewCustomer) -> None:
	customer = new_customer("50", may_top_up=False)
	customer.open(BILLING)
	expect(customer.page.get_by_role("link", name="Top up")).to_have_count(0)
	expect(customer.page.get_by_text("Nobody in your company can top up yet.")).to_be_visible()
	payer, _password = factories.make_customer(customer.company)
	customer.open(BILLING)
	name = frappe.db.get_value("User", payer, "full_name")
	expect(customer.page.get_by_text(f"These users can top up: {name}.")).to_be_visible()
	assert customer.open(f"{BILLING}/topup").status == 403


def test_switch_between_companies_keeps_to_the_chosen_one(new_customer: NewCustomer) -> None:
	customer = new_customer("11")
	second = factories.make_company("22")
	company = frappe.get_doc("Billing Company", second)
	company.append("users", {"user": customer.email, "may_top_up": 1})
	company.save()
	frappe.db.commit()
	customer.open(f"{BILLING}?company={second}")
	expect(customer.page.locator(".pb-figure")).to_have_text("€22.00")
	customer.page.get_by_role("link", name="Top up").click()
	expect(customer.page.get_by_text("€22.00")).to_be_visible()
	customer.page.goto(f"{BILLING}?company={second}")
	customer.page.locator("summary").click()
	customer.page.get_by_role("link", name=customer.company).click()
	expect(customer.page.locator(".pb-figure")).to_have_text("€11.00")


def test_user_of_no_company_is_told_so(new_customer: NewCustomer) -> None:
	customer = new_customer(language="de", has_company=False)
	assert customer.open(BILLING).status == 200
	expect(customer.page.get_by_text("Ihr Benutzer gehört noch zu keiner Firma")).to_be_visible()


def tab_to(page: Page, target: Locator) -> None:
	"""Go on with the Tab key until the target has the focus, which has to be seen."""
	for _press in range(60):
		page.keyboard.press("Tab")
		if target.evaluate("element => element === document.activeElement"):
			break
	expect(target).to_be_focused()
	# The ring of a radio is drawn around its label.
	ringed = target.locator("xpath=self::*[not(self::input)] | self::input/following-sibling::label[1]")
	expect(ringed).to_have_css("outline-style", "solid")


def sent_form(page: Page) -> dict[str, str]:
	"""Return the fields that the top-up form would send now."""
	return page.locator("[data-billing-topup]").evaluate(
		"form => Object.fromEntries(new FormData(form).entries())"
	)


def own_amount(page: Page, typed: str) -> None:
	"""Ask for an amount that is not among those offered."""
	page.get_by_text("Other amount").click()
	page.get_by_label("Your amount").fill(typed)
	page.get_by_role("button", name="Continue to payment").click()


def pay(page: Page, card: str) -> None:
	"""Fill in and send the Checkout page."""
	page.locator("#number").fill(card)
	page.locator("#expiry").fill("12 / 34")
	page.locator("#cvc").fill("123")
	page.locator("#name").fill("Test")
	if page.locator("#email").is_editable():
		page.locator("#email").fill("test@example.com")
	page.locator("#pay").click()


def seen(customer: Customer, path: str) -> str:
	"""Return what a page says."""
	customer.open(path)
	return customer.page.get_by_role("main").inner_text()


def booked(customer: Customer) -> list[Decimal]:
	"""Return the amounts of the top-ups in the customer's ledger."""
	site.fresh()
	entries = last_entries(customer.company, 20)
	assert sum(entry.amount for entry in entries) == balance_of(customer.company).balance
	return [entry.amount for entry in entries if entry.transaction_type == "Top-up"]


def topups_of(customer: Customer) -> int:
	"""Return how many top-ups were begun."""
	site.fresh()
	return frappe.db.count("Balance Topup", {"company": customer.company})
