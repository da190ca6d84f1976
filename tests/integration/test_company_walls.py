"""The wall between two companies: a user of one with every id of the other, at every method and every page.

A method or page without a row fails here. A row names the verb and the arguments that carry ids of the other company.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote

import frappe
import pytest
import requests

import prepaid_billing.api
from prepaid_billing.calls import session
from prepaid_billing.payments import issuing, topups
from prepaid_billing.permissions import CUSTOMER
from tests import site
from tests.client import Api
from tests.factories import (
	api_key_of,
	join_company,
	make_api_customer,
	make_company,
	make_customer,
	make_user,
	new_id,
)
from tests.integration.test_settings_page import Portal
from tests.stripe_checkout import pay

WWW = Path(prepaid_billing.__file__).parent / "www"


@dataclass(frozen=True)
class Row:
	"""A method: its verb, its arguments with ids of the other company in braces, and how it answers a stranger."""

	verb: str
	arguments: dict[str, object] = field(default_factory=dict)
	statuses: tuple[int, ...] = (403, 404)


COMPANY = {"company": "{company}"}
CALL = {"call_id": "{call}"}
METHODS = {
	"balance.get": Row("GET", COMPANY),
	"balance.adjust": Row("POST", {**COMPANY, "amount": "1", "reason": "x", "idempotency_key": "wall"}),
	"balance.confirm_adjustment": Row("POST", {"adjustment": "{topup}"}),
	"balance.refuse_adjustment": Row("POST", {"adjustment": "{topup}"}),
	"calls.quote": Row("GET", {**COMPANY, "duration_sec": 60}),
	"calls.running": Row("GET", COMPANY),
	"calls.authorize": Row("POST", {**COMPANY, **CALL}),
	"calls.extend": Row("POST", {**CALL, "used_seconds": 5, "request_number": 1}),
	"calls.end": Row("POST", {**CALL, "duration_sec": 5}),
	"calls.release": Row("POST", CALL),
	"calls.record": Row("POST", {"cdrs": [{"call_id": "{call}", "company": "{company}", "duration_sec": 5}]}),
	"calls.refund": Row("POST", {**CALL, "percent": 100, "reason": "Quality"}),
	"calls.set_billable": Row("POST", {**CALL, "billable": 0, "reason": "Quality"}),
	"calls.resolve": Row("POST", CALL),
	"desk.calls": Row("GET"),
	"desk.get_count": Row("GET", {"doctype": "Balance Topup", "filters": '{{"company": "{company}"}}'}),
	"receipts.list": Row("GET", COMPANY),
	"receipts.download": Row("GET", {"receipt": "{receipt}"}),
	"stripe.webhook": Row("POST", {"id": "evt_wall"}, (400,)),
	"stripe.replay": Row("POST", {"event": "{topup}"}),
	"topup.create": Row("POST", {**COMPANY, "amount": "50"}),
	"topup.cancel": Row("POST", {"topup": "{topup}"}),
	"topup.offer": Row("GET", {**COMPANY, "amount": "50"}),
	"topup.status": Row("GET", {"topup": "{topup}"}),
	"topup.refund": Row("POST", {"topup": "{topup}", "reason": "x", "idempotency_key": "wall"}),
	"topup.refundable": Row("GET", {"topup": "{topup}"}),
	"transactions.list": Row("GET", COMPANY),
	"transactions.export": Row("GET", {**COMPANY, "format": "csv"}),
	"usage.summary": Row("GET", COMPANY),
	"usage.export": Row("GET", {**COMPANY, "format": "csv"}),
}
PAGES = {
	"": ["?company={company}"],
	"/settings": ["?company={company}"],
	"/topup": ["?company={company}", "?company={company}&suggested=50"],
	"/topup/success": ["?session_id={session}"],
	"/topup/cancel": ["?topup={topup}"],
	"/transactions": ["?company={company}", "?company={company}&view=entries"],
	"/usage": ["?company={company}", "?company={company}&period=last_month"],
}
FORMS = {
	"/settings": {"action": "threshold", "threshold": "1"},
	"/topup": {"action": "", "amount": "50", "key": "0" * 20},
}
"""Pages that take a form, with one that would change something."""


class Walled:
	"""A company with one of everything, and the words that would betray it."""

	def __init__(self) -> None:
		address = f"{new_id('secret')}@example.com"
		self.company = make_company("77.77", billing_emails=address)
		call = new_id()
		session.authorize(call, self.company, callee="+49 30 555 9999")
		topup = topups.create(self.company, Decimal("66.66"))
		pay(topup["checkout_url"])
		topups.refresh(topup["topup"])
		issuing.issue_missing()
		site.fresh()
		row = topups.find(topup["topup"])
		self.ids = {
			"company": self.company,
			"call": call,
			"topup": row.name,
			"session": row.checkout_session_id,
			"receipt": row.receipt,
		}
		self.secrets = ["77.77", "66.66", "144.01", "144.43", "555 9999", address]

	def state(self) -> list:
		"""Everything that a stranger might have changed."""
		site.fresh()
		counted = [
			frappe.db.count(doctype, {"company": self.company})
			for doctype in (
				"Call Charge",
				"Balance Topup",
				"Billing Refund",
				"Balance Adjustment",
				"Billing Receipt",
			)
		]
		balance = frappe.db.get_value(
			"Prepaid Balance", self.company, ["balance", "reserved_balance", "low_balance_threshold"]
		)
		return [counted, balance, frappe.get_doc("Billing Company", self.company).as_dict()]


MISSING = {"company": "Nobody", "call": "none", "topup": "none", "session": "cs_none", "receipt": "none"}


def filled(value: object, ids: dict[str, str]) -> object:
	"""Put ids into arguments."""
	if isinstance(value, str):
		return value.format(**ids)
	if isinstance(value, list):
		return [filled(item, ids) for item in value]
	return {key: filled(item, ids) for key, item in value.items()} if isinstance(value, dict) else value


@pytest.fixture(scope="module")
def walled() -> Walled:
	"""The other company."""
	return Walled()


@pytest.fixture(scope="module")
def stranger() -> Api:
	"""Somebody with every right at a company, which is another one."""
	company = make_company("5")
	key = make_api_customer(company)
	frappe.db.set_value("Billing Company User", {"parent": company}, "is_owner", 1)
	frappe.db.commit()
	return Api(key)


@pytest.fixture(scope="module")
def browser() -> Portal:
	"""The same, at the pages."""
	return Portal(*make_customer(make_company("5"), is_owner=True))


def ask(api: Api, method: str, row: Row, ids: dict[str, str]) -> requests.Response:
	arguments = filled(row.arguments, ids)
	return (api.get if row.verb == "GET" else api.post)(method, **arguments)


def methods_of_the_product() -> Iterator[str]:
	for module in pkgutil.iter_modules(prepaid_billing.api.__path__):
		importlib.import_module(f"prepaid_billing.api.{module.name}")
	for function in frappe.whitelisted:
		if function.__module__.startswith("prepaid_billing.api."):
			yield f"{function.__module__.rsplit('.', 1)[1]}.{function.__name__}"


def test_every_method_has_a_row() -> None:
	assert set(methods_of_the_product()) == set(METHODS)


def test_every_page_has_a_row() -> None:
	base = WWW / "business" / "billing"
	pages = {
		f"/{path.relative_to(base).with_suffix('')}".removesuffix("/index").removesuffix("/.")
		for path in base.rglob("*.py")
		if path.name != "__init__.py"
	}
	assert pages == set(PAGES)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_tells_a_stranger_nothing_and_does_nothing(
	walled: Walled, stranger: Api, method: str
) -> None:
	before = walled.state()
	answer = ask(stranger, method, METHODS[method], walled.ids)
	assert answer.status_code in METHODS[method].statuses, answer.text
	assert answer.text == ask(stranger, method, METHODS[method], MISSING).text
	assert not [secret for secret in walled.secrets if secret in answer.text]
	assert walled.state() == before


@pytest.mark.parametrize("method", METHODS)
def test_a_method_asks_a_guest_to_log_in(walled: Walled, guest: Api, method: str) -> None:
	answer = ask(guest, method, METHODS[method], walled.ids)
	assert answer.status_code == (400 if method == "stripe.webhook" else 401), answer.text


@pytest.mark.parametrize("page", PAGES)
def test_a_page_tells_a_stranger_nothing_and_does_nothing(walled: Walled, browser: Portal, page: str) -> None:
	before = walled.state()
	for query in PAGES[page]:
		path = f"/business/billing{page}{query}"
		answers = [browser.get(path.format(**walled.ids))]
		missing = browser.get(path.format(**MISSING))
		if page in FORMS:
			answers.append(browser.post(path=path.format(**walled.ids), **FORMS[page]))
		for answer in answers:
			assert answer.status_code == missing.status_code == 404
			assert not [secret for secret in walled.secrets if secret in answer.text]
	assert walled.state() == before


@pytest.mark.parametrize("page", PAGES)
def test_a_page_sends_a_guest_to_the_login_and_back(page: str) -> None:
	path = f"/business/billing{page}?company=Example"
	answer = requests.get(
		f"{site.WEB_URL}{path}",
		headers={"Host": site.SITE_URL.split("//")[1]},
		timeout=30,
		allow_redirects=False,
	)
	assert answer.status_code == 303
	assert unquote(answer.headers["Location"]) == f"/login?redirect-to={path}"


def test_who_may_only_look_cannot_top_up_by_any_road() -> None:
	company = make_company("5")
	looker = Api(make_api_customer(company, may_top_up=False))
	assert looker.post("topup.create", amount="50").status_code == 403
	email, password = make_customer(company)
	portal = Portal(email, password)
	token = portal.token()
	frappe.db.set_value("Billing Company User", {"parent": company, "user": email}, "may_top_up", 0)
	frappe.db.commit()
	assert portal.get("/business/billing/topup").status_code == 403
	form = {"amount": "50", "csrf_token": token}
	answer = portal.session.post(
		f"{site.WEB_URL}/business/billing/topup", data=form, timeout=30, allow_redirects=False
	)
	assert answer.status_code == 403 and token
	site.fresh()
	assert frappe.db.count("Balance Topup", {"company": company}) == 0


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_closed_to_the_api_key_of_a_disabled_user(walled: Walled, page: str) -> None:
	email = make_user(CUSTOMER)
	join_company(email, walled.company, may_top_up=True, is_owner=True)
	api = Api(api_key_of(email))
	path = f"{site.WEB_URL}/business/billing{PAGES[page][0].format(**walled.ids)}"
	path = path.replace("/business/billing", f"/business/billing{page}", 1)
	assert api.session.get(path, timeout=30, allow_redirects=False).status_code == 200
	frappe.db.set_value("User", email, "enabled", 0)
	frappe.db.commit()
	answer = api.session.get(path, timeout=30, allow_redirects=False)
	assert answer.status_code == 401
	assert not [secret for secret in walled.secrets if secret in answer.text]
