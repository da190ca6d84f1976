"""Mails about money that has moved: each once, to the right people, in the company's language."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from email.message import EmailMessage

import frappe
import pytest
import requests
import stripe

from prepaid_billing.alerts import notices
from prepaid_billing.alerts.addresses import NOBODY_REACHED
from prepaid_billing.ledger import rows
from prepaid_billing.payments import claims, issuing, keys, refunds, topups
from prepaid_billing.payments.takeback import DISPUTE, REFUND, Claim
from prepaid_billing.permissions import STAFF
from tests import site
from tests.client import Api
from tests.factories import api_key_of, make_company, make_customer, make_user, new_id
from tests.inbox import Inbox, no_email_account, unsubscribe
from tests.integration.conftest import name_the_seller
from tests.integration.test_topup import eventually
from tests.stripe_checkout import pay, simulate, webhooks_paused


def company_with_mail(language: str = "en", **fields: object) -> tuple[str, str]:
	address = f"{new_id('mail')}@example.com"
	return make_company("5", billing_emails=address, language=language, **fields), address


def paid(company: str, amount: str = "50") -> frappe._dict:
	created = topups.create(company, Decimal(amount))
	assert pay(created["checkout_url"]).status_code == 303
	topups.refresh(created["topup"])
	site.fresh()
	return topups.find(created["topup"])


def dispute(topup: frappe._dict, status: str, reason: str = "fraudulent", key: str | None = None) -> str:
	"""Book a dispute of the whole payment as Stripe tells of it; return Stripe's id of it."""
	key = key or new_id("dp")
	claims.apply(topup.name, [Claim(DISPUTE, key, status, Decimal(50), "EUR", reason)])
	return key


def text_of(mail: EmailMessage) -> str:
	"""Return all that a mail says, subject and both bodies."""
	bodies = [mail.get_body((kind,)).get_content() for kind in ("html", "plain")]
	return "\n".join([str(mail["Subject"]), *bodies])


def notices_of(company: str) -> list[str]:
	site.fresh()
	fields = ["kind", "status", "reason"]
	found = frappe.get_all("Billing Notice", {"company": company}, fields, order_by="creation, kind")
	return [f"{row.kind}: {row.status} {row.reason}".strip() for row in found]


def sweep() -> None:
	"""What the jobs of every minute do: issue receipts, then tell."""
	issuing.issue_missing()
	notices.tell()


def told(inbox: Inbox, address: str) -> list[str]:
	sweep()
	return [str(mail["Subject"]) for mail in inbox.to(address)]


def test_a_paid_top_up_is_told_once_with_html_and_text(inbox: Inbox) -> None:
	company, address = company_with_mail()
	paid(company)
	assert told(inbox, address) == [f"Top-up of €50.00 received: {company}"]
	assert len(told(inbox, address)) == 1
	(mail,) = inbox.to(address)
	for kind in ("html", "plain"):
		body = mail.get_body((kind,)).get_content()
		assert "€50.00 was added to your balance." in body and "€55.00" in body, kind
		assert "/business/billing?company=" in body and "in the portal under Settings" in body, kind
	assert notices_of(company) == ["Top-up received: Queued"]


def test_mails_are_in_the_companys_language(inbox: Inbox) -> None:
	company, address = company_with_mail("de")
	paid(company)
	assert told(inbox, address) == [f"Aufladung über 50,00\u00a0€ eingegangen: {company}"]


def test_who_paid_is_told_too_and_nobody_twice(inbox: Inbox) -> None:
	company, address = company_with_mail()
	payer, _password = make_customer(company)
	frappe.set_user(payer)
	paid(company)
	frappe.set_user("Administrator")
	assert len(told(inbox, payer)) == len(inbox.to(address)) == 1


def test_eight_sweeps_at_once_tell_once(inbox: Inbox) -> None:
	company, address = company_with_mail()
	paid(company)

	issuing.issue_missing()

	def tell(_number: int) -> None:
		with site.connected():
			notices.tell()

	with ThreadPoolExecutor(8) as pool:
		list(pool.map(tell, range(8)))
	assert notices_of(company) == ["Top-up received: Queued"]
	(notice,) = frappe.get_all("Billing Notice", {"company": company}, pluck="name")
	mail = {"reference_doctype": "Billing Notice", "reference_name": notice}
	assert frappe.db.count("Email Queue", mail) == 1
	assert len(inbox.to(address)) == 1


