"""Staff replay an event that needed a person, and give a payment back, as a person clicks it."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal

import frappe
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from prepaid_billing import ledger
from prepaid_billing.ledger import clock
from prepaid_billing.payments import reconcile, refunds, topups, webhook
from prepaid_billing.payments.compare import Difference
from prepaid_billing.permissions import STAFF
from tests import site
from tests.books import entries_of
from tests.browser.conftest import Visitor
from tests.factories import make_company, new_id
from tests.integration.test_stripe_events import outage, receive
from tests.integration.test_topup_limits import DINAR, rows  # noqa: F401
from tests.stripe_checkout import as_body, events_of, pay, signature, simulate, webhooks_paused

NewStaff = Callable[..., Visitor]
REFUND = "**/api/method/prepaid_billing.api.topup.refund"
PATIENT = 20_000


@pytest.fixture(autouse=True)
def no_webhooks(connection: None) -> Iterator[None]:
	"""Stripe's own posts wait: a test that needs one delivers it."""
	with webhooks_paused():
		yield


def paid(company: str, amount: str = "50") -> str:
	"""Let a company pay and return the top-up."""
	created = topups.create(company, Decimal(amount))
	pay(created["checkout_url"])
	topups.refresh(created["topup"])
	return created["topup"]


def parked(company: str) -> tuple[str, str]:
	"""Park an event of a payment, mend the cause, and return event and top-up."""
	created = topups.create(company, Decimal(50))
	pay(created["checkout_url"])
	session = topups.find(created["topup"]).checkout_session_id
	event = next(row for row in events_of(session) if row["type"] == "checkout.session.completed")
	ask = "UPDATE `tabBalance Topup` SET amount = %s WHERE name = %s"
	for amount in (51, 50):
		frappe.db.sql(ask, (amount, created["topup"]))
		frappe.db.commit()
		webhook.receive(as_body(event), signature(as_body(event)))
	return frappe.db.get_value("Stripe Event", {"event_id": event["id"]}), created["topup"]


def open_form(staff: Visitor, doctype: str, name: str) -> Page:
	staff.open(f"/app/{doctype}/{name}")
	expect(staff.page.locator(".form-page:visible").first).to_be_visible(timeout=PATIENT)
	return staff.page


def open_refund(page: Page) -> Locator:
	page.get_by_role("button", name="Refund", exact=True).click(timeout=PATIENT)
	dialog = page.get_by_role("dialog")
	expect(dialog.get_by_role("status")).to_be_visible()
	return dialog


def test_parked_event_says_why_and_what_to_do_and_is_replayed_once(new_staff: NewStaff) -> None:
	company = make_company()
	event, _topup = parked(company)
	page = open_form(new_staff(company), "stripe-event", event)
	expect(page.get_by_text("Nothing was booked: a person has to judge it.")).to_be_visible(timeout=PATIENT)
	expect(page.locator(".form-message")).to_contain_text("Paid 50")
	page.get_by_role("button", name="Replay").dblclick()
	expect(page.get_by_text("Acted on; nothing to do.")).to_be_visible()
	expect(page.get_by_role("button", name="Replay")).to_have_count(0)
	assert entries_of(company) == ["Top-up 50.0"]


def test_a_parked_event_with_nothing_to_mend_is_settled_with_a_reason(new_staff: NewStaff) -> None:
	company = make_company()
	event, _topup = parked(company)
	staff = new_staff(company)
	page = open_form(staff, "stripe-event", event)
	page.get_by_role("button", name="Settle", exact=True).click(timeout=PATIENT)
	dialog = page.get_by_role("dialog")
	dialog.locator("[data-fieldname=reason] input").fill("paid <b>twice</b>")
	dialog.get_by_role("button", name="Settle", exact=True).click()
	told = page.locator(".form-message:visible")
	expect(told).to_contain_text(
		"has judged it, and it waits for nobody any more. paid <b>twice</b>", timeout=PATIENT
	)
	expect(page.get_by_role("button", name="Settle", exact=True)).to_have_count(0)
	expect(page.get_by_role("button", name="Replay")).to_be_visible()
	expect(page.get_by_text("Settled By").locator("visible=true")).to_be_visible()
	assert entries_of(company) == []
	staff.open("/app/stripe-event?status=Settled")
	expect(page.get_by_text("Settled", exact=True).locator("visible=true").first).to_be_visible(
		timeout=PATIENT
	)


