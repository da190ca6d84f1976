"""What an event has done when it is acknowledged, in the process that took it."""

from collections.abc import Iterator
from decimal import Decimal

import frappe
import pytest

from prepaid_billing.exceptions import TryAgain
from prepaid_billing.ledger import balance_of, rows
from prepaid_billing.payments import topups, webhook
from prepaid_billing.payments.decide import FINAL
from prepaid_billing.payments.facts import of_session
from tests import site
from tests.factories import make_company, new_id
from tests.stripe_checkout import as_body, events_of, pay, signature, webhooks_paused


@pytest.fixture(autouse=True)
def no_webhooks(connection: None) -> Iterator[None]:
	"""Stripe's own posts wait: the test delivers."""
	with webhooks_paused():
		yield


def paid() -> tuple[str, str, dict[str, dict]]:
	"""A company, its top-up that was paid, and Stripe's events of that by type; none was delivered."""
	company = make_company()
	created = topups.create(company, Decimal(50))
	pay(created["checkout_url"])
	events = events_of(topups.find(created["topup"]).checkout_session_id)
	return company, created["topup"], {event["type"]: event for event in events}


def receive(event: dict) -> None:
	body = as_body(event)
	webhook.receive(body, signature(body))


def balance(company: str) -> Decimal:
	site.fresh()
	return balance_of(company).balance


def test_the_credit_is_committed_when_an_event_is_acknowledged() -> None:
	company, _topup, events = paid()
	receive(events["checkout.session.completed"])
	assert balance(company) == 50


def test_two_events_of_one_fact_credit_it_once() -> None:
	company, _topup, events = paid()
	receive(events["checkout.session.completed"])
	receive(events["payment_intent.succeeded"])
	receive({**events["checkout.session.completed"], "id": f"evt_{new_id()}"})
	assert balance(company) == 50
	assert frappe.db.count("Balance Transaction", {"balance": company}) == 1


@pytest.mark.parametrize("status", FINAL)
def test_a_second_credit_of_one_payment_changes_nothing_of_what_became_of_it_since(status: str) -> None:
	company, name, events = paid()
	receive(events["checkout.session.completed"])
	rows.update("Balance Topup", name, {"status": status, "failure_reason": "as it stands"})
	frappe.db.commit()
	before = frappe.db.sql("SELECT * FROM `tabBalance Topup` WHERE name = %s", (name,))
	facts = of_session(events["checkout.session.completed"]["data"]["object"])
	with site.later(60):
		assert topups.apply(name, facts).action == "nothing"
	assert frappe.db.sql("SELECT * FROM `tabBalance Topup` WHERE name = %s", (name,)) == before
	assert balance(company) == 50
	rows.update("Balance Topup", name, {"status": "Paid"})
	frappe.db.commit()


def test_metadata_does_not_choose_who_is_credited() -> None:
	company, _topup, events = paid()
	other = make_company()
	stranger = topups.create(other, Decimal(50))
	event = events["checkout.session.completed"]
	event["data"]["object"]["metadata"] = {"topup": stranger["topup"], "company": other}
	receive(event)
	assert (balance(company), balance(other)) == (50, 0)


def test_nobody_signs_with_an_empty_secret(monkeypatch: pytest.MonkeyPatch) -> None:
	company, _topup, events = paid()
	body = as_body(events["checkout.session.completed"])
	monkeypatch.setitem(frappe.conf, "stripe_webhook_secret", " ")
	with pytest.raises(TryAgain):
		webhook.receive(body, signature(body, ""))
	assert balance(company) == 0