def test_a_refund_is_told_with_what_it_took_from_the_balance(inbox: Inbox) -> None:
	company, address = company_with_mail()
	topup = paid(company)
	refunds.request(topup.name, Decimal(20), "goodwill", new_id())
	assert sorted(told(inbox, address))[0] == f"Refund of €20.00: {company}"
	assert notices_of(company) == ["Refund: Queued", "Top-up received: Queued"] or notices_of(company) == [
		"Top-up received: Queued",
		"Refund: Queued",
	]


def test_a_refund_that_stripe_refuses_at_once_is_told_to_nobody(inbox: Inbox) -> None:
	company, address = company_with_mail(mail_topup=0)
	topup = paid(company)
	client = stripe.StripeClient(keys.secret_key(), base_addresses={"api": site.SIMULATOR_URL})
	with webhooks_paused():
		client.v1.refunds.create({"payment_intent": topup.payment_intent_id, "amount": 4000})
		assert refunds.request(topup.name, Decimal(20), "goodwill", new_id())["status"] == "Failed"
	assert "Your refund did not go through" not in " ".join(told(inbox, address))


def test_a_mail_that_fails_stops_no_other_one_and_no_other_kind(monkeypatch: pytest.MonkeyPatch) -> None:
	(bad, _), (good, _) = company_with_mail(), company_with_mail()
	paid(bad)
	refunds.request(paid(good).name, Decimal(20), "goodwill", new_id())
	issuing.issue_missing()
	tell = notices._tell

	def one_fails(source: notices.Source, row: frappe._dict) -> object:
		return 1 / 0 if row.company == bad else tell(source, row)

	with monkeypatch.context() as broken, pytest.raises(ZeroDivisionError):
		broken.setattr(notices, "_tell", one_fails)
		notices.tell()
	assert sorted(notices_of(good)) == ["Refund: Queued", "Top-up received: Queued"]
	assert notices_of(bad) == []
	notices.tell()
	assert notices_of(bad) == ["Top-up received: Queued"]


def test_a_dispute_and_its_end_are_told(inbox: Inbox) -> None:
	company, address = company_with_mail()
	topup = paid(company)
	dispute = simulate("disputes", payment_intent=topup.payment_intent_id)["id"]
	eventually(lambda: bool(frappe.db.exists("Billing Dispute", {"company": company, "status": "Open"})))
	assert f"Your bank has taken back a payment: {company}" in told(inbox, address)
	body = inbox.to(address)[-1].get_body(("html",)).get_content()
	assert "new calls cannot be started" in body
	simulate(f"disputes/{dispute}/win")
	eventually(lambda: bool(frappe.db.exists("Billing Dispute", {"company": company, "status": "Won"})))
	assert f"A payment counts again: {company}" in told(inbox, address)
	assert len(told(inbox, address)) == 3


def test_a_bank_debit_that_fails_is_told(inbox: Inbox) -> None:
	company, address = company_with_mail()
	created = topups.create(company, Decimal(50))
	form = {"method": "sepa_debit", "iban": "DE62 3704 0044 0532 0130 01", "name": "Test", "email": address}
	requests.post(created["checkout_url"], data=form, timeout=10, allow_redirects=False)
	topups.refresh(created["topup"])
	assert told(inbox, address) == []
	client = stripe.StripeClient(keys.secret_key(), base_addresses={"api": site.SIMULATOR_URL})
	session = client.v1.checkout.sessions.retrieve(topups.find(created["topup"]).checkout_session_id)
	simulate(f"payment_intents/{session.payment_intent}/settle", outcome="failed")
	eventually(lambda: topups.find(created["topup"]).status == "Failed")
	assert told(inbox, address) == [f"Your payment did not go through: {company}"]
	assert "€5.00" in inbox.to(address)[0].get_body(("plain",)).get_content()


def test_a_kind_that_is_switched_off_is_noted_and_never_sent_later(inbox: Inbox) -> None:
	company, address = company_with_mail(mail_topup=0)
	paid(company)
	assert told(inbox, address) == []
	assert notices_of(company) == [
		"Top-up received: Not Sent The company has switched off mails of this kind."
	]
	frappe.db.set_value("Billing Company", company, "mail_topup", 1)
	frappe.db.commit()
	assert told(inbox, address) == []


def test_without_anybody_to_tell_it_is_noted() -> None:
	company = make_company()
	paid(company)
	sweep()
	assert notices_of(company)[0].startswith("Top-up received: Not Sent Nobody to tell")