def test_an_event_that_an_outage_has_parked_says_that_it_is_tried_again_by_itself(
	new_staff: NewStaff,
) -> None:
	company = make_company()
	topup = topups.find(paid(company))
	simulate("refunds", payment_intent=topup.payment_intent_id, amount=2000)
	refunded = next(row for row in events_of(topup.checkout_session_id) if row["type"] == "charge.refunded")
	with outage():
		for _time in range(webhook.ATTEMPTS):
			event = receive(refunded)
	staff = new_staff(company)
	page = open_form(staff, "stripe-event", event)
	expect(page.get_by_text("It is tried again by itself, next at")).to_be_visible(timeout=PATIENT)
	expect(page.locator(".form-message")).to_have_class(re.compile(r"\borange\b"))
	expect(page.get_by_text("a person has to judge it")).to_have_count(0)
	staff.open("/app/stripe-event?status=Parked")
	expect(page.get_by_text("Parked (tried again by itself)").first).to_be_visible(timeout=PATIENT)


def test_a_refund_beyond_the_balance_is_red_only_while_the_balance_is_below_zero(new_staff: NewStaff) -> None:
	company = make_company()
	topup = topups.find(paid(company))
	ledger.debit(company, Decimal(40), transaction_type="Adjustment", key=f"adjustment:{company}:{new_id()}")
	simulate("refunds", payment_intent=topup.payment_intent_id, amount=2000)
	for event in events_of(topup.checkout_session_id):
		webhook.receive(as_body(event), signature(as_body(event)))
	site.fresh()
	refund = frappe.db.get_value("Billing Refund", {"topup": topup.name})
	staff = new_staff(company)
	page = open_form(staff, "billing-refund", refund)
	told = page.locator(".form-message")
	expect(told).to_contain_text(re.compile("The balance is still below zero: .*10[.,]00"), timeout=PATIENT)
	expect(told).to_have_class(re.compile(r"\bred\b"))
	ledger.credit(company, Decimal(30), transaction_type="Bonus", key=f"bonus:{company}:{new_id()}")
	frappe.db.commit()
	with page.expect_response(re.compile("get_value")):
		page.reload()
	expect(told).to_contain_text("It took more than was available at the time.", timeout=PATIENT)
	expect(told).not_to_contain_text("below zero")
	expect(told).not_to_have_class(re.compile(r"\bred\b"))
	staff.open("/app/billing-refund")
	expect(page.get_by_text("beyond the balance when it was booked").first).to_be_visible(timeout=PATIENT)


def test_staff_who_are_no_managers_see_neither_payload_nor_replay(new_staff: NewStaff) -> None:
	company = make_company()
	event, _topup = parked(company)
	page = open_form(new_staff(company, role=STAFF), "stripe-event", event)
	expect(page.get_by_text("Nothing was booked: a person has to judge it.")).to_be_visible(timeout=PATIENT)
	expect(page.get_by_role("button", name="Replay")).to_have_count(0)
	expect(page.get_by_role("button", name="Settle")).to_have_count(0)
	expect(page.get_by_text("Payload").locator("visible=true")).to_have_count(0)


def test_part_of_a_payment_is_refunded_once_and_the_dialog_told_what_it_takes(new_staff: NewStaff) -> None:
	company = make_company()
	page = open_form(new_staff(company), "balance-topup", paid(company))
	dialog = open_refund(page)
	expect(dialog).to_contain_text(re.compile(r"At most €\s50[.,]00 is left of this payment."))
	dialog.locator("[data-fieldname=amount] input").fill("12,5")
	expect(dialog.get_by_role("status")).to_have_text(
		re.compile(rf"€\s12[.,]50 is taken from the balance of {company}, which has €\s50[.,]00 available.")
	)
	dialog.locator("[data-fieldname=reason] input").fill("goodwill")
	dialog.get_by_role("button", name="Refund").dblclick()
	expect(page.get_by_text(re.compile(r"€\s12[.,]50 goes back to the payment method."))).to_be_visible()
	assert entries_of(company) == ["Top-up 50.0", "Refund -12.5"]


