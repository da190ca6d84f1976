"""The lists of the desk: amounts as booked, and a level beside what became of its mail."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from prepaid_billing.alerts.check import check_low_balances
from tests.browser.conftest import Visitor
from tests.factories import make_company, new_id

PATIENT = 20_000


def row_of(staff: Visitor, doctype: str) -> Locator:
	"""Open a list and return its only row."""
	staff.open(f"/app/{doctype}")
	row = staff.page.locator(".list-row:visible")
	expect(row).to_have_count(1, timeout=PATIENT)
	return row


@pytest.mark.parametrize(
	"balance,level,amount", [("18.03", "Low", r"€\s18\.03"), ("0.004", "Empty", r"€\s0\.004")]
)
def test_a_warning_shows_its_level_and_what_became_of_its_mail(
	new_staff: Callable[..., Visitor], balance: str, level: str, amount: str
) -> None:
	company = make_company(balance, billing_emails=f"{new_id('mail')}@example.com")
	assert [result.sent for result in check_low_balances(company)] == [True]
	staff = new_staff(company)
	warning = row_of(staff, "low-balance-warning")
	expect(warning).to_contain_text(re.compile(rf"{level}.*{amount}(?!\d)", re.S))
	expect(warning).to_contain_text(re.compile("Mail (waits to be sent|sent)"))
	# As the warning put it, and not by a number alone.
	expect(row_of(staff, "prepaid-balance")).to_contain_text(re.compile(rf"{level}.*{amount}(?!\d)", re.S))


def test_entries_show_amounts_as_booked(new_staff: Callable[..., Visitor]) -> None:
	staff = new_staff(make_company("140.697"))
	expect(row_of(staff, "balance-transaction")).to_contain_text(re.compile(r"€\s140\.697(?!\d)"))