def test_what_happened_long_ago_is_not_told(inbox: Inbox) -> None:
	company, address = company_with_mail()
	paid(company)
	with site.later(8 * 86400):
		notices.tell()
	assert inbox.to(address) == [] and notices_of(company) == []


def test_the_receipt_is_attached_and_the_mail_waits_for_it(inbox: Inbox) -> None:
	company, address = company_with_mail()
	topup = paid(company)
	notices.tell()
	assert inbox.to(address) == [] and notices_of(company) == []
	sweep()
	(mail,) = inbox.to(address)
	(attached,) = mail.iter_attachments()
	number = frappe.db.get_value("Billing Receipt", {"topup": topup.name}, "receipt_number")
	assert attached.get_filename() == f"{number}.pdf" and attached.get_content().startswith(b"%PDF")
	assert number.startswith("TEST-")
	assert "A test receipt is attached: no money moved" in mail.get_body(("plain",)).get_content()


def test_the_receipt_of_a_live_payment_is_attached_as_such(inbox: Inbox) -> None:
	company, address = company_with_mail()
	frappe.db.sql("UPDATE `tabBalance Topup` SET livemode = 1 WHERE name = %s", (paid(company).name,))
	frappe.db.commit()
	sweep()
	(mail,) = inbox.to(address)
	assert "The receipt is attached." in mail.get_body(("plain",)).get_content()


def test_a_mail_does_not_wait_for_its_receipt_for_ever(inbox: Inbox) -> None:
	company, address = company_with_mail()
	paid(company)
	with site.later(601):
		notices.tell()
	(mail,) = inbox.to(address)
	assert list(mail.iter_attachments()) == []


@pytest.mark.parametrize("source", notices.SOURCES, ids=lambda source: source.kind)
def test_the_sweep_reads_by_an_index(source: notices.Source) -> None:
	values = {"kind": source.kind, "since_us": 2**60, "since": "2100-01-01", "long_since": "2099-01-01"}
	values |= {"fresh_us": 2**60, "fresh": "2100-01-01"}
	plan = frappe.db.sql(f"EXPLAIN {source.query}", values, as_dict=True)
	assert all(row.type not in ("ALL", "index") for row in plan if row.table in ("r", "n", "e")), plan


@pytest.mark.parametrize(
	"reason,words",
	[
		("fraudulent", "Laut Meldung war die Zahlung nicht autorisiert."),
		("product_not_received", "Laut Meldung wurde die Leistung nicht erbracht."),
		("a_code_of_tomorrow", ""),
	],
)
def test_why_a_bank_took_a_payment_back_is_told_in_words_and_never_as_a_code(
	inbox: Inbox, reason: str, words: str
) -> None:
	company, address = company_with_mail("de", mail_topup=0)
	dispute(paid(company), "Open", reason)
	told(inbox, address)
	said = text_of(inbox.to(address)[-1])
	assert reason not in said and len(re.findall(r"\bGrund\b", said)) == 2 * bool(words) and words in said


def test_why_staff_refunded_stays_with_staff(inbox: Inbox) -> None:
	company, address = company_with_mail(mail_topup=0)
	refunds.request(paid(company).name, Decimal(20), "they shouted at Ms Example", new_id())
	assert told(inbox, address) == [f"Refund of €20.00: {company}"]
	assert "shouted" not in text_of(inbox.to(address)[0])


@pytest.mark.parametrize(
	"kept,words",
	[
		("Your card has insufficient funds.", "Die Karte ist nicht ausreichend gedeckt."),
		("No such payment_method: 'pm_1'; code resource_missing", "Die Zahlung wurde nicht angenommen."),
	],
)
def test_why_a_payment_failed_is_told_in_the_customers_words(inbox: Inbox, kept: str, words: str) -> None:
	company, address = company_with_mail("de")
	topup = topups.create(company, Decimal(50))["topup"]
	rows.update("Balance Topup", topup, {"status": "Failed", "failure_reason": kept})
	frappe.db.commit()
	told(inbox, address)
	said = text_of(inbox.to(address)[0])
	assert words in said and kept not in said


LOST = "Your bank's decision is final."
OPEN = "Until it is settled, new calls cannot be started."