@pytest.mark.parametrize(
	"currency,left,typed,refused,taken",
	[("KWD", "50.000", "1,230", "1.2345", "-1.23"), ("JPY", "50", "12", "12.5", "-12.0")],
)
def test_a_refund_takes_the_decimals_of_its_currency(
	new_staff: NewStaff,
	rows: Callable[..., None],  # noqa: F811
	currency: str,
	left: str,
	typed: str,
	refused: str,
	taken: str,
) -> None:
	rows(DINAR)
	company = make_company(currency=currency)
	page = open_form(new_staff(company), "balance-topup", paid(company))
	dialog = open_refund(page)
	amount, told = dialog.locator("[data-fieldname=amount] input"), dialog.get_by_role("status")
	expect(amount).to_have_value(re.compile(left.replace(".", "[.,]") + "$"))
	amount.fill(refused)
	expect(told).to_contain_text("without separators, such as")
	expect(dialog.get_by_role("button", name="Refund")).to_be_disabled()
	amount.fill(typed)
	expect(told).to_contain_text("is taken from the balance")
	dialog.locator("[data-fieldname=reason] input").fill("goodwill")
	dialog.get_by_role("button", name="Refund").click()
	expect(page.get_by_text("goes back to the payment method.")).to_be_visible(timeout=PATIENT)
	assert entries_of(company) == ["Top-up 50.0", f"Refund {taken}"]


def test_a_manager_opens_what_an_event_said(new_staff: NewStaff) -> None:
	company = make_company()
	event, _topup = parked(company)
	page = open_form(new_staff(company), "stripe-event", event)
	page.get_by_role("button", name="View").click(timeout=PATIENT)
	page.get_by_role("link", name="Payload").click()
	expect(page).to_have_url(re.compile(f"/stripe-event-payload/{event}"))
	expect(page.get_by_text("checkout.session.completed").first).to_be_visible(timeout=PATIENT)


def test_what_cannot_be_refunded_is_told_before_it_is_sent(new_staff: NewStaff) -> None:
	company = make_company()
	topup = paid(company)
	ledger.debit(company, Decimal(40), transaction_type="Adjustment", key=f"adjustment:{company}:{new_id()}")
	page = open_form(new_staff(company), "balance-topup", topup)
	dialog = open_refund(page)
	told, button = dialog.get_by_role("status"), dialog.get_by_role("button", name="Refund")
	expect(told).to_contain_text(re.compile(r"of which €\s10[.,]00 is available"))
	for amount, sentence in (
		("50.01", "Of this payment"),
		("1.000", "without separators"),
		("-5", "without separators"),
		("0", "greater than zero"),
	):
		dialog.locator("[data-fieldname=amount] input").fill(amount)
		expect(told).to_contain_text(sentence)
		expect(button).to_be_disabled()
	dialog.locator("[data-fieldname=amount] input").fill("10")
	expect(button).to_be_enabled()
	assert entries_of(company) == ["Top-up 50.0", "Adjustment -40.0"]


