"""A second person decides on an adjustment, told beforehand what that does; and staff see what became of a mail."""

import re
from collections.abc import Callable
from decimal import Decimal

import frappe
from playwright.sync_api import Locator, Page, expect

from prepaid_billing.alerts import notices
from prepaid_billing.ledger import adjustments
from prepaid_billing.payments import issuing
from tests.books import entries_of
from tests.browser.conftest import Visitor
from tests.browser.test_desk_payments import PATIENT, open_form, paid
from tests.factories import make_company, new_id

NewStaff = Callable[..., Visitor]


def waiting(company: str, amount: str) -> str:
	"""An adjustment that somebody else asked for, above the limit of one person."""
	return adjustments.adjust(company, Decimal(amount), "as agreed", new_id()).name


def ask(page: Page, verb: str) -> Locator:
	"""Press one of the form's buttons and return the dialog."""
	page.get_by_role("button", name=verb, exact=True).click(timeout=PATIENT)
	dialog = page.get_by_role("dialog")
	expect(dialog).to_contain_text("asked for it: as agreed", timeout=PATIENT)
	# While it moves in, Bootstrap takes no Escape.
	expect(dialog.locator(".modal-dialog")).to_have_css("transform", "none")
	return dialog


def test_a_confirmation_says_what_it_does_and_does_it_once(new_staff: NewStaff) -> None:
	company = make_company("10")
	page = open_form(new_staff(company), "balance-adjustment", waiting(company, "600"))
	expect(page.get_by_text("It waits for a second person")).to_be_visible(timeout=PATIENT)
	dialog = ask(page, "Confirm")
	told = (
		rf"€\s600[.,]00 is added to the balance of {company}. Available: €\s10[.,]00 now, €\s610[.,]00 then."
	)
	expect(dialog).to_contain_text(re.compile(told))
	assert entries_of(company) == ["Bonus 10.0"]
	dialog.get_by_role("button", name="Confirm").dblclick()
	expect(page.get_by_role("button", name="Refuse", exact=True)).to_have_count(0)
	assert entries_of(company) == ["Bonus 10.0", "Adjustment 600.0"]


def test_what_the_balance_does_not_hold_cannot_be_confirmed_but_refused(new_staff: NewStaff) -> None:
	company = make_company("10")
	page = open_form(new_staff(company), "balance-adjustment", waiting(company, "-600"))
	dialog = ask(page, "Confirm")
	expect(dialog).to_contain_text(
		re.compile(rf"from the balance of {company}, of which €\s10[.,]00 is available")
	)
	expect(dialog.get_by_role("button", name="Confirm")).to_be_disabled()
	page.keyboard.press("Escape")
	expect(dialog).to_have_count(0)
	dialog = ask(page, "Refuse")
	expect(dialog).to_contain_text(f"Nothing is booked: the balance of {company} stays as it is.")
	dialog.get_by_role("button", name="Refuse").click()
	expect(page.get_by_role("button", name="Refuse", exact=True)).to_have_count(0)
	assert entries_of(company) == ["Bonus 10.0"]


def test_the_list_of_notices_says_what_became_of_the_mail(new_staff: NewStaff) -> None:
	company = make_company(billing_emails="billing@example.com")
	paid(company)
	issuing.issue_missing()
	notices.tell()
	(notice,) = frappe.get_all("Billing Notice", {"company": company}, pluck="name")
	staff = new_staff(company)
	staff.open("/app/billing-notice")
	expect(staff.page.get_by_text("Mail waits to be sent").first).to_be_visible(timeout=PATIENT)
	mail = {"reference_doctype": "Billing Notice", "reference_name": notice}
	frappe.db.set_value("Email Queue", mail, "status", "Error")
	frappe.db.commit()
	page = open_form(staff, "billing-notice", notice)
	expect(page.get_by_text("The mail could not be sent.")).to_be_visible(timeout=PATIENT)
