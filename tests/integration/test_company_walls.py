"""The wall between two companies: a user of one with every id of the other, at every method, page and record.

Staff whom User Permissions keep to one company meet the same wall as its customers.

A method or page without a row fails here. A row names the verb and the arguments that carry ids of the other company.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote

import frappe
import pytest
import requests
from frappe.permissions import add_user_permission

import prepaid_billing.api
from prepaid_billing.alerts import notices
from prepaid_billing.calls import session, usage_counts
from prepaid_billing.ledger import adjustments, checkpoints, clock, rows
from prepaid_billing.payments import issuing, refunds, topups
from prepaid_billing.permissions import CUSTOMER, MANAGER
from prepaid_billing.portal.settings import ACTIONS
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
from tests.inbox import Inbox
from tests.integration.test_settings_page import Portal
from tests.integration.test_topup import eventually
from tests.stripe_checkout import pay, simulate

WWW = Path(prepaid_billing.__file__).parent / "www"


@dataclass(frozen=True)
class Row:
	"""A method: its verb, its arguments with ids of the other company in braces, and how it answers a stranger."""

	verb: str
	arguments: dict[str, object] = field(default_factory=dict)
	statuses: tuple[int, ...] = (403, 404)
	staff: tuple[int, ...] = (403, 404)
	"""How it answers staff who may not see the company."""


COMPANY = {"company": "{company}"}
CALL = {"call_id": "{call}"}
METHODS: dict[str, tuple[Row, ...]] = {
	"balance.get": (Row("GET", COMPANY),),
	"balance.adjust": (Row("POST", {**COMPANY, "amount": "1", "reason": "x", "idempotency_key": "wall"}),),
	"balance.confirm_adjustment": (Row("POST", {"adjustment": "{adjustment}"}, staff=(422,)),),
	"balance.refuse_adjustment": (Row("POST", {"adjustment": "{adjustment}"}, staff=(422,)),),
	"calls.quote": (Row("GET", {**COMPANY, "duration_sec": 60}),),
	"calls.running": (Row("GET", COMPANY),),
	"calls.authorize": (Row("POST", {**COMPANY, **CALL}),),
	"calls.extend": (Row("POST", {**CALL, "used_seconds": 5, "request_number": 1}),),
	"calls.end": (Row("POST", {**CALL, "duration_sec": 5}),),
	"calls.release": (Row("POST", CALL),),
	"calls.record": (
		Row(
			"POST",
			{"cdrs": [{"call_id": "{call}", "company": "{company}", "duration_sec": 5}]},
			staff=(200,),
		),
	),
	"calls.refund": (Row("POST", {**CALL, "percent": 100, "reason": "Quality"}),),
	"calls.set_billable": (Row("POST", {**CALL, "billable": 0, "reason": "Quality"}),),
	"calls.resolve": (Row("POST", CALL),),
	"desk.calls": (Row("GET", staff=(200,)),),
	"desk.mails": (Row("GET", {"notices": "nobody,knows"}, staff=(200,)),),
	"desk.get_count": tuple(
		Row("GET", {"doctype": doctype, "filters": '{{"company": "{company}"}}'}, staff=(200,))
		for doctype in ("Balance Topup", "Billing Refund", "Billing Dispute")
	),
	"receipts.list": (Row("GET", COMPANY),),
	"receipts.download": (Row("GET", {"receipt": "{receipt}"}),),
	"stripe.webhook": (Row("POST", {"id": "evt_wall"}, (400,), (400,)),),
	"stripe.replay": (Row("POST", {"event": "{event}"}),),
	"stripe.settle": (Row("POST", {"event": "{event}", "reason": "x"}),),
	"stripe.accept_difference": (
		Row("POST", {"comparison": "x", "kind": "dispute", "stripe_id": "{dispute}", "reason": "x"}),
	),
	"topup.create": (Row("POST", {**COMPANY, "amount": "50"}),),
	"topup.cancel": (Row("POST", {"topup": "{open}"}), Row("POST", {"topup": "{topup}"})),
	"topup.offer": (Row("GET", {**COMPANY, "amount": "50"}),),
	"topup.status": (Row("GET", {"topup": "{topup}"}),),
	"topup.refund": (Row("POST", {"topup": "{topup}", "reason": "x", "idempotency_key": "wall"}),),
	"topup.refundable": (Row("GET", {"topup": "{topup}"}),),
	"topup.stop_refund": (Row("POST", {"refund": "{refund}"}),),
	"transactions.list": (Row("GET", COMPANY), Row("GET", {**COMPANY, "cursor": "3", "type": "Refund"})),
	"transactions.export": tuple(
		Row("GET", {**COMPANY, "format": flavour}) for flavour in ("csv", "excel", "pdf")
	),
	"usage.summary": (Row("GET", COMPANY),),
	"usage.export": tuple(Row("GET", {**COMPANY, "format": flavour}) for flavour in ("csv", "excel", "pdf")),
}
ROWS = [(method, row) for method, rows in METHODS.items() for row in rows]
PAGES = {
	"": ["?company={company}"],
	"/settings": ["?company={company}"],
	"/topup": ["?company={company}", "?company={company}&suggested=50"],
	"/topup/success": ["?session_id={session}"],
	"/topup/cancel": ["?topup={open}", "?topup={topup}"],
	"/transactions": [
		f"?company={{company}}{more}"
		for more in ("", "&view=entries", "&type=Refund", "&export=csv", "&export=excel", "&export=pdf")
	],
	"/usage": [
		f"?company={{company}}{more}"
		for more in ("", "&period=last_month", "&export=csv", "&export=excel", "&export=pdf")
	],
}
FORMS: dict[str, list[dict[str, str]]] = {
	"": [
		*({"action": action, "invitation": "{invitation}"} for action in ("accept", "decline")),
		{"action": "read", "newest": "none"},
	],
	"/settings": [
		{"action": "threshold", "threshold": "1"},
		{"action": "mails", "recipients": "thief@example.com"},
		{"action": "company", "vat_id": "DE1"},
		{"action": "invite", "email": "thief@example.com"},
		{"action": "withdraw", "invitation": "{invitation}"},
		{"action": "user", "user": "{user}", "is_owner": "1"},
		{"action": "remove", "user": "{user}"},
		{"action": "own_mails", "gets_warnings": "1"},
	],
	"/topup/cancel": [{"action": ""}],
	"/topup": [{"action": "", "amount": "50", "key": "0" * 20}],
}
"""Pages that take forms, with those that would change something."""
OF_BALANCE = "Balance Transaction"
"""What belongs to a company by its balance."""
OF_ANOTHER = {"Stripe Event": "event", "Stripe Event Payload": "payload"}
"""What names no company and tells of one all the same, by the id that names it."""
IN_BACKGROUND = ("Billing Notice",)
"""What jobs go on with while a test looks."""


def records() -> list[str]:
	"""Every kind of record that belongs to a company or tells of one."""
	names = {"fieldtype": "Link", "options": ["in", ("Billing Company", "Prepaid Balance")]}
	kinds = frappe.get_all("DocField", names, pluck="parent")
	own = {"name": ["in", kinds], "module": "Prepaid Billing", "istable": 0}
	return ["Billing Company", *frappe.get_all("DocType", own, pluck="name"), *OF_ANOTHER]


def key_of(doctype: str) -> str:
	"""The column of a kind of record that names the company."""
	return {"Billing Company": "name", OF_BALANCE: "balance"}.get(doctype, "company")


class Walled:
	"""A company with one of everything, and the words that would betray it."""

	def __init__(self) -> None:
		address = f"{new_id('secret')}@example.com"
		self.company = make_company("77.77", billing_emails=address)
		call, ended = new_id(), new_id()
		for one in (call, ended):
			session.authorize(one, self.company, callee="+49 30 555 9999")
		session.end(ended, 60)
		topup, disputed_one = (self._paid() for _number in range(2))
		issuing.issue_missing()
		simulate("disputes", payment_intent=disputed_one.payment_intent_id)
		refund = refunds.request(topup.name, Decimal("6.66"), "wall", new_id())["refund"]
		waiting = adjustments.adjust(self.company, Decimal("777.77"), "wall", new_id())
		open_one = topups.create(self.company, Decimal("66.66"))["topup"]
		user, _password = make_customer(self.company)
		Portal(*make_customer(self.company, is_owner=True)).post("invite", email=make_user(CUSTOMER))
		eventually(lambda: bool(frappe.db.exists("Billing Dispute", {"company": self.company})))
		site.fresh()
		self._fill()
		own = {"company": self.company}
		event = frappe.db.get_value("Stripe Event", {"topup": ("in", [topup.name, disputed_one.name])})
		self.ids = {
			"company": self.company,
			"call": call,
			"topup": topup.name,
			"open": open_one,
			"session": topup.checkout_session_id,
			"receipt": topups.find(topup.name).receipt,
			"refund": refund,
			"dispute": frappe.db.get_value("Billing Dispute", own),
			"event": event,
			"payload": frappe.db.get_value("Stripe Event Payload", {"stripe_event": event}),
			"entry": frappe.db.get_value("Balance Transaction", {"balance": self.company}),
			"adjustment": waiting.name,
			"invitation": frappe.db.get_value("Billing Invitation", own),
			"user": user,
		}
		assert all(self.ids.values()), self.ids
		self.secrets = ["77.77", "66.66", "777.77", "555 9999", address]

	def _paid(self) -> frappe._dict:
		begun = topups.create(self.company, Decimal("66.66"))
		pay(begun["checkout_url"])
		topups.refresh(begun["topup"])
		site.fresh()
		return topups.find(begun["topup"])

	def _fill(self) -> None:
		"""Have the rows that jobs and staff write."""
		usage_counts._bring_forward(self.company)
		with pytest.MonkeyPatch.context() as patch:
			patch.setattr(checkpoints, "EVERY", 2)
			checkpoints.bring_forward()
		told = {
			"company": self.company,
			"level": "Low",
			"status": "Sent",
			"currency": "EUR",
			"available": "77.77",
		}
		rows.insert("Low Balance Warning", clock.now_us(), {"name": new_id("warning"), **told})
		frappe.db.commit()
		notices.tell()

	def record(self, doctype: str) -> str | None:
		"""Return the id of a record of this company."""
		if doctype in OF_ANOTHER:
			return self.ids[OF_ANOTHER[doctype]]
		return frappe.db.get_value(doctype, {key_of(doctype): self.company})

	def state(self) -> dict[str, list]:
		"""Everything that a stranger might have changed."""
		site.fresh()
		kinds = {*records(), "Billing Company User"} - {*OF_ANOTHER, *IN_BACKGROUND}
		return {
			kind: frappe.db.sql(
				f"SELECT * FROM `tab{kind}` WHERE `{'parent' if kind == 'Billing Company User' else key_of(kind)}` = %s ORDER BY name",
				(self.company,),
				as_dict=True,
			)
			for kind in kinds
		}


MISSING = {
	**dict.fromkeys(
		("call", "topup", "open", "receipt", "refund", "dispute", "event", "entry", "adjustment"), "none"
	),
	"company": "Nobody",
	"session": "cs_none",
	"invitation": "none",
	"user": "nobody@example.com",
}


def filled(value: object, ids: dict[str, str]) -> object:
	"""Put ids into arguments."""
	if isinstance(value, str):
		return value.format(**ids)
	if isinstance(value, list):
		return [filled(item, ids) for item in value]
	return {key: filled(item, ids) for key, item in value.items()} if isinstance(value, dict) else value


@pytest.fixture(scope="module")
def walled(inbox: Inbox) -> Walled:
	"""The other company, whose mails have where to go."""
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
def kept_staff() -> Api:
	"""A manager whom User Permissions keep to one company, which is another one."""
	email = make_user(MANAGER)
	add_user_permission("Billing Company", make_company("5"), email)
	frappe.db.commit()
	return Api(api_key_of(email))


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


def test_every_form_of_the_settings_has_a_row() -> None:
	assert {form["action"] for form in FORMS["/settings"]} == set(ACTIONS)


def pages_of_the_product() -> set[str]:
	base = WWW / "business" / "billing"
	return {
		f"/{path.relative_to(base).with_suffix('')}".removesuffix("/index").removesuffix("/.")
		for path in base.rglob("*.py")
		if path.name != "__init__.py"
	}


def test_every_page_has_a_row() -> None:
	assert pages_of_the_product() == set(PAGES)


def name_of(item: object) -> str:
	return item if isinstance(item, str) else str(item.arguments)[:60]


@pytest.mark.parametrize(("method", "row"), ROWS, ids=name_of)
def test_a_method_tells_a_stranger_nothing_and_does_nothing(
	walled: Walled, stranger: Api, method: str, row: Row
) -> None:
	before = walled.state()
	answer = ask(stranger, method, row, walled.ids)
	assert answer.status_code in row.statuses, answer.text
	assert answer.text == ask(stranger, method, row, MISSING).text
	assert not [secret for secret in walled.secrets if secret in answer.text]
	assert walled.state() == before


@pytest.mark.parametrize(("method", "row"), ROWS, ids=name_of)
def test_a_method_tells_staff_of_another_company_nothing_and_does_nothing(
	walled: Walled, kept_staff: Api, method: str, row: Row
) -> None:
	before = walled.state()
	answer = ask(kept_staff, method, row, walled.ids)
	assert answer.status_code in row.staff, answer.text
	told = answer.text.replace(walled.ids["call"], "none")
	told = re.sub(r'"now":"[^"]+"', "", told)
	assert told == re.sub(r'"now":"[^"]+"', "", ask(kept_staff, method, row, MISSING).text)
	assert not [secret for secret in walled.secrets if secret in answer.text]
	assert walled.state() == before


@pytest.mark.parametrize("method", METHODS)
def test_a_method_asks_a_guest_to_log_in(walled: Walled, guest: Api, method: str) -> None:
	for row in METHODS[method]:
		answer = ask(guest, method, row, walled.ids)
		assert answer.status_code == (400 if method == "stripe.webhook" else 401), answer.text


def test_a_record_is_shown_by_frappes_own_api_to_nobody_of_another_company(
	walled: Walled, stranger: Api, kept_staff: Api, guest: Api
) -> None:
	for doctype in records():
		name = walled.record(doctype)
		assert name, f"the other company has no {doctype}"
		for api in (stranger, kept_staff, guest):
			url = f"{site.WEB_URL}/api/resource/{doctype}"
			listed = api.session.get(f'{url}?fields=["*"]&limit_page_length=500', timeout=30)
			read = api.session.get(f"{url}/{name}", timeout=30)
			assert read.status_code in (401, 403, 404), (doctype, read.text)
			assert not [word for word in walled.secrets if word in read.text], doctype
			assert not [word for word in (*walled.secrets, walled.company) if word in listed.text], doctype


def test_what_is_about_all_companies_is_shown_to_nobody_who_is_kept_to_some(
	kept_staff: Api, connection: None
) -> None:
	everybody = Api(api_key_of(make_user(MANAGER)))
	now_us = clock.now_us()
	for doctype, columns in {
		"Billing Reconciliation": {"status": "Different", "findings": "begun here for Another Company"},
		"Accepted Difference": {"kind": "payment", "stripe_id": "pi_wall", "reason": "Another Company"},
	}.items():
		name = new_id("wall")
		rows.insert(doctype, now_us, {"name": name, **columns})
		frappe.db.commit()
		url = f"{site.WEB_URL}/api/resource/{doctype}"
		try:
			for api, sees in ((everybody, True), (kept_staff, False)):
				listed = api.session.get(f'{url}?fields=["*"]&limit_page_length=500', timeout=30)
				read = api.session.get(f"{url}/{name}", timeout=30)
				assert (name in listed.text, read.status_code == 200) == (sees, sees), (doctype, read.text)
		finally:
			frappe.db.delete(doctype, {"name": name})
			frappe.db.commit()


def test_the_short_address_of_the_webhook_takes_signed_events_alone(stranger: Api, guest: Api) -> None:
	for api in (stranger, guest):
		answer = api.raw("/api/stripe/webhook", b'{"id": "evt_wall"}', **{"Content-Type": "application/json"})
		assert answer.status_code == 400


@pytest.mark.parametrize("page", PAGES)
def test_a_page_tells_a_stranger_nothing_and_does_nothing(walled: Walled, browser: Portal, page: str) -> None:
	before = walled.state()
	for query in PAGES[page]:
		path = f"/business/billing{page}{query}"
		answer, missing = (browser.get(path.format(**ids)) for ids in (walled.ids, MISSING))
		assert answer.status_code == missing.status_code == 404, path
		assert not [secret for secret in walled.secrets if secret in answer.text], path
	path = f"/business/billing{page}{PAGES[page][0]}"
	for form in FORMS.get(page, []):
		answer = browser.post(path=path.format(**walled.ids), **filled(form, walled.ids))
		assert answer.status_code == (422 if "invitation" in form and page == "" else 404), form
		assert not [secret for secret in walled.secrets if secret in answer.text], form
	assert walled.state() == before


def test_who_may_only_look_finds_no_form_in_the_settings_but_the_one_for_their_own_mails() -> None:
	page = Portal(*make_customer(make_company(), may_top_up=False)).get("/business/billing/settings").text
	assert re.findall(r'name="action" value="(\w+)"', page) == ["own_mails"]


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
