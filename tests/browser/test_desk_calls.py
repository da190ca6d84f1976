"""Staff watch the calls, settle what needs a person and give money back, as a person clicks it."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from prepaid_billing.calls import cdr, session
from prepaid_billing.permissions import STAFF
from tests import site
from tests.books import call_fields, entries_of
from tests.browser.conftest import Visitor
from tests.factories import make_company, new_id

NewStaff = Callable[..., Visitor]

LIVE = "/app/calls-in-progress"
ANSWER = "**/api/method/prepaid_billing.api.desk.calls"
RESOLVE = "**/api/method/prepaid_billing.api.calls.resolve"
WIDTHS = (1280, 360)
NEXT_ANSWER = 20_000
"""Milliseconds in which the page has asked again, also on a busy machine."""


def test_staff_see_a_running_call_with_its_hold_and_its_time_counting(new_staff: NewStaff) -> None:
	company = make_company("50")
	running(company, caller="+49 30 555 0100", callee="+49 40 555 0199")
	page = open_live(new_staff(company, role=STAFF))

	[row] = calls(page).all()
	expect(row.get_by_role("link", name=company)).to_have_attribute(
		"href", re.compile("/app/billing-company/")
	)
	expect(row).to_contain_text("+49 30 555 0100 → +49 40 555 0199")
	expect(row).to_contain_text(re.compile(r"€\s0[.,]42"))
	expect(figure(page, "Held in EUR")).to_contain_text(re.compile(r"€\s0[.,]42.*1 call"))
	expect(figure(page, "In progress")).to_contain_text("1")

	seen = elapsed(row)
	expect(row.locator("[data-part=elapsed]")).not_to_have_text(seen)
	assert seconds(elapsed(row)) > seconds(seen)


def test_elapsed_time_is_right_on_a_machine_whose_clock_is_wrong(new_staff: NewStaff) -> None:
	company = make_company("50")
	running(company)
	staff = new_staff(company)
	staff.page.add_init_script("const real = Date.now; Date.now = () => real() + 3600e3")
	page = open_live(staff)
	assert seconds(elapsed(calls(page))) < 60


def test_a_call_that_begins_appears_and_one_that_ends_leaves_without_a_reload(new_staff: NewStaff) -> None:
	company = make_company("50")
	page = open_live(new_staff(company))
	page.evaluate("window.is_the_same_page = true")
	expect(page.get_by_text("No call is in progress")).to_be_visible()

	call = running(company)
	expect(calls(page)).to_have_count(1, timeout=NEXT_ANSWER)
	expect(page.get_by_text("No call is in progress")).to_be_hidden()

	session.end(call, 20)
	expect(calls(page)).to_have_count(0, timeout=NEXT_ANSWER)
	expect(page.get_by_text("No call is in progress")).to_be_visible()
	assert page.evaluate("window.is_the_same_page")


def test_a_row_in_use_stays_the_same_element_and_keeps_the_focus(new_staff: NewStaff) -> None:
	company = make_company("50")
	running(company)
	page = open_live(new_staff(company))
	calls(page).get_by_role("link").first.focus()
	page.evaluate("window.focused = document.activeElement")
	call = running(company)
	expect(calls(page)).to_have_count(2, timeout=NEXT_ANSWER)
	assert page.evaluate("document.activeElement === window.focused")

	calls(page).last.get_by_role("link").first.focus()
	session.end(call, 5)
	expect(calls(page).last).to_contain_text("Ended", timeout=NEXT_ANSWER)
	page.evaluate("document.activeElement.blur()")
	expect(calls(page)).to_have_count(1, timeout=NEXT_ANSWER)


def test_resolving_an_expired_call_empties_the_queue_and_leaves_it_charged(new_staff: NewStaff) -> None:
	company = make_company("50")
	call = expired(company)
	page = open_live(new_staff(company, role=STAFF))
	expect(queue(page)).to_contain_text("Nobody reported its end.")
	expect(queue(page)).to_contain_text(re.compile(r"Duration\s0:30 · Charged\s€\s0[.,]21"))
	expect(figure(page, "To review")).to_contain_text("1")

	with page.expect_response(RESOLVE) as answered:
		queue(page).get_by_role("button", name="Resolve").click()
		expect(queue(page)).to_have_count(0, timeout=1_000)
	assert answered.value.status == 200
	expect(page.get_by_text("Nothing to review")).to_be_visible()
	expect(figure(page, "To review")).to_contain_text("0")
	assert call_fields(call, "status", "review", "amount") == ["Expired", "", 0.21]
	assert entries_of(company) == ["Bonus 50.0", "Call Charge -0.21"]


def test_double_click_on_resolve_resolves_one_call_and_not_the_next_one_too(new_staff: NewStaff) -> None:
	company = make_company("50")
	for _call in range(3):
		conflicting(company)
	page = open_live(new_staff(company))
	expect(queue(page)).to_have_count(3)
	with page.expect_response(RESOLVE):
		queue(page).first.get_by_role("button", name="Resolve").dblclick()
	ask_again(page)
	expect(queue(page)).to_have_count(2)
	expect(figure(page, "To review")).to_contain_text("2")


def test_a_call_that_could_not_be_resolved_comes_back_and_says_why(new_staff: NewStaff) -> None:
	company = make_company("50")
	call = conflicting(company)
	page = open_live(new_staff(company))
	page.route(RESOLVE, no_answer)
	queue(page).get_by_role("button", name="Resolve").click()
	expect(queue(page).get_by_role("alert")).to_contain_text("The server did not answer.")
	expect(figure(page, "To review")).to_contain_text("1")
	page.unroute(RESOLVE)
	with page.expect_response(RESOLVE):
		queue(page).get_by_role("button", name="Resolve").click()
	expect(queue(page)).to_have_count(0)
	assert call_fields(call, "review") == [""]


def test_silence_of_the_server_is_said_the_last_data_stay_and_nothing_counts_on(new_staff: NewStaff) -> None:
	company = make_company("50")
	running(company)
	page = open_live(new_staff(company))
	page.route(ANSWER, no_answer)
	expect(state(page)).to_contain_text("What you see is from then; trying again.", timeout=NEXT_ANSWER)
	expect(calls(page)).to_have_count(1)
	shown = elapsed(calls(page))
	with page.expect_request(ANSWER):
		page.get_by_role("button", name="Try now").click()
	expect(state(page)).to_contain_text("What you see is from then; trying again.")
	assert elapsed(calls(page)) == shown

	page.unroute(ANSWER)
	page.get_by_role("button", name="Try now").click()
	expect(state(page)).to_contain_text("Live, as of")
	expect(page.get_by_role("button", name="Try now")).to_be_hidden()


def test_no_figure_is_shown_before_the_first_answer(new_staff: NewStaff) -> None:
	staff = new_staff(make_company("50"))
	staff.page.route(ANSWER, no_answer)
	staff.open(LIVE)
	expect(state(staff.page)).to_have_text("No answer from the server yet; trying again.")
	for text in ("In progress", "To review", "No call is in progress", "Nothing to review"):
		expect(staff.page.get_by_text(text, exact=True)).to_be_hidden()


def test_a_page_that_nobody_sees_asks_nothing_until_it_is_seen_again(new_staff: NewStaff) -> None:
	page = open_live(new_staff(make_company("50")))
	asked: list[str] = []
	page.on("request", lambda request: asked.append(request.url) if "desk.calls" in request.url else None)

	page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
	ask_again(page)
	page.evaluate("delete document.hidden; frappe.set_route('List', 'Call Charge')")
	expect(page.locator(".pb-live")).to_be_hidden(timeout=NEXT_ANSWER)
	ask_again(page)
	assert asked == []

	with page.expect_request(ANSWER):
		page.go_back()


def test_refund_of_half_a_call_is_booked_once_also_on_a_double_click(new_staff: NewStaff) -> None:
	company = make_company("50")
	call = charged(company)
	page = open_call(new_staff(company), call)
	page.get_by_role("button", name="Refund").click()
	dialog = page.get_by_role("dialog")
	dialog.locator("[data-fieldname=percent] input").fill("50")
	expect(dialog).to_contain_text(
		re.compile(rf"€\s0[.,]5495 goes back to the balance of {company}. The call then costs €\s0[.,]5495.")
	)
	dialog.locator("[data-fieldname=reason] select").select_option("Quality")
	dialog.get_by_role("button", name="Refund").dblclick()
	expect(page.get_by_text("50 per cent given back: Quality")).to_be_visible()
	assert call_fields(call, "amount", "refunded_amount") == [0.5495, 0.5495]
	assert entries_of(company) == ["Bonus 50.0", "Call Charge -1.099", "Call Correction 0.5495"]


def test_a_part_that_cannot_be_refunded_is_told_before_it_is_sent(new_staff: NewStaff) -> None:
	company = make_company("50")
	page = open_call(new_staff(company), charged(company))
	page.get_by_role("button", name="Refund").click()
	dialog = page.get_by_role("dialog")
	for percent in ("0", "101", "1e1", "-5", "12,345", ""):
		dialog.locator("[data-fieldname=percent] input").fill(percent)
		expect(dialog).to_contain_text("Per cent takes a number above 0 and up to 100.")
		expect(dialog.get_by_role("button", name="Refund")).to_be_disabled()
	dialog.locator("[data-fieldname=percent] input").fill("12,5")
	expect(dialog.get_by_role("button", name="Refund")).to_be_enabled()


def test_a_call_is_marked_as_not_billable_and_back_by_entries(new_staff: NewStaff) -> None:
	company = make_company("50")
	page = open_call(new_staff(company), charged(company))
	for button, is_marked in (("Not Billable", True), ("Billable", False)):
		page.get_by_role("button", name=button, exact=True).click()
		dialog = page.get_by_role("dialog")
		dialog.locator("[data-fieldname=reason] select").select_option("Test call")
		dialog.get_by_role("button", name=f"Mark as {button}").click()
		expect(dialog).to_be_hidden()
		expect(page.get_by_text("Not billable: Test call")).to_be_visible(visible=is_marked)
	assert entries_of(company)[1:] == [
		"Call Charge -1.099",
		"Call Correction 1.099",
		"Call Correction -1.099",
	]


def test_a_user_who_is_no_manager_resolves_but_finds_no_refund_and_the_api_refuses_it(
	new_staff: NewStaff,
) -> None:
	company = make_company("50")
	call = conflicting(company)
	page = open_call(new_staff(company, role=STAFF), call)
	expect(page.get_by_role("button", name="Resolve")).to_be_visible()
	for name in ("Refund", "Not Billable"):
		expect(page.get_by_role("button", name=name)).to_have_count(0)
	refused = page.evaluate(
		"""args => prepaid_billing.post("calls.refund", args).catch((error) => [error.status, error.code])""",
		{"call_id": call, "percent": "100", "reason": "Quality"},
	)
	assert refused == [403, "NOT_PERMITTED"]
	page.get_by_role("button", name="Resolve").click()
	expect(page.get_by_role("button", name="Resolve")).to_have_count(0)
	assert call_fields(call, "review", "refund_percent") == ["", 0]


def test_refund_of_several_calls_of_the_list_tells_what_was_refused_and_why(new_staff: NewStaff) -> None:
	company = make_company("50")
	charged(company)
	going_on = running(company)
	staff = new_staff(company)
	staff.open("/app/call-charge")
	page = staff.page
	page.locator(".list-row-container").nth(1).wait_for()
	page.locator(".list-check-all:visible").check()
	page.get_by_role("button", name="Actions").click()
	page.get_by_role("link", name="Refund").click()
	dialog = page.get_by_role("dialog")
	dialog.locator("[data-fieldname=reason] select").select_option("Complaint")
	dialog.get_by_role("button", name="Refund").click()
	expect(page.get_by_text("Done for 1 of 2 calls.")).to_be_visible()
	expect(page.get_by_role("row").filter(has_text=going_on)).to_contain_text(
		"This call is still in progress."
	)
	assert entries_of(company)[1:] == ["Call Charge -1.099", "Call Correction 1.099"]


def test_german_page_speaks_german(new_staff: NewStaff) -> None:
	company = make_company("50")
	running(company)
	expired(company)
	page = open_live(new_staff(company, language="de"))
	expect(page.get_by_role("heading", name="Laufende Gespräche").first).to_be_visible()
	expect(figure(page, "Reserviert in EUR")).to_contain_text("1 Gespräch")
	expect(calls(page)).to_contain_text("noch 1:")
	expect(queue(page)).to_contain_text("Sein Ende wurde nicht gemeldet.")
	expect(queue(page).get_by_role("button", name="Erledigt")).to_be_visible()
	words = re.sub(r"\S*\d\S*", "", page.locator(".pb-live").inner_text())
	assert not re.search(r"\b(call|calls|review|held|left|charged|until)\b", words, re.I), words


@pytest.mark.parametrize("language", ["en", "de"])
def test_live_page_never_scrolls_sideways(new_staff: NewStaff, language: str) -> None:
	company = make_company(
		"50", company_name=f"Donaudampfschifffahrtselektrizitätenhauptbetriebswerk {new_id()}"
	)
	running(company, caller="sip:a-very-long-name-without-a-blank@gateway.example.com", callee="+49305550100")
	conflicting(company)
	page = open_live(new_staff(company, language=language))
	for width in WIDTHS:
		page.set_viewport_size({"width": width, "height": 800})
		expect(calls(page)).to_be_visible()
		wide = page.evaluate("document.documentElement.scrollWidth")
		assert wide <= width, f"{wide} px wide on {width} px"


def running(company: str, **numbers: str) -> str:
	"""Begin a call and return its id."""
	call = new_id()
	session.authorize(call, company, **numbers)
	return call


def charged(company: str) -> str:
	"""Begin and end a call of 157 seconds (1.099) and return its id."""
	call = running(company)
	session.end(call, 157)
	return call


def expired(company: str) -> str:
	"""Begin a call that goes silent after 30 seconds (0.21) and return its id."""
	call = new_id()
	# In the past, so that no other call on the site expires with it. The default price list was valid then.
	with site.later(-400):
		session.authorize(call, company)
		session.extend(call, 30, 1)
	session.expire_stale()
	return call


def conflicting(company: str) -> str:
	"""Let two records contradict each other about a call and return its id."""
	call = new_id()
	cdr.book([cdr.Cdr(call, company, 60), cdr.Cdr(call, company, 61)])
	return call


def open_live(staff: Visitor) -> Page:
	"""Open the live page and wait for its first answer."""
	staff.open(LIVE)
	expect(staff.page.locator(".pb-live")).to_have_attribute("data-state", "live", timeout=NEXT_ANSWER)
	return staff.page


def open_call(staff: Visitor, call: str) -> Page:
	"""Open the form of a call."""
	[name] = call_fields(call, "name")
	staff.open(f"/app/call-charge/{name}")
	expect(staff.page.locator(".title-text")).to_have_text(call, timeout=NEXT_ANSWER)
	return staff.page


def calls(page: Page) -> Locator:
	"""Return the rows of the calls in progress."""
	return page.get_by_role("table").locator("tbody tr")


def queue(page: Page) -> Locator:
	"""Return the calls that need a person."""
	return page.locator(".pb-live li:visible")


def state(page: Page) -> Locator:
	"""Return what the page says about how fresh it is."""
	return page.locator(".pb-live [data-part=state]")


def figure(page: Page, label: str) -> Locator:
	"""Return the figure with this label."""
	return page.locator(".pb-live dl > div").filter(has=page.get_by_text(label, exact=True))


def ask_again(page: Page) -> None:
	"""Let the page ask at once, as it does when its tab comes to the front."""
	page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def elapsed(row: Locator) -> str:
	"""Return the time that a call has lasted, as shown."""
	return row.locator("[data-part=elapsed]").inner_text()


def seconds(shown: str) -> int:
	"""Return a shown time such as 1:05 in seconds."""
	minutes, rest = shown.split(":")
	return int(minutes) * 60 + int(rest)


def no_answer(route: Route) -> None:
	"""Answer as a proxy does whose server is away."""
	route.fulfill(status=502, content_type="text/html", body="<h1>Bad Gateway</h1>")
