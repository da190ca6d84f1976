"""What the webhook lets in and what not, alike at both of its addresses."""

from collections.abc import Iterator

import frappe
import pytest

from prepaid_billing.payments import keys, webhook
from tests import site
from tests.client import Api
from tests.factories import make_company, new_id
from tests.integration.test_topup import balance, paid_topup
from tests.stripe_checkout import as_body, signature, webhooks_paused

ADDRESSES = {
	"short": "/api/stripe/webhook",
	"canonical": "/api/method/prepaid_billing.api.stripe.webhook",
}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(params=ADDRESSES)
def address(request: pytest.FixtureRequest) -> str:
	"""Each of the two addresses."""
	return ADDRESSES[request.param]


@pytest.fixture(scope="module", autouse=True)
def no_webhooks(connection: None) -> Iterator[None]:
	"""Stripe's own posts wait: the test posts."""
	with webhooks_paused():
		yield


@pytest.fixture(scope="module")
def payment(no_webhooks: None) -> tuple[str, dict]:
	"""A company, and an event of its payment that would credit it, were it let in."""
	company = make_company()
	_topup, events = paid_topup(company)
	return company, next(event for event in events if event["type"] == "checkout.session.completed")


def wrong_headers(body: bytes) -> dict[str, str | None]:
	good = signature(body)
	return {
		"unsigned": None,
		"empty": "",
		"garbage": "t=,v1=",
		"another secret": signature(body, "whsec_of_somebody_else"),
		"empty secret": signature(body, ""),
		"stale": signature(body, age=301),
		"from the future": signature(body, age=-400),
		"v0 alone": good.replace("v1=", "v0="),
		"of another body": signature(body + b" "),
		"not ascii": good.replace("v1=", "v1=\u00e4"),
		"long": "v1=" + "0" * 4000,
		"many": good.split(",")[0] + ",v1=0" * 500,
	}


@pytest.mark.parametrize("kind", ["v1.billing.meter.no_meter_found", "checkout.session.completed"])
def test_a_thin_event_is_kept_and_has_no_effect(address: str, kind: str) -> None:
	event = {"id": f"evt_{new_id()}", "object": "v2.core.event", "type": kind, "livemode": False}
	body = as_body({**event, "related_object": {"id": "cs_test_1", "type": "checkout.session"}})
	answer = Api().raw(address, body, **JSON, **{"Stripe-Signature": signature(body)})
	assert answer.status_code == 200, answer.text
	site.fresh()
	assert frappe.db.get_value("Stripe Event", {"event_id": event["id"]}, "status") == "Ignored"


@pytest.mark.parametrize("case", wrong_headers(b"x"))
def test_what_is_not_validly_signed_is_refused_and_leaves_nothing(
	address: str, payment: tuple[str, dict], case: str
) -> None:
	company, event = payment
	event = {**event, "id": f"evt_{new_id()}"}
	body = as_body(event)
	header = wrong_headers(body)[case]
	headers = {} if header is None else {"Stripe-Signature": header.encode("latin-1")}
	answer = Api().raw(address, body, **JSON, **headers)
	assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_INPUT")
	assert balance(company) == 0
	assert not frappe.db.exists("Stripe Event", {"event_id": event["id"]})


@pytest.mark.parametrize(
	"body",
	[b"", b"{", b"[]", b"null", b"{}", b'{"id": "evt_1", "id": "evt_2"}', b'{"amount": NaN}', b"\xff\xfe", b"[" * 50_000,
		b'{"id": 1, "type": "x", "livemode": false, "data": {"object": {}}}',
		b'{"id": "evt_1", "type": "x", "livemode": false, "data": {"object": {"id": "\\ud800"}}}'],
	ids=lambda body: repr(body[:12]),
)  # fmt: skip
def test_a_signed_body_that_is_no_event_is_refused(address: str, body: bytes) -> None:
	header = signature(body) if body != b"\xff\xfe" else signature(b"x")
	answer = Api().raw(address, body, **JSON, **{"Stripe-Signature": header})
	assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_INPUT")
	site.fresh()
	assert not frappe.db.exists("Stripe Event Payload", {"payload": body.decode(errors="replace")})


def test_a_body_larger_than_any_event_is_refused(address: str) -> None:
	body = as_body({"id": "evt_large", "padding": "x" * webhook.MAX_BODY})
	answer = Api().raw(address, body, **JSON, **{"Stripe-Signature": signature(body)})
	assert (answer.status_code, answer.json()["code"]) == (413, "INVALID_INPUT")


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE"])
def test_events_are_only_posted(address: str, verb: str) -> None:
	answer = Api().session.request(verb, f"{site.WEB_URL}{address}", timeout=30)
	assert (answer.status_code, answer.json()["code"]) == (405, "METHOD_NOT_ALLOWED")


