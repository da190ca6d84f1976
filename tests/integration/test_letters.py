"""What the mails say: wholly in the company's language, with numbers as people write them."""

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import frappe
import pytest
from frappe.translate import print_language

import prepaid_billing
from prepaid_billing.alerts import letters
from prepaid_billing.alerts.check import check_low_balances
from prepaid_billing.alerts.letters import Letter, Payment
from tests.factories import make_customer
from tests.inbox import Inbox
from tests.integration.test_low_balance import low_company
from tests.integration.test_payment_mails import paid, sweep

EMAILS = Path(prepaid_billing.__file__).parent / "templates/emails"
PAYMENT = Payment("Test", "EUR", Decimal("1234.5"), Decimal("1234.5"), Decimal("2000.25"))

RECEIPT = {"kind": "Receipt", "receipt_number": "2026-00001", "livemode": 1}
CREDIT_NOTE = RECEIPT | {"kind": "Credit Note"}


def warning(level: str, minutes: int = 40, days: int = 28) -> Callable[[], Letter]:
	return lambda: letters.low_balance(level, "Test", "10", "20", minutes, days)


LETTERS: dict[str, Callable[[], Letter]] = {
	"low": warning("Low"),
	"critical": warning("Critical"),
	"empty": warning("Empty"),
	"top-up": lambda: letters.topup_received(
		replace(PAYMENT, tax=Decimal(5), document=RECEIPT, is_attached=True)
	),
	"top-up, no file": lambda: letters.topup_received(replace(PAYMENT, document=RECEIPT)),
	"receipt": lambda: letters.document(
		replace(PAYMENT, tax=Decimal(5), document=RECEIPT | {"livemode": 0}, is_attached=True)
	),
	"credit note": lambda: letters.document(replace(PAYMENT, document=CREDIT_NOTE, is_attached=True)),
	"failed": lambda: letters.payment_failed(replace(PAYMENT, reason="Your card has expired.")),
	"failed, unknown": lambda: letters.payment_failed(replace(PAYMENT, reason="Something else.")),
	"refund": lambda: letters.refund(PAYMENT),
	"refund with its credit note": lambda: letters.refund(
		replace(PAYMENT, document=CREDIT_NOTE | {"livemode": 0}, is_attached=True)
	),
	"refund failed": lambda: letters.refund_failed(PAYMENT),
	"refund failed, no file": lambda: letters.refund_failed(
		replace(PAYMENT, document=CREDIT_NOTE | {"kind": "Reversal"})
	),
	"dispute": lambda: letters.dispute(replace(PAYMENT, reason="duplicate", stops_calls=True)),
	"dispute lost": lambda: letters.dispute(replace(PAYMENT, reason="general", is_final=True)),
	"dispute won": lambda: letters.dispute_won(PAYMENT),
	"invitation": lambda: letters.invitation("Test", "Anna", True, False),
}


def in_language(language: str, letter: Callable[[], Letter]) -> Letter:
	with print_language(language):
		return letter()


def texts(letter: Letter) -> list[str]:
	"""Everything that a letter says in words."""
	return [
		letter.subject,
		letter.headline,
		*(label for label, _text in letter.rows),
		*letter.meaning,
		letter.button[0],
	]


@pytest.mark.parametrize("kind", LETTERS)
def test_each_mail_is_wholly_in_german(kind: str) -> None:
	english, german = (texts(in_language(language, LETTERS[kind])) for language in ("en", "de"))
	assert len(english) == len(german)
	assert [text for text in german if text in english] == []


@pytest.mark.parametrize(
	"language,minutes,words",
	[
		("en", 1, "1 minute"),
		("en", 2, "2 minutes"),
		("en", 12_345, "12,345 minutes"),
		("de", 1, "1 Minute"),
		("de", 12_345, "12.345 Minuten"),
	],
)
def test_minutes_are_written_as_people_write_them(language: str, minutes: int, words: str) -> None:
	assert words in dict(in_language(language, warning("Low", minutes)).rows).values()


@pytest.mark.parametrize("language,words", [("en", "about 1 day"), ("de", "etwa 1 Tag")])
def test_one_day_is_no_days(language: str, words: str) -> None:
	assert words in dict(in_language(language, warning("Low", days=1)).rows).values()


@pytest.mark.parametrize("language,words", [("de", "1.234,50\u00a0€"), ("en", "€1,234.50")])
def test_amounts_are_grouped(language: str, words: str) -> None:
	assert in_language(language, LETTERS["refund"]).rows[0][1] == words


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_mail_says_its_language(inbox: Inbox, language: str) -> None:
	company, address = low_company(language=language)
	check_low_balances(company)
	body = inbox.to(address)[0].get_body(("html",)).get_content()
	_frappes, ours = body.split(f'<div lang="{language}"')
	assert company in ours and "€" in ours


@pytest.mark.parametrize("template", [path.name for path in sorted(EMAILS.glob("*.html"))])
def test_the_outer_element_of_every_mail_says_its_language(template: str) -> None:
	html = re.sub(r"^{%.*?%}", "", (EMAILS / template).read_text()).strip()
	assert html.startswith('<div lang="{{ language }}"') and html.endswith("</div>")


def ends_of(inbox: Inbox, address: str) -> list[str]:
	"""How the two bodies of the last mail to an address end, without the lines' breaks."""
	mail = inbox.to(address)[-1]
	return [" ".join(mail.get_body((kind,)).get_content().split()) for kind in ("html", "plain")]


def test_an_owner_is_led_to_the_settings_a_user_to_her_own_and_an_address_nowhere(inbox: Inbox) -> None:
	company, address = low_company()
	owner, _password = make_customer(company, is_owner=True)
	user, _password = make_customer(company)
	doc = frappe.get_doc("Billing Company", company)
	for row in doc.users:
		row.gets_warnings = 1
	doc.save()
	frappe.db.commit()
	assert check_low_balances(company)[0].recipients == 3
	for end in ends_of(inbox, owner):
		assert "Choose which mails you get" in end and "#own-mails" not in end
	for end in ends_of(inbox, user):
		assert "Switch your mails off" in end and "#own-mails" in end
	for end in ends_of(inbox, address):
		assert "An owner of the company chooses who gets them" in end and "/settings" not in end
	assert len([mail for mail in inbox.mails if company in mail["Subject"]]) == 3


def test_who_paid_and_is_not_listed_is_told_why_she_gets_the_mail(inbox: Inbox) -> None:
	company, _address = low_company(language="de")
	payer, _password = make_customer(company)
	frappe.set_user(payer)
	paid(company)
	frappe.set_user("Administrator")
	sweep()
	for end in ends_of(inbox, payer):
		assert "weil Sie diese Aufladung begonnen haben" in end and "/settings" not in end
