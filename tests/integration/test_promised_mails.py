"""The pages promise a mail only where one will come; otherwise they say why not, and where to change it. Over HTTP."""

import frappe
import pytest

from tests.factories import make_company, make_customer, make_manager, new_id
from tests.inbox import unsubscribe
from tests.integration.test_overview_page import PAGE, change, text_of
from tests.integration.test_settings_page import Portal

WARNED = "Below this we send a warning by e-mail."
SWITCHED_OFF = "This warning is switched off, so no e-mail is sent."
NOBODY = "Nobody can be reached by mail, so no warning is sent."
MAILED = "You get a mail when the payment has arrived."


@pytest.mark.parametrize(
	"fields,said",
	[
		({"billing_emails": "a@example.com"}, WARNED),
		({"billing_emails": "a@example.com", "mail_low": 0}, SWITCHED_OFF),
		({}, NOBODY),
		({"mail_low": 0}, NOBODY),
	],
)
def test_a_warning_is_promised_where_one_will_be_sent(fields: dict, said: str) -> None:
	company = make_company("50", **fields)
	text = text_of(company)
	assert [words for words in (WARNED, SWITCHED_OFF, NOBODY) if words in text] == [said]
	page = Portal(*make_customer(company)).get(PAGE).text
	assert ('href="/business/billing/settings#mails"' in page) == (said != WARNED)


def test_no_warning_is_promised_where_the_only_address_has_unsubscribed() -> None:
	address = f"{new_id('gone')}@example.com"
	unsubscribe(address)
	assert NOBODY in text_of(make_company("50", billing_emails=address))


def test_a_user_who_gets_the_mails_is_somebody_to_warn() -> None:
	company = make_company("50")
	email, password = make_customer(company)
	doc = frappe.get_doc("Billing Company", company)
	doc.users[0].gets_warnings = 1
	doc.save()
	frappe.db.commit()
	assert WARNED in Portal(email, password).get(PAGE).text


def test_a_mail_on_the_payment_is_promised_where_one_will_be_sent() -> None:
	company = make_company("5")
	# Who begins the top-up is told, listed or not.
	assert MAILED in text_of(company, f"{PAGE}/topup")
	staff = Portal(*make_manager()).get(f"{PAGE}/topup?company={company}")
	assert staff.status_code == 200 and MAILED not in staff.text
	change("Billing Company", company, mail_topup=0)
	assert MAILED not in text_of(company, f"{PAGE}/topup")