def test_a_dispute_that_is_lost_when_first_heard_of_is_told_once_as_final(inbox: Inbox) -> None:
	company, address = company_with_mail(mail_topup=0)
	topup = paid(company)
	key = dispute(topup, "Lost")
	assert told(inbox, address) == [f"Your bank has taken back a payment: {company}"]
	said = text_of(inbox.to(address)[0])
	assert said.count(LOST) == 2 and OPEN not in said and "€50.00" in said
	dispute(topup, "Lost", key=key)
	assert len(told(inbox, address)) == 1


def test_a_dispute_that_was_told_while_it_was_open_is_not_told_again_when_it_is_lost(inbox: Inbox) -> None:
	company, address = company_with_mail(mail_topup=0)
	topup = paid(company)
	key = dispute(topup, "Open")
	said = told(inbox, address) and text_of(inbox.to(address)[0])
	assert OPEN in said and LOST not in said
	dispute(topup, "Lost", key=key)
	assert len(told(inbox, address)) == 1


def refund(topup: frappe._dict, status: str, amount: int = 50, key: str | None = None) -> str:
	"""Book a refund as Stripe tells of it; return Stripe's id of it."""
	key = key or new_id("re")
	claims.apply(topup.name, [Claim(REFUND, key, status, Decimal(amount), "EUR")])
	return key


def kinds_told(company: str) -> list[str]:
	"""What a sweep more has left the customer told of, without top-ups and refunds."""
	sweep()
	site.fresh()
	found = frappe.get_all("Billing Notice", {"company": company}, pluck="kind", order_by="creation")
	return [kind for kind in found if kind.startswith("Dispute")]


def test_a_dispute_that_was_won_and_then_lost_is_told_once_of_each(inbox: Inbox) -> None:
	company, address = company_with_mail(mail_topup=0)
	topup = paid(company)
	key = dispute(topup, "Open")
	told(inbox, address)
	for status in ("Won", "Lost", "Won", "Lost"):
		claim = Claim(DISPUTE, key, status, Decimal(50), "EUR", read_after=reports_of(key))
		claims.apply(topup.name, [claim])
		told(inbox, address)
	assert told(inbox, address) == [
		f"Your bank has taken back a payment: {company}",
		f"A payment stands again: {company}",
		f"Your bank has taken back a payment after all: {company}",
	]


def reports_of(key: str) -> int:
	return claims.reports_of(Claim(DISPUTE, key, "Open", Decimal(50), "EUR"))


def test_a_dispute_that_takes_what_refunds_left_was_not_won_before_it_is_lost(inbox: Inbox) -> None:
	company, _address = company_with_mail(mail_topup=0)
	topup = paid(company)
	first, second = refund(topup, "Succeeded", 10), refund(topup, "Succeeded", 10)
	key = dispute(topup, "Open")
	assert kinds_told(company) == ["Dispute"]
	for failing in (first, second):
		refund(topup, "Failed", 10, failing)
	dispute(topup, "Lost", key=key)
	assert frappe.db.get_value("Billing Dispute", {"topup": topup.name}, ["bookings", "booked_amount"]) == (
		3,
		50,
	)
	assert kinds_told(company) == ["Dispute"]


def test_a_dispute_is_not_won_for_the_customer_where_a_refund_has_its_money_then(inbox: Inbox) -> None:
	company, _address = company_with_mail(mail_topup=0)
	topup = paid(company)
	key = dispute(topup, "Open")
	assert kinds_told(company) == ["Dispute"]
	back = refund(topup, "Succeeded")
	dispute(topup, "Won", key=key)
	assert kinds_told(company) == ["Dispute"]
	refund(topup, "Failed", key=back)
	assert kinds_told(company) == ["Dispute", "Dispute won"]


def test_a_dispute_that_took_nothing_beside_a_refund_gives_nothing_back(inbox: Inbox) -> None:
	company, _address = company_with_mail(mail_topup=0)
	topup = paid(company)
	back = refund(topup, "Succeeded")
	key = dispute(topup, "Open")
	assert kinds_told(company) == ["Dispute"]
	dispute(topup, "Won", key=key)
	refund(topup, "Failed", key=back)
	assert kinds_told(company) == ["Dispute"]


def test_an_inquiry_that_becomes_a_dispute_after_months_is_told(inbox: Inbox) -> None:
	company, address = company_with_mail(mail_topup=0)
	topup = paid(company)
	key = dispute(topup, "Inquiry")
	assert told(inbox, address) == []
	with site.later(100 * 86400):
		dispute(topup, "Open", key=key)
		assert told(inbox, address) == [f"Your bank has taken back a payment: {company}"]


