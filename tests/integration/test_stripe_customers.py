"""What Stripe is told of a company: one customer, its description, receipt mail, language and currency."""

from decimal import Decimal

import frappe
import pytest
import stripe

from prepaid_billing.exceptions import TryAgain
from prepaid_billing.payments import installation, keys, topups
from tests import site
from tests.concurrency.at_once import at_once
from tests.factories import make_company, new_id
from tests.stripe_checkout import pay, simulate


def at_stripe() -> stripe.StripeClient:
	return stripe.StripeClient(keys.secret_key(), base_addresses={"api": site.SIMULATOR_URL})


def customers_of(company: str) -> list[dict]:
	found = at_stripe().v1.customers.list(params={"limit": 100}).to_dict()["data"]
	return [customer for customer in found if customer["name"] == company]


def session_of(topup: str) -> dict:
	site.fresh()
	return at_stripe().v1.checkout.sessions.retrieve(topups.find(topup).checkout_session_id).to_dict()


def test_a_company_is_one_customer_at_stripe_with_name_mail_and_language() -> None:
	company = make_company(language="de", billing_emails="buchhaltung@example.com\nchef@example.com")
	sessions = [session_of(topups.create(company, Decimal(50))["topup"]) for _time in range(2)]
	[customer] = customers_of(company)
	assert (customer["email"], customer["preferred_locales"]) == ("buchhaltung@example.com", ["de"])
	assert customer["metadata"] == {"company": company}
	assert {session["customer"] for session in sessions} == {customer["id"]}
	site.fresh()
	assert frappe.db.get_value("Billing Company", company, "stripe_customer_id") == customer["id"]


def change_mail(company: str, address: str) -> None:
	doc = frappe.get_doc("Billing Company", company)
	doc.billing_emails = address
	doc.save()
	frappe.db.commit()


def test_the_customer_at_stripe_follows_the_companys_mail_at_the_next_top_up() -> None:
	company = make_company(billing_emails="old@example.com")
	topups.create(company, Decimal(50))
	for address in ("new@example.com", "newer@example.com"):
		change_mail(company, address)
		topups.create(company, Decimal(50))
		[customer] = customers_of(company)
		assert customer["email"] == address


def test_a_customer_that_cannot_be_updated_keeps_nobody_from_topping_up() -> None:
	company = make_company(billing_emails="old@example.com")
	topups.create(company, Decimal(50))
	change_mail(company, "new@example.com")
	simulate("faults", kind="error_before", method="POST", path="/v1/customers/", times=3)
	assert topups.create(company, Decimal(50))["checkout_url"]
	assert customers_of(company)[0]["email"] == "old@example.com"
	topups.create(company, Decimal(50))
	assert customers_of(company)[0]["email"] == "new@example.com", "it is made good the next time"


def test_a_failure_that_stripe_keeps_for_a_request_locks_no_company_out_for_longer_than_half_an_hour() -> (
	None
):
	company = make_company()
	simulate("faults", kind="error_after", method="POST", path="/v1/customers", times=1)
	with pytest.raises(TryAgain):
		topups.create(company, Decimal(50))
	with site.later(1800):
		assert topups.create(company, Decimal(50))["checkout_url"]


@pytest.mark.parametrize("language", ["fr", ""])
def test_the_customers_language_at_stripe_changes_with_the_companys(language: str) -> None:
	company = make_company(language="de")
	topups.create(company, Decimal(50))
	frappe.db.set_value("Billing Company", company, "language", language or None)
	frappe.db.commit()
	topups.create(company, Decimal(50))
	assert customers_of(company)[0]["preferred_locales"] == [language or "en"]


def test_two_first_top_ups_at_once_make_one_customer() -> None:
	company = make_company()
	begun = at_once(lambda number: topups.create(company, Decimal(50 + number)), 2)
	assert len({session_of(one["topup"])["customer"] for one in begun}) == 1
	assert len(customers_of(company)) == 1


def test_a_customer_that_is_gone_at_stripe_is_replaced() -> None:
	company = make_company()
	frappe.db.sql(
		"UPDATE `tabBilling Company` SET stripe_customer_id = %s WHERE name = %s",
		(f"cus_gone{new_id()}", company),
	)
	frappe.db.commit()
	topup = topups.create(company, Decimal(50))["topup"]
	[customer] = customers_of(company)
	assert session_of(topup)["customer"] == customer["id"]
	assert session_of(topups.create(company, Decimal(60))["topup"])["customer"] == customer["id"]


def test_a_customer_of_live_mode_is_not_used_in_test_mode() -> None:
	company = make_company()
	frappe.db.sql(
		"""
		UPDATE `tabBilling Company` SET stripe_customer_id = %s, stripe_customer_livemode = 1 WHERE name = %s
		""",
		(f"cus_live{new_id()}", company),
	)
	frappe.db.commit()
	topup = topups.create(company, Decimal(50))["topup"]
	[customer] = customers_of(company)
	assert session_of(topup)["customer"] == customer["id"]


def test_a_company_form_that_was_open_meanwhile_keeps_the_customer() -> None:
	company = make_company()
	form = frappe.get_doc("Billing Company", company)
	topups.create(company, Decimal(50))
	site.fresh()
	form.billing_emails = "new@example.com"
	form.save()
	frappe.db.commit()
	assert (
		frappe.db.get_value("Billing Company", company, "stripe_customer_id")
		== customers_of(company)[0]["id"]
	)


@pytest.mark.parametrize(
	"language,locale,words",
	[("en", "en", "Prepaid balance"), ("de", "de", "Guthaben"), ("fr", "auto", "Prepaid balance")],
)
def test_checkout_speaks_the_companys_language(language: str, locale: str, words: str) -> None:
	company = make_company(language=language)
	session = session_of(topups.create(company, Decimal(50))["topup"])
	items = at_stripe().v1.checkout.sessions.line_items.list(session["id"])
	assert (session["locale"], [item.description for item in items]) == (locale, [words])


@pytest.mark.parametrize("currency,amount,minor", [("USD", "50.01", 5001), ("JPY", "5000", 5000)])
def test_a_company_pays_in_its_own_currency(currency: str, amount: str, minor: int) -> None:
	company = make_company(currency=currency)
	session = session_of(topups.create(company, Decimal(amount))["topup"])
	assert (session["currency"], session["amount_total"]) == (currency.lower(), minor)


def test_the_payment_says_what_it_is_for_and_where_its_receipt_goes() -> None:
	company = make_company(billing_emails="first@example.com\nsecond@example.com")
	created = topups.create(company, Decimal(50))
	pay(created["checkout_url"])
	intent = at_stripe().v1.payment_intents.retrieve(session_of(created["topup"])["payment_intent"]).to_dict()
	assert intent["description"] == f"Prepaid balance {company}"
	assert intent["receipt_email"] == "first@example.com"
	assert intent["metadata"] == {
		"topup": created["topup"],
		"company": company,
		"installation": installation.own(),
	}