def test_refund_dialog_keeps_its_key_after_a_passing_fault_and_closes_on_a_planned_refund(
	new_staff: NewStaff,
) -> None:
	company = make_company()
	page = open_form(new_staff(company), "balance-topup", paid(company))
	dialog = open_refund(page)
	dialog.locator("[data-fieldname=reason] input").fill("goodwill")
	answers, keys = [("TRY_AGAIN", "The database is busy."), ("REFUND_PLANNED", "It is planned.")], []

	def refuse(route: Route) -> None:
		code, sentence = answers[len(keys)]
		keys.append(route.request.post_data_json["idempotency_key"])
		route.fulfill(status=503, json={"code": code, "error": sentence})

	page.route(REFUND, refuse)
	asked = page.locator(".modal [data-fieldname=reason] input")
	for code, sentence in answers:
		dialog.get_by_role("button", name="Refund").click()
		refusal = page.locator(".msgprint-dialog")
		expect(refusal).to_contain_text(sentence)
		if code == "TRY_AGAIN":
			refusal.locator(".btn-modal-close").click()
			expect(asked).to_have_value("goodwill")
	expect(asked).to_be_hidden()
	assert keys[0] == keys[1]


def test_refund_without_an_answer_can_be_pressed_again_and_is_one(new_staff: NewStaff) -> None:
	company = make_company()
	page = open_form(new_staff(company), "balance-topup", paid(company))
	dialog = open_refund(page)
	dialog.locator("[data-fieldname=reason] input").fill("goodwill")

	def lose_the_answer(route: Route) -> None:
		# The driver does not resolve names below .localhost, as the browser does.
		route.fetch(url=route.request.url.replace(site.SITE_URL, site.WEB_URL))
		route.fulfill(status=502, content_type="text/html", body="<h1>Bad Gateway</h1>")

	page.route(REFUND, lose_the_answer)
	dialog.get_by_role("button", name="Refund").click()
	refusal = page.locator(".msgprint-dialog")
	expect(refusal).to_contain_text("nothing is booked twice")
	page.unroute(REFUND)
	refusal.locator(".btn-modal-close").click()
	# The box is hidden before it is closed, and what comes in between is not shown: then only the dialog's backdrop is left.
	expect(page.locator(".modal-backdrop")).to_have_count(1)
	expect(refusal).to_be_hidden()
	dialog.get_by_role("button", name="Refund").click()
	expect(page.get_by_text(re.compile(r"€\s50[.,]00 goes back to the payment method."))).to_be_visible()
	assert entries_of(company) == ["Top-up 50.0", "Refund -50.0"]


def test_a_refund_that_never_goes_on_is_stopped_by_a_manager(new_staff: NewStaff) -> None:
	company = make_company()
	topup = paid(company)
	simulate("faults", kind="error_before", method="POST", path="/v1/refunds", times=3)
	with pytest.raises(refunds.TryAgain):
		refunds.request(topup, Decimal(20), "goodwill", new_id())
	refund = frappe.db.get_value("Billing Refund", {"topup": topup})
	staff = new_staff(company)
	page = open_form(staff, "billing-refund", refund)
	expect(page.get_by_text("It goes on by itself, every hour.")).to_be_visible(timeout=PATIENT)
	expect(page.get_by_role("button", name="Stop Refund")).to_have_count(0)
	older = "UPDATE `tabBilling Refund` SET planned_us = planned_us - 90000000000 WHERE name = %s"
	frappe.db.sql(older, (refund,))
	frappe.db.commit()
	page.reload()
	page.get_by_role("button", name="Stop Refund").click(timeout=PATIENT)
	dialog = page.get_by_role("dialog")
	expect(dialog).to_contain_text(re.compile(r"Stop the refund of €\s20[.,]00"))
	dialog.get_by_role("button", name="Yes").click()
	expect(
		page.get_by_text("The customer did not get the money, so it is back on the balance.")
	).to_be_visible(timeout=PATIENT)
	expect(page.get_by_text("Stopped by staff").first).to_be_visible()
	expect(page.get_by_role("button", name="Stop Refund")).to_have_count(0)
	assert entries_of(company) == ["Top-up 50.0", "Refund -20.0", "Refund 20.0"]