def test_a_body_that_names_another_method_of_frappe_is_still_an_event(
	address: str, payment: tuple[str, dict]
) -> None:
	_company, event = payment
	named = {**event, "id": f"evt_{new_id()}", "type": "customer.updated"}
	body = as_body({"cmd": "frappe.auth.get_logged_user", "doctype": "User", **named})
	answer = Api().raw(address, body, **JSON, **{"Stripe-Signature": signature(body)})
	assert (answer.status_code, answer.json()) == (200, {"message": {"received": True}})


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/x-www-form-urlencoded"])
def test_the_event_is_the_raw_body_whatever_it_is_called(
	address: str, payment: tuple[str, dict], kind: str
) -> None:
	_company, event = payment
	body = as_body({**event, "id": f"evt_{new_id()}", "type": "customer.updated"})
	answer = Api().raw(address, body, **{"Content-Type": kind, "Stripe-Signature": signature(body)})
	assert (answer.status_code, answer.json()) == (200, {"message": {"received": True}})


def test_a_valid_event_is_let_in_and_acted_on(address: str) -> None:
	company = make_company()
	_topup, events = paid_topup(company)
	body = as_body(events[-1])
	answer = Api().raw(address, body, **JSON, **{"Stripe-Signature": signature(body)})
	assert (answer.status_code, answer.json()) == (200, {"message": {"received": True}})
	assert balance(company) == 50


@pytest.mark.parametrize("changed", [{"livemode": True}, {"account": "acct_of_somebody"}], ids=str)
def test_what_is_of_another_mode_or_account_is_kept_and_has_no_effect(
	address: str, payment: tuple[str, dict], changed: dict
) -> None:
	company, event = payment
	event = {**event, "id": f"evt_{new_id()}", **changed}
	body = as_body(event)
	answer = Api().raw(address, body, **JSON, **{"Stripe-Signature": signature(body)})
	assert answer.status_code == 200
	assert balance(company) == 0
	assert frappe.db.get_value("Stripe Event", {"event_id": event["id"]}, "status") == "Ignored"


class TestSecretBeingRolled:
	"""Old and new secret stand side by side for as long as Stripe signs with either."""

	@pytest.fixture
	def event(self, payment: tuple[str, dict]) -> bytes:
		return as_body({**payment[1], "id": f"evt_{new_id()}", "type": "customer.updated"})

	@pytest.mark.parametrize("secret", ["whsec_old", "whsec_new"])
	def test_both_are_accepted(self, monkeypatch: pytest.MonkeyPatch, event: bytes, secret: str) -> None:
		monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_old whsec_new")
		webhook.receive(event, signature(event, secret))

	def test_a_header_with_both_signatures_is_accepted(
		self, monkeypatch: pytest.MonkeyPatch, event: bytes
	) -> None:
		monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_new")
		both = signature(event, "whsec_old") + "," + signature(event, "whsec_new").split(",")[1]
		webhook.receive(event, both)

	@pytest.mark.parametrize("secret", ["whsec_old", "", "whsec_old whsec_new"])
	def test_the_old_one_is_refused_afterwards(
		self, monkeypatch: pytest.MonkeyPatch, event: bytes, secret: str
	) -> None:
		monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_new")
		with pytest.raises(webhook.gateway.InvalidWebhook):
			webhook.receive(event, signature(event, secret))


@pytest.fixture
def three_places(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
	"""Every key in all of the three places."""
	settings = frappe.get_doc("Prepaid Billing Settings")
	settings.stripe_webhook_secret = "whsec_of_settings"
	settings.save()
	frappe.db.commit()
	monkeypatch.setitem(frappe.conf, "stripe_webhook_secret", "whsec_of_config")
	monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_of_environment")
	yield
	settings.reload()
	settings.stripe_webhook_secret = ""
	settings.save()
	frappe.db.commit()


def test_environment_beats_site_config_which_beats_the_settings(
	three_places: None, monkeypatch: pytest.MonkeyPatch
) -> None:
	assert keys.webhook_secrets() == ["whsec_of_environment"]
	monkeypatch.delenv("STRIPE_WEBHOOK_SECRET")
	assert keys.webhook_secrets() == ["whsec_of_config"]
	monkeypatch.delitem(frappe.conf, "stripe_webhook_secret")
	assert keys.webhook_secrets() == ["whsec_of_settings"]
