"""The low balance warning: one mail reaches a real SMTP server, and only one."""

import socket
from collections.abc import Iterator
from decimal import Decimal
from email import message_from_bytes, policy
from email.message import EmailMessage

import frappe
import pytest
from aiosmtpd.controller import Controller
from frappe.email.queue import flush

from prepaid_billing import ledger
from prepaid_billing.alerts.check import check_low_balances
from prepaid_billing.calls import session
from prepaid_billing.scheduled import prepaid_verify_books
from tests import site
from tests.factories import give, make_company, make_customer, make_manager, new_id
from tests.integration.test_ledger import changed


class Inbox:
	"""What the SMTP server was handed."""

	def __init__(self) -> None:
		self.mails: list[EmailMessage] = []

	async def handle_DATA(self, _server: object, _session: object, envelope) -> str:
		self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
		return "250 OK"

	def to(self, address: str) -> list[EmailMessage]:
		"""Send what waits in Frappe's queue, then return the mails to an address."""
		frappe.db.commit()
		flush()
		frappe.db.commit()
		return [mail for mail in self.mails if address in str(mail["To"])]


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
	"""A real SMTP server on loopback that the site sends its mails to.

	One for the module: Frappe keeps its connection to the mail server as long as it keeps the settings.
	"""
	with socket.create_server(("127.0.0.1", 0)) as free:
		port = free.getsockname()[1]
	inbox = Inbox()
	controller = Controller(inbox, hostname="127.0.0.1", port=port)
	controller.start()
	frappe.conf.update(
		mail_server="127.0.0.1",
		mail_port=port,
		auto_email_id="billing@example.com",
		disable_mail_smtp_authentication=1,
	)
	yield inbox
	controller.stop()


def low_company(balance: str = "10", **fields: object) -> tuple[str, str]:
	address = f"{new_id('mail')}@example.com"
	return make_company(balance, billing_emails=address, **fields), address


def test_a_low_balance_sends_one_mail_and_a_second_check_none(inbox: Inbox) -> None:
	company, address = low_company()
	first = check_low_balances(company)
	assert [(result.sent, result.level) for result in first] == [(True, "Low")]
	(mail,) = inbox.to(address)
	assert company in mail["Subject"]
	body = mail.get_body(("html",)).get_content()
	assert "€10.00" in body and "€20.00" in body and "/business/billing/topup" in body
	second = check_low_balances(company)
	assert [(result.sent, result.reason) for result in second] == [
		(False, "A warning was sent within the interval.")
	]
	assert len(inbox.to(address)) == 1


def test_the_check_of_all_companies_finds_the_low_ones_alone(inbox: Inbox) -> None:
	low, low_address = low_company()
	good, good_address = low_company("20")
	checked = {result.company for result in check_low_balances()}
	assert low in checked and good not in checked
	assert (len(inbox.to(low_address)), len(inbox.to(good_address))) == (1, 0)
	check_low_balances()
	assert len(inbox.to(low_address)) == 1


def test_the_mail_is_in_the_companys_language(inbox: Inbox) -> None:
	company, address = low_company(language="de")
	check_low_balances(company)
	(mail,) = inbox.to(address)
	body = mail.get_body(("html",)).get_content()
	assert "Guthaben" in mail["Subject"] and "10,00" in body and "Guthaben aufladen" in body


def test_the_warning_comes_again_after_the_interval(inbox: Inbox) -> None:
	company, address = low_company()
	check_low_balances(company)
	with site.later(24 * 3600 + 1):
		assert check_low_balances(company)[0].sent
	assert len(inbox.to(address)) == 2


def test_a_worse_level_is_told_at_once(inbox: Inbox) -> None:
	company, address = low_company()
	check_low_balances(company)
	call = new_id()
	session.authorize(call, company)
	session.end(call, 23 * 60)
	assert [(result.sent, result.level) for result in check_low_balances(company)] == [(True, "Critical")]
	assert len(inbox.to(address)) == 2


def test_a_credit_that_reaches_the_threshold_clears_the_mark(inbox: Inbox) -> None:
	company, address = low_company()
	check_low_balances(company)
	give(company, "10")
	assert frappe.db.get_value("Prepaid Balance", company, ["is_low", "warning_level"]) == (0, "")
	session.authorize(new_id(), company)
	assert check_low_balances(company)[0].sent
	assert len(inbox.to(address)) == 2


def test_a_balance_that_hovers_at_its_threshold_is_warned_of_once(inbox: Inbox) -> None:
	company, address = low_company("20")
	for _round in range(5):
		call = new_id()
		session.authorize(call, company)
		check_low_balances(company)
		session.release(call)
	assert len(inbox.to(address)) == 1


def test_there_are_at_most_three_warnings_a_day(inbox: Inbox) -> None:
	company, address = low_company()
	for _round in range(5):
		check_low_balances(company)
		give(company, "10")
		ledger.debit(
			company, Decimal(10), transaction_type="Adjustment", key=f"adjustment:{company}:{new_id()}"
		)
	assert len(inbox.to(address)) == 3


def test_a_lower_threshold_that_the_balance_reaches_clears_the_mark(inbox: Inbox) -> None:
	company, _address = low_company()
	check_low_balances(company)
	doc = frappe.get_doc("Prepaid Balance", company)
	doc.low_balance_threshold = 5
	doc.save()
	frappe.db.commit()
	assert frappe.db.get_value("Prepaid Balance", company, ["is_low", "warning_level"]) == (0, "")


def test_without_anybody_to_tell_the_mark_is_not_set() -> None:
	company = make_company("10")
	(result,) = check_low_balances(company)
	assert not result.sent and "Nobody to tell" in result.reason
	assert frappe.db.get_value("Prepaid Balance", company, "last_warning_us") == 0


def test_users_who_get_warnings_are_told(inbox: Inbox) -> None:
	company = make_company("10")
	email, _password = make_customer(company)
	frappe.db.set_value("Billing Company User", {"parent": company, "user": email}, "gets_warnings", 1)
	frappe.db.commit()
	check_low_balances(company)
	assert len(inbox.to(email)) == 1


@pytest.mark.parametrize("fields", [{"status": "Suspended"}, {"prepaid_billing_enabled": 0}], ids=str)
def test_a_company_that_is_not_billed_is_not_warned(fields: dict) -> None:
	company, _address = low_company(**fields)
	assert company not in {result.company for result in check_low_balances(dry_run=True)}
	assert not check_low_balances(company)[0].sent


def test_a_dry_run_says_what_it_would_do_and_writes_nothing() -> None:
	company, _address = low_company()
	(result,) = check_low_balances(company, dry_run=True)
	assert not result.sent and result.reason == "The balance fell to this level."
	assert frappe.db.count("Low Balance Warning", {"company": company}) == 0


def test_a_higher_threshold_makes_a_balance_low() -> None:
	company, _address = low_company("50")
	doc = frappe.get_doc("Prepaid Balance", company)
	doc.low_balance_threshold = 60
	doc.save()
	frappe.db.commit()
	assert company in {result.company for result in check_low_balances(dry_run=True)}


def test_broken_books_are_told_to_the_managers(inbox: Inbox) -> None:
	manager, _password = make_manager()
	before = len(inbox.to(manager))
	prepaid_verify_books()
	assert len(inbox.to(manager)) == before == 0
	company = make_company("10")
	with changed(
		"Balance Transaction",
		frappe.db.get_value("Balance Transaction", {"balance": company}),
		("actor",),
		"actor = 'Guest'",
	):
		prepaid_verify_books()
	(mail,) = inbox.to(manager)
	assert f"{company} #1" in mail.get_body(("html",)).get_content()
