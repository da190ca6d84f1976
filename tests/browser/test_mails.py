"""Every mail to a customer as a browser shows it, in both languages: nothing that keeps somebody out."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import cycle

import frappe
import pytest
from frappe import _
from frappe.translate import print_language
from playwright.sync_api import Page, expect

from prepaid_billing.alerts import letters
from prepaid_billing.alerts.addresses import Footer, by_footer
from prepaid_billing.alerts.letters import Letter
from prepaid_billing.display import money
from tests import factories
from tests.browser.conftest import LANGUAGES, WIDTHS, keep_picture, wide
from tests.integration.test_letters import LETTERS, PAYMENT, RECEIPT

COMPANY = "Musterhafen AG"
PAID = replace(
	PAYMENT,
	company=COMPANY,
	amount=Decimal(200),
	moved=Decimal("168.07"),
	tax=Decimal("31.93"),
	available=Decimal("308.82"),
	document=RECEIPT,
	is_attached=True,
)


def warning(level: str, available: str, minutes: int | None, days: int | None) -> Callable[[], Letter]:
	"""Return how the warning of a level is written."""
	return lambda: letters.low_balance(
		level, COMPANY, money(Decimal(available), "EUR"), money(Decimal(20), "EUR"), minutes, days
	)


MAILS: dict[str, Callable[[], Letter]] = LETTERS | {
	"low": warning("Low", "14.20", 33, 2),
	"critical": warning("Critical", "3.10", 7, 0),
	"empty": warning("Empty", "-0.50", None, None),
	"top-up": lambda: letters.topup_received(PAID),
	"receipt": lambda: letters.document(PAID),
}
FIRST = ("top-up", "low")
"""Those that the README shows."""


@pytest.fixture(scope="module")
def company(connection: None) -> str:
	"""A company with an owner and a user who are listed for its mails, and a user who is not."""
	company = factories.make_company()
	for rights in ({"is_owner": True}, {}, {}):
		factories.make_customer(company, **rights)
	doc = frappe.get_doc("Billing Company", company)
	for row in doc.users[:2]:
		row.gets_warnings = 1
	doc.save()
	frappe.db.commit()
	return company


def footers(company: str) -> dict[str, Footer]:
	"""Return how each mail ends: as it does for an owner, a user and an address without a login in turns.

	What is paid is also told to whoever paid, and an invitation goes to nobody who is listed.
	"""
	owner, user, payer = (row.user for row in frappe.get_doc("Billing Company", company).users)
	[paid] = by_footer(company, [payer])
	invited = Footer(_("You get this mail because this company has entered your address to invite you."))
	listed = cycle(by_footer(company, [owner, user, "billing@example.com"]))
	return dict(zip(MAILS, listed, strict=False)) | {"top-up": paid, "invitation": invited}


def written(kinds: dict[str, Footer]) -> str:
	"""Return a page with mails, in the language that is set."""
	language = frappe.local.lang
	mails = [
		frappe.render_template(
			"templates/emails/billing_mail.html",
			{"letter": MAILS[kind](), "company": COMPANY, "footer": footer, "language": language},
		)
		for kind, footer in kinds.items()
	]
	columns = (
		"display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 520px), 1fr)); gap: 56px;"
	)
	return (
		f'<!doctype html><html lang="{language}"><title>{COMPANY}</title>'
		f'<main style="padding: 32px 16px; {columns}">{"".join(mails)}</main></html>'
	)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_mail_keeps_nobody_out_and_fits_its_width(
	company: str,
	new_page: Callable[[str], Page],
	barriers: Callable[[Page], list],
	language: str,
	width: int,
) -> None:
	page = new_page(language)
	page.set_viewport_size({"width": width, "height": 200})
	with print_language(language):
		kinds = footers(company)
		page.set_content(written(kinds))
		expect(page.locator("main > div")).to_have_count(len(MAILS))
		assert wide(page) <= width
		assert barriers(page) == []
		if width == max(WIDTHS):
			keep_picture(page, f"mails-all-{language}")
			page.set_content(written({kind: kinds[kind] for kind in FIRST}))
			keep_picture(page, "mails" if language == "en" else f"mails-{language}")
