"""What the customer reads of refunds and disputes: words of ours, never a code of Stripe's or a note among staff."""

import re

import frappe
import pytest

from tests import site
from tests.client import Api
from tests.factories import api_key_of, make_api_customer, make_company, make_customer, make_manager, new_id
from tests.integration.test_refunds import disputed, paid
from tests.integration.test_settings_page import Portal
from tests.integration.test_topup import eventually
from tests.pdf import text_of
from tests.stripe_checkout import simulate

HOME = "/business/billing"


def everything(company: str) -> str:
	"""Return all that a customer can read of the history, in one text."""
	portal, api = Portal(*make_customer(company)), Api(make_api_customer(company))
	texts = [portal.get(f"{HOME}{path}").text for path in ("", "/transactions", "/transactions?view=entries")]
	for flavour in ("csv", "excel"):
		texts.append(api.get("transactions.export", format=flavour).content.decode("utf-8-sig"))
	pdf = api.get("transactions.export", format="pdf").content
	texts.append(text_of(pdf))
	texts.append(api.get("transactions.list").text)
	return " ".join(re.sub(r"<[^>]+>", " ", " ".join(texts)).split())


def test_a_dispute_is_told_without_the_banks_code() -> None:
	company, topup = paid(company=make_company("50"))
	disputed(topup, reason="fraudulent")
	eventually(lambda: bool(frappe.db.exists("Billing Dispute", {"company": company, "status": "Open"})))
	text = everything(company)
	assert "fraudulent" not in text and "The payment was reported as not authorised." in text


def test_why_staff_refunded_stays_among_staff() -> None:
	company, topup = paid()
	manager = Api(api_key_of(make_manager()[0]))
	reason = "customer is a nuisance"
	manager.ok("topup.refund", topup=topup.name, amount="20", reason=reason, idempotency_key=new_id())
	assert reason not in everything(company)
	site.fresh()
	assert frappe.db.get_value("Billing Refund", {"company": company}, "reason") == reason


@pytest.mark.parametrize(
	"code,words", [("requested_by_customer", "You asked for it."), ("duplicate", "It was paid twice.")]
)
def test_a_code_of_a_refund_at_stripe_is_told_in_words_or_not_at_all(code: str, words: str) -> None:
	company, topup = paid()
	simulate("refunds", payment_intent=topup.payment_intent_id, amount="2000", reason=code)
	eventually(lambda: bool(frappe.db.exists("Billing Refund", {"company": company})))
	text = everything(company)
	assert code not in text
	assert words in text