def differing_run(number: int = 1) -> tuple[str, list[Difference]]:
	"""A comparison with differences that nobody can mend, and one that only has a problem."""
	found = [
		Difference("payment", new_id("pi"), "lost", "EUR", Decimal(50), None, "it is <b>not</b> kept here")
		for _number in range(number)
	]
	problem = Difference("dispute", new_id("du"), "lost", "", None, None, "Stripe calls it odd.")
	outcome = reconcile.Outcome(0, clock.now_us(), is_live=False, differences=[*found, problem])
	reconcile._keep(outcome, "Different", False, "\n".join(outcome.findings()))
	return frappe.get_last_doc("Billing Reconciliation", {"started_us": outcome.started_us}).name, found


def test_a_manager_accepts_a_difference_with_a_reason(new_staff: NewStaff) -> None:
	run, (found, _other) = differing_run(2)
	page = open_form(new_staff(), "billing-reconciliation", run)
	dialog = open_accept(page)
	expect(dialog.locator("[data-fieldname=chosen]")).not_to_contain_text("odd")
	dialog.locator("[data-fieldname=reason] input").fill("paid in cash")
	dialog.get_by_role("button", name="Accept", exact=True).click()
	expect(dialog.get_by_role("status")).to_contain_text("Choose")
	dialog.get_by_label(str(found)).check()
	dialog.get_by_role("button", name="Accept", exact=True).click()
	expect(page).to_have_url(re.compile("/accepted-difference/"), timeout=PATIENT)
	expect(page.get_by_text("No comparison alarms about it")).to_be_visible(timeout=PATIENT)
	site.fresh()
	kept = frappe.get_all(
		"Accepted Difference", {"reconciliation": run}, ["stripe_id", "reason", "at_stripe", "here"]
	)
	assert [tuple(one.values()) for one in kept] == [(found.stripe_id, "paid in cash", 50, 0)]


def test_a_manager_accepts_all_differences_with_one_reason(new_staff: NewStaff) -> None:
	run, found = differing_run(40)
	page = open_form(new_staff(), "billing-reconciliation", run)
	dialog = open_accept(page)
	dialog.get_by_role("button", name="Select All", exact=True).click()
	dialog.locator("[data-fieldname=reason] input").fill("of the account before")
	expect(dialog.locator("[data-fieldname=reason] input")).to_be_in_viewport()
	dialog.get_by_role("button", name="Accept", exact=True).click()
	expect(page).to_have_url(re.compile("/accepted-difference(/|[?]|$)"), timeout=PATIENT)
	site.fresh()
	kept = frappe.get_all("Accepted Difference", {"reconciliation": run}, ["stripe_id", "reason"])
	assert {one.stripe_id for one in kept} == {one.stripe_id for one in found}
	assert (len(kept), {one.reason for one in kept}) == (40, {"of the account before"})


def open_accept(page: Page) -> Locator:
	page.get_by_role("button", name="Accept Differences").click(timeout=PATIENT)
	dialog = page.get_by_role("dialog")
	expect(dialog.get_by_role("status")).to_contain_text("Nothing is booked")
	return dialog


def test_a_list_says_of_a_comparison_in_test_mode_that_it_is_a_test(new_staff: NewStaff) -> None:
	differing_run()
	staff = new_staff(role=STAFF)
	staff.open("/app/billing-reconciliation")
	expect(staff.page.get_by_text("Test: Different").first).to_be_visible(timeout=PATIENT)


def test_german_forms_speak_german_and_never_scroll_sideways(new_staff: NewStaff) -> None:
	company = make_company()
	event, topup = parked(company)
	topups.refresh(topup)
	site.fresh()
	staff = new_staff(company, language="de")
	page = open_form(staff, "stripe-event", event)
	expect(page.get_by_text("Das muss ein Mensch beurteilen.")).to_be_visible(timeout=PATIENT)
	expect(page.get_by_role("button", name="Erneut verarbeiten")).to_be_visible()
	open_form(staff, "balance-topup", topup)
	page.get_by_role("button", name="Erstattung", exact=True).click(timeout=PATIENT)
	expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text("werden vom Guthaben von")
	for width in (1280, 360):
		page.set_viewport_size({"width": width, "height": 800})
		wide = page.evaluate("document.documentElement.scrollWidth")
		assert wide <= width, f"{wide} px wide on {width} px"