def test_a_dispute_that_was_lost_long_ago_is_not_told(inbox: Inbox) -> None:
	company, address = company_with_mail(mail_topup=0)
	dispute(paid(company), "Lost")
	with site.later(31 * 86400):
		assert told(inbox, address) == []


def without_a_program_for_pdfs(monkeypatch: pytest.MonkeyPatch) -> None:
	monkeypatch.setenv("PATH", "/nowhere")


def test_a_receipt_that_cannot_be_made_holds_its_mail_back_for_minutes_and_not_for_ever(
	inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
	company, address = company_with_mail()
	paid(company)
	issuing.issue_missing()
	without_a_program_for_pdfs(monkeypatch)
	with pytest.raises(OSError):
		notices.tell()
	assert notices_of(company) == [] and inbox.to(address) == []
	with site.later(601), pytest.raises(OSError):
		notices.tell()
	(mail,) = inbox.to(address)
	assert list(mail.iter_attachments()) == []
	said = text_of(mail)
	assert (
		"is attached" not in said and said.count("You will find the receipt next to the payment: http") == 2
	)
	monkeypatch.undo()
	notices.tell()
	assert len(inbox.to(address)) == 2


def test_no_receipt_is_made_for_a_mail_that_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
	company, _address = company_with_mail(mail_topup=0)
	paid(company)
	issuing.issue_missing()
	without_a_program_for_pdfs(monkeypatch)
	notices.tell()
	assert notices_of(company)[0].startswith("Top-up received: Not Sent")


def test_a_mail_to_addresses_that_are_all_unsubscribed_does_not_count_as_queued(inbox: Inbox) -> None:
	company, address = company_with_mail()
	unsubscribe(address)
	paid(company)
	assert told(inbox, address) == []
	assert notices_of(company) == [f"Top-up received: Not Sent {NOBODY_REACHED}"]


def test_without_a_mail_account_nothing_counts_as_told(inbox: Inbox) -> None:
	company, address = company_with_mail()
	paid(company)
	issuing.issue_missing()
	with no_email_account(), pytest.raises(frappe.OutgoingEmailError):
		notices.tell()
	assert notices_of(company) == []
	assert len(told(inbox, address)) == 1


def test_staff_see_what_became_of_the_mail_of_a_notice(inbox: Inbox) -> None:
	company, address = company_with_mail()
	clerk = Api(api_key_of(make_user(STAFF)))
	paid(company)
	sweep()
	(notice,) = frappe.get_all("Billing Notice", {"company": company}, pluck="name")

	def ask() -> dict[str, str]:
		return clerk.get("desk.mails", notices=f"{notice},nobody").json()["message"]

	assert ask() == {notice: "Not Sent"}
	inbox.to(address)
	assert ask() == {notice: "Sent"}
	mail = {"reference_doctype": "Billing Notice", "reference_name": notice}
	frappe.db.set_value("Email Queue", mail, "status", "Error")
	frappe.db.commit()
	assert ask() == {notice: "Error"}
	frappe.db.delete("Email Queue", mail)
	frappe.db.commit()
	assert ask() == {}


def files(inbox: Inbox, address: str) -> list[str]:
	"""The names of all files that an address was mailed, oldest mail first."""
	return [file.get_filename() for mail in inbox.to(address) for file in mail.iter_attachments()]


def issued(topup: frappe._dict) -> list[str]:
	"""The files of all documents of a top-up, in their order."""
	site.fresh()
	found = frappe.get_all("Billing Receipt", {"topup": topup.name}, ["receipt_number"], order_by="sequence")
	return [f"{row.receipt_number}.pdf" for row in found]


@contextmanager
def without_a_seller() -> Iterator[None]:
	site.fresh()
	frappe.db.set_single_value("Prepaid Billing Settings", "seller_name", "")
	frappe.db.commit()
	yield
	site.fresh()
	name_the_seller()


def test_a_receipt_that_is_issued_days_after_its_payment_is_mailed_once(inbox: Inbox) -> None:
	company, address = company_with_mail()
	with without_a_seller():
		topup = paid(company)
		assert told(inbox, address) == [f"Top-up of €50.00 received: {company}"]
	with site.later(5 * 86400):
		for _time in range(2):
			sweep()
	(name,) = issued(topup)
	assert [str(mail["Subject"]) for mail in inbox.to(address)][1:] == [
		f"Test receipt {name.removesuffix('.pdf')}: {company}"
	]
	assert files(inbox, address) == [name]
	said = text_of(inbox.to(address)[1])
	assert "€50.00" in said and "A test receipt is attached" in said
	assert notices_of(company) == ["Top-up received: Queued", "Receipt: Queued"]


def test_a_receipt_that_is_issued_later_reaches_who_paid(inbox: Inbox) -> None:
	company = make_company("5")
	email, _password = make_customer(company)
	with without_a_seller():
		topup = paid(company)
		frappe.db.set_value("Balance Topup", topup.name, "initiated_by", email)
		frappe.db.commit()
		assert len(told(inbox, email)) == 1
	with site.later(86400):
		sweep()
	assert files(inbox, email) == issued(topup)


def test_a_credit_note_goes_along_with_the_mail_of_its_refund(inbox: Inbox) -> None:
	company, address = company_with_mail("de")
	topup = paid(company)
	refunds.request(topup.name, Decimal(20), "goodwill", new_id())
	for _time in range(2):
		sweep()
	assert sorted(files(inbox, address)) == sorted(issued(topup)) and len(issued(topup)) == 2
	assert len(inbox.to(address)) == 2


def test_a_credit_note_and_its_reversal_that_come_later_are_mailed_once(inbox: Inbox) -> None:
	company, address = company_with_mail()
	topup = paid(company)
	sweep()
	with without_a_seller():
		refund = refunds.request(topup.name, Decimal(20), "goodwill", new_id())
		assert f"Refund of €20.00: {company}" in told(inbox, address)
	with site.later(3600):
		sweep()
	key = frappe.db.get_value("Billing Refund", refund["refund"], "stripe_refund_id")
	failed = Claim(REFUND, key, "Failed", Decimal(20), "EUR", failure="lost_or_stolen_card")
	claims.apply(topup.name, [failed])
	with site.later(7200):
		for _time in range(2):
			sweep()
	assert files(inbox, address) == issued(topup) and len(issued(topup)) == 3
	assert sorted(notices_of(company)) == [
		"Credit note: Queued",
		"Refund failed: Queued",
		"Refund: Queued",
		"Top-up received: Queued",
	]


def test_a_receipt_whose_file_failed_is_mailed_when_it_can_be_made(
	inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
	company, address = company_with_mail()
	topup = paid(company)
	issuing.issue_missing()
	with monkeypatch.context() as broken, site.later(601), pytest.raises(OSError):
		without_a_program_for_pdfs(broken)
		notices.tell()
	for _time in range(2):
		sweep()
	assert len(inbox.to(address)) == 2 and files(inbox, address) == issued(topup)


def test_eight_sweeps_at_once_mail_a_late_receipt_once(inbox: Inbox) -> None:
	company, address = company_with_mail()
	with without_a_seller():
		topup = paid(company)
		sweep()
	issuing.issue_missing()

	def tell(_number: int) -> None:
		with site.connected():
			notices.tell()

	with ThreadPoolExecutor(8) as pool:
		list(pool.map(tell, range(8)))
	assert files(inbox, address) == issued(topup)


def test_documents_that_were_issued_long_ago_or_before_they_were_mailed_are_not_mailed(inbox: Inbox) -> None:
	company, address = company_with_mail()
	with without_a_seller():
		topups_of_before = [paid(company) for _n in range(2)]
		sweep()
	issuing.issue_missing()
	frappe.db.sql(
		"UPDATE `tabBilling Receipt` SET is_to_mail = 0 WHERE topup = %s", (topups_of_before[0].name,)
	)
	frappe.db.commit()
	with site.later(31 * 86400):
		notices.tell()
	assert files(inbox, address) == []
	notices.tell()
	assert files(inbox, address) == issued(topups_of_before[1])


def test_a_receipt_is_not_mailed_to_who_has_switched_it_off_and_one_notice_says_so(inbox: Inbox) -> None:
	company, address = company_with_mail(mail_topup=0)
	paid(company)
	for _time in range(2):
		assert told(inbox, address) == []
	assert len(notices_of(company)) == 1


def test_a_seller_who_is_named_after_months_mails_no_receipts_of_those_months(inbox: Inbox) -> None:
	company, address = company_with_mail()
	with without_a_seller():
		topup = paid(company)
		refunds.request(topup.name, Decimal(20), "goodwill", new_id())
		sweep()
	with site.later(31 * 86400):
		for _time in range(2):
			sweep()
	assert len(issued(topup)) == 2 and files(inbox, address) == []
