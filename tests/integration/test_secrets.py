"""Neither Stripe's secret key nor a signing secret is found anywhere after calls that failed in every way."""

import os
import secrets
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import frappe
import pytest
import requests
import stripe
from frappe.deferred_insert import save_to_db

from prepaid_billing import scheduled
from prepaid_billing.payments import gateway, refunds, topups, webhook
from tests import factories, site
from tests.client import Api
from tests.factories import make_company, new_id
from tests.stripe_checkout import (
	as_body,
	events_of,
	pay,
	signature,
	simulate,
	webhooks_paused,
)

FAULTS = ("error_before", "error_after", "cut_before", "cut_after", "rate_limit", "hang_before")
FOREIGN_KEY = f"sk_test_{secrets.token_hex(16)}"
"""A key that Stripe does not know."""


class Crash(Exception):
	"""A bug of ours."""


@pytest.fixture
def topup() -> Iterator[str]:
	"""A paid top-up; Stripe's own posts wait."""
	with webhooks_paused():
		created = topups.create(make_company(), Decimal(50))
		pay(created["checkout_url"])
		topups.refresh(created["topup"])
		yield created["topup"]
		requests.delete(f"{site.SIMULATOR_URL}/_simulator/faults", timeout=10)


def calls(topup: str) -> list[Callable[[], object]]:
	"""Everything that asks Stripe for something, and what takes a webhook."""
	row = topups.find(topup)
	body = as_body(events_of(row.checkout_session_id)[-1])
	return [
		lambda: topups.create(make_company(), Decimal(50)),
		lambda: gateway.session_facts(row.checkout_session_id),
		lambda: gateway.session_facts("cs_test_nobody_knows"),
		lambda: gateway.refunds_of(row.payment_intent_id),
		lambda: refunds.request(topup, Decimal(1), "goodwill", new_id()),
		lambda: webhook.receive(body, signature(body)),
		lambda: webhook.receive(body, signature(body, "whsec_of_somebody_else")),
	]


def fail(ours: list[Callable[[], object]]) -> None:
	"""Let each call fail as a job fails in which nobody catches it: with the variables of every frame in the log."""
	for call in ours:
		try:
			call()
		except Exception:
			frappe.db.rollback()
			frappe.log_error("a call that failed")
			frappe.logger("prepaid_billing", allow_site=True).exception("a call that failed")
			frappe.db.commit()


def fail_by_http(topup: str) -> list[str]:
	"""Call by HTTP while Stripe fails; return the answers."""
	manager = Api(factories.api_key_of(factories.make_manager()[0]))
	company = topups.find(topup).company
	answers = []
	for kind in ("error_before", "cut_after", "rate_limit"):
		simulate("faults", kind=kind, times=20, path="/v1")
		answers.append(manager.post("topup.create", amount="50", company=company))
		answers.append(
			manager.post("topup.refund", topup=topup, amount="1", reason="x", idempotency_key=new_id())
		)
		requests.delete(f"{site.SIMULATOR_URL}/_simulator/faults", timeout=10)
	for body in (b"{", b"{}", as_body({"id": "evt_1"})):
		answers.append(Api().raw("/api/stripe/webhook", body, **{"Stripe-Signature": signature(body)}))
	assert min(answer.status_code for answer in answers) >= 400
	return [answer.text + str(answer.headers) for answer in answers]


def everything_kept() -> list[str]:
	"""What is kept of failures: rows of the database, and the log files of bench and site."""
	while frappe.cache.llen("insert_queue_for_Error Log"):
		save_to_db()
	site.fresh()
	kept = []
	for doctype in (
		"Error Log",
		"Stripe Event",
		"Stripe Event Payload",
		"Billing Reconciliation",
		"Email Queue",
	):
		kept += [str(row) for row in frappe.db.sql(f"SELECT * FROM `tab{doctype}`")]
	logs = [Path(os.environ["PB_BENCH_DIR"]) / "logs", Path(site.NAME) / "logs"]
	return kept + [file.read_text(errors="replace") for logs in logs for file in logs.glob("*.log*")]


def kept_with(secret: str, *answers: str) -> list[str]:
	"""Return where a secret stands in what is kept or was answered, with what is around it."""
	found = [text for text in (*everything_kept(), *answers) if secret in text]
	return [text[max(text.index(secret) - 300, 0) : text.index(secret) + 60] for text in found]


def test_what_is_encrypted_is_so_by_the_key_that_came_with_the_install(
	installed_configuration: frappe._dict,
) -> None:
	on_disk = frappe.get_site_config()
	assert on_disk.encryption_key and on_disk.encryption_key == installed_configuration.encryption_key


def test_no_secret_is_kept_or_told_when_calls_fail(topup: str, monkeypatch: pytest.MonkeyPatch) -> None:
	monkeypatch.setattr(gateway, "_TIMEOUT", 1)
	ours = [*calls(topup), scheduled.prepaid_reconcile]
	for kind in FAULTS:
		simulate("faults", kind=kind, times=100, path="/v1", seconds=2)
		with monkeypatch.context() as impatient:
			impatient.setattr(stripe.RequestsClient, "_should_retry", lambda *_arguments, **_options: False)
			fail(ours)
		requests.delete(f"{site.SIMULATOR_URL}/_simulator/faults", timeout=10)
	with monkeypatch.context() as nobody:
		nobody.setitem(frappe.conf, "stripe_secret", FOREIGN_KEY)
		fail(ours)
	answers = fail_by_http(topup)
	assert [text for text in everything_kept() if "a call that failed" in text]
	for secret in (frappe.conf.stripe_secret, site.WEBHOOK_SECRET, FOREIGN_KEY):
		assert kept_with(secret, *answers) == []


CRASHES = (
	(gateway, "of_session"),
	(gateway, "of_refund"),
	(gateway, "_strict_event"),
	(gateway.json, "loads"),
	(gateway.keys, "api_base"),
	(stripe.WebhookSignature, "_compute_signature"),
	(stripe.RequestsClient, "request"),
	(stripe.RequestsClient, "__init__"),
	(stripe.HTTPClient, "request_with_retries"),
)
UNSEEN = ("request", "__init__", "request_with_retries")
"""Of a crash within a call to Stripe nothing is passed on but that Stripe did not answer."""


def test_no_secret_is_kept_when_the_adapter_or_the_library_crashes(
	topup: str, monkeypatch: pytest.MonkeyPatch
) -> None:
	def crash(*_arguments: object, **_options: object) -> None:
		raise Crash("a bug")

	ours = calls(topup)
	for owner, name in CRASHES:
		with monkeypatch.context() as broken:
			broken.setattr(owner, name, crash)
			errors = [told for told in map(error_of, ours) if told]
		assert any("a bug" in told for told in errors) or name in UNSEEN, name
		for secret in (frappe.conf.stripe_secret, site.WEBHOOK_SECRET):
			assert [told for told in errors if secret in told] == []
	for secret in (frappe.conf.stripe_secret, site.WEBHOOK_SECRET):
		assert kept_with(secret) == []


def error_of(call: Callable[[], object]) -> str:
	"""Return what Frappe would log about a failing call, the variables of every frame included."""
	try:
		call()
	except Exception:
		frappe.db.rollback()
		return frappe.get_traceback(with_context=True)
	return ""
