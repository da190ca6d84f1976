"""The books are append-only: by no road that Frappe gives a person is a record of money changed, renamed or removed.

Each road is tried on each kind of record by Administrator and by a manager, over HTTP where it has a door there.
That the roads are real is shown on a record that is nobody's money.
"""

import json
from collections.abc import Callable

import frappe
import pytest
import requests
from frappe.core.doctype.data_import.importer import Importer
from frappe.model.rename_doc import rename_doc

from prepaid_billing.calls import session
from prepaid_billing.payments import issuing, topups
from prepaid_billing.permissions import MANAGER, STAFF
from tests import factories, site
from tests.client import Api
from tests.factories import make_company, make_user, new_id
from tests.integration.test_refunds import paid

FORGED: dict[str, dict[str, object]] = {
	"Balance Transaction": {"amount": 1, "balance_after": 1, "description": "forged", "actor": "Guest"},
	"Call Charge": {"amount": 0, "reserved_amount": 0, "status": "Released", "company": ""},
	"Prepaid Balance": {
		"balance": 1_000_000,
		"available": 1_000_000,
		"reserved_balance": 0,
		"last_sequence": 9,
		"last_hash": "",
		"currency": "USD",
	},
	"Balance Topup": {
		"credited": 1000,
		"amount_paid": 1000,
		"status": "Paid",
		"payment_intent_id": "pi_forged",
	},
	"Balance Adjustment": {"amount": 1, "status": "Booked"},
	"Billing Receipt": {"gross": 1, "net": 1, "tax": 0, "buyer_name": "forged", "receipt_number": "forged"},
}
OURS = tuple(FORGED)
HARMLESS = "Print Heading"


class Road:
	"""Frappe's doors to a record, for one person."""

	def __init__(self, authorization: str, doctype: str, name: str, values: dict[str, object]) -> None:
		self.api, self.doctype, self.name, self.values = Api(authorization), doctype, name, values
		self.json = json.loads(frappe.get_doc(doctype, name).as_json())

	def changed(self, **more: object) -> dict[str, object]:
		return {**self.json, **self.values, **more}

	def copy(self, **more: object) -> dict[str, object]:
		unique = {
			"idempotency_key": new_id(),
			"call_id": new_id(),
			"print_heading": new_id(),
			"payment_intent_id": None,
			"receipt_number": new_id(),
			"document_key": new_id(),
			"sequence": 999_999,
		}
		copied = {**self.changed(name=None, __islocal=1, **more), **unique}
		return {key: value for key, value in copied.items() if key in self.json or key in more}

	def call(self, path: str, **arguments: object) -> requests.Response:
		return self.send("POST", f"/api/method/{path}", arguments)

	def resource(self, verb: str, body: object = None, to_list: bool = False) -> requests.Response:
		return self.send(verb, f"/api/resource/{self.doctype}{'' if to_list else '/' + self.name}", body)

	def own_method(self, method: str, **arguments: object) -> requests.Response:
		return self.call(
			"run_doc_method", dt=self.doctype, dn=self.name, method=method, args=json.dumps(arguments)
		)

	def send(self, verb: str, path: str, body: object) -> requests.Response:
		return self.api.session.request(verb, site.WEB_URL + path, json=body, timeout=30)


def save_form(road: Road, action: str, **more: object) -> requests.Response:
	return road.call("frappe.desk.form.save.savedocs", doc=json.dumps(road.changed(**more)), action=action)


def in_bulk(road: Road, action: str) -> requests.Response:
	return road.call(
		"frappe.desk.doctype.bulk_update.bulk_update.submit_cancel_or_update_docs",
		doctype=road.doctype,
		docnames=json.dumps([road.name]),
		action=action,
		data=json.dumps(road.values),
	)


def submit_then_cancel(road: Road) -> requests.Response:
	road.resource("PUT", {"docstatus": 1})
	return road.resource("PUT", {"docstatus": 2, **road.values})


# road: whether it has an effect on a record that is nobody's money
ROADS: dict[str, tuple[Callable[[Road], requests.Response], bool]] = {
	"desk: save": (lambda r: save_form(r, "Save"), True),
	"desk: submit": (lambda r: save_form(r, "Submit"), True),
	"desk: cancel": (lambda r: r.call("frappe.desk.form.save.cancel", doctype=r.doctype, name=r.name), False),
	"desk: save as cancelled": (lambda r: save_form(r, "Cancel"), False),
	"desk: new": (
		lambda r: r.call("frappe.desk.form.save.savedocs", doc=json.dumps(r.copy()), action="Save"),
		True,
	),
	"desk: amend": (
		lambda r: r.call(
			"frappe.desk.form.save.savedocs", doc=json.dumps(r.copy(amended_from=r.name)), action="Save"
		),
		False,
	),
	"desk: new title": (
		lambda r: r.call(
			"frappe.model.rename_doc.update_document_title", doctype=r.doctype, docname=r.name, title="x"
		),
		False,
	),
	"desk: new name": (
		lambda r: r.call(
			"frappe.model.rename_doc.update_document_title", doctype=r.doctype, docname=r.name, name=new_id()
		),
		True,
	),
	"desk: delete from the list": (
		lambda r: r.call(
			"frappe.desk.reportview.delete_items", doctype=r.doctype, items=json.dumps([r.name])
		),
		True,
	),
	"desk: bulk edit": (lambda r: in_bulk(r, "update"), True),
	"desk: bulk submit": (lambda r: in_bulk(r, "submit"), True),
	"desk: bulk cancel": (lambda r: in_bulk(r, "cancel"), False),
	"resource: PUT": (lambda r: r.resource("PUT", r.values), True),
	"resource: PUT as submitted": (lambda r: r.resource("PUT", {**r.values, "docstatus": 1}), True),
	"resource: PUT as submitted, then cancelled": (submit_then_cancel, True),
	"resource: POST": (lambda r: r.resource("POST", r.copy(), to_list=True), True),
	"resource: POST with flags": (
		lambda r: r.resource("POST", r.copy(flags={"ignore_permissions": True}), to_list=True),
		True,
	),
	"resource: DELETE": (lambda r: r.resource("DELETE"), True),
	"resource: run_method": (
		lambda r: r.resource("POST", {"run_method": "rename", "name": new_id(), "validate_rename": False}),
		True,
	),
	"client: insert": (lambda r: r.call("frappe.client.insert", doc=r.copy()), True),
	"client: insert_many": (lambda r: r.call("frappe.client.insert_many", docs=json.dumps([r.copy()])), True),
	"client: save": (lambda r: r.call("frappe.client.save", doc=r.changed()), True),
	"client: set_value": (
		lambda r: r.call("frappe.client.set_value", doctype=r.doctype, name=r.name, fieldname=r.values),
		True,
	),
	"client: bulk_update": (
		lambda r: r.call(
			"frappe.client.bulk_update",
			docs=json.dumps([{"doctype": r.doctype, "docname": r.name, **r.values}]),
		),
		True,
	),
	"client: submit": (lambda r: r.call("frappe.client.submit", doc=r.changed()), True),
	"client: cancel": (lambda r: r.call("frappe.client.cancel", doctype=r.doctype, name=r.name), False),
	"client: delete": (lambda r: r.call("frappe.client.delete", doctype=r.doctype, name=r.name), True),
	"client: rename": (
		lambda r: r.call("frappe.client.rename_doc", doctype=r.doctype, old_name=r.name, new_name=new_id()),
		True,
	),
	"method: rename without validation": (
		lambda r: r.own_method("rename", name=new_id(), validate_rename=False, force=True),
		True,
	),
	"method: submit": (lambda r: r.own_method("submit"), True),
	"method: cancel": (lambda r: r.own_method("cancel"), False),
}


@pytest.fixture(scope="module")
def people(connection: None) -> dict[str, str]:
	"""The API keys of Administrator and of a manager."""
	frappe.set_user("Administrator")
	return {
		"Administrator": factories.api_key_of("Administrator"),
		"manager": factories.api_key_of(factories.make_user(MANAGER)),
	}


@pytest.fixture(scope="module")
def books(people: dict[str, str]) -> dict[str, str]:
	"""A company with one record of each kind, by doctype."""
	company, call, open_call = make_company("100"), new_id(), new_id()
	session.authorize(call, company)
	session.end(call, 10)
	session.authorize(open_call, company)
	manager = Api(people["manager"])
	_company, paid_topup = paid("50", company)
	issuing.issue_missing()
	site.fresh()
	waits = {"company": company, "amount": "501", "reason": "goodwill", "idempotency_key": new_id()}
	return {
		"Balance Transaction": frappe.db.get_value(
			"Balance Transaction", {"balance": company, "sequence": 2}
		),
		"Call Charge": frappe.db.get_value("Call Charge", {"call_id": open_call}),
		"Prepaid Balance": company,
		"Balance Topup": manager.ok("topup.create", company=company, amount="50")["topup"],
		"Balance Adjustment": manager.post("balance.adjust", **waits).json()["message"]["adjustment"],
		"Billing Receipt": topups.find(paid_topup.name).receipt,
	}


def picture(company: str) -> dict[str, list]:
	"""Everything that stands in the database about the money of a company."""
	site.fresh()
	money = (
		"name, company, docstatus, balance, reserved_balance, available, last_sequence, last_hash, currency"
	)
	queries = {
		"Balance Transaction": "SELECT * FROM `tabBalance Transaction` WHERE balance = %s OR actor = 'Guest' ORDER BY name",
		"Prepaid Balance": f"SELECT {money} FROM `tabPrepaid Balance` WHERE company = %s",
		"Billing Company": "SELECT name, company_name FROM `tabBilling Company` WHERE name = %s",
		**{
			doctype: f"SELECT * FROM `tab{doctype}` WHERE company IN (%s, '') ORDER BY name"
			for doctype in ("Call Charge", "Balance Topup", "Balance Adjustment", "Billing Receipt")
		},
	}
	return {doctype: frappe.db.sql(query, (company,)) for doctype, query in queries.items()}


@pytest.mark.parametrize("person", ["Administrator", "manager"])
@pytest.mark.parametrize("doctype", OURS)
def test_no_road_changes_the_books(books: dict, people: dict, doctype: str, person: str) -> None:
	before = picture(books["Prepaid Balance"])
	open_roads = []
	for title, (go, _effect) in ROADS.items():
		answer = go(Road(people[person], doctype, books[doctype], FORGED[doctype]))
		after = picture(books["Prepaid Balance"])
		if after != before:
			open_roads.append((title, answer.status_code, answer.text[-300:]))
			break
	assert open_roads == []


def heading() -> str:
	name = frappe.get_doc({"doctype": HARMLESS, "print_heading": new_id("Heading")}).insert().name
	frappe.db.commit()
	return name


def headings() -> tuple:
	site.fresh()
	return frappe.db.sql(
		f"SELECT name, print_heading, description, docstatus FROM `tab{HARMLESS}` ORDER BY name"
	)


def test_the_roads_are_real(people: dict) -> None:
	dead = []
	for title, (go, has_effect) in ROADS.items():
		road = Road(people["Administrator"], HARMLESS, heading(), {"description": new_id()})
		before = headings()
		answer = go(road)
		if (headings() != before) != has_effect:
			dead.append((title, answer.status_code, answer.text[-300:]))
	frappe.db.delete(HARMLESS, {"description": ["like", "call-%"]})
	frappe.db.delete(HARMLESS, {"name": ["like", "call-%"]})
	frappe.db.delete(HARMLESS, {"name": ["like", "Heading-%"]})
	frappe.db.commit()
	assert dead == []


def test_no_force_deletes_or_renames_a_record(books: dict) -> None:
	before = picture(books["Prepaid Balance"])
	for doctype, name in {**books, "Billing Company": books["Prepaid Balance"]}.items():
		with pytest.raises(frappe.PermissionError):
			frappe.delete_doc(doctype, name, force=True, ignore_permissions=True)
		with pytest.raises(frappe.PermissionError):
			frappe.get_doc(doctype, name).delete(ignore_permissions=True, force=True)
		with pytest.raises(frappe.PermissionError):
			rename_doc(doctype, name, new_id(), force=True, ignore_permissions=True)
	assert picture(books["Prepaid Balance"]) == before


@pytest.mark.parametrize("kind", ["Insert New Records", "Update Existing Records"])
@pytest.mark.parametrize("doctype", OURS)
def test_data_import_brings_nothing_in(books: dict, doctype: str, kind: str) -> None:
	before = picture(books["Prepaid Balance"])
	inserted = kind.startswith("Insert")
	row = new_row(doctype, books[doctype]) if inserted else {"name": books[doctype], **FORGED[doctype]}
	saved = doctype == "Prepaid Balance" and not inserted  # a form, whose money is ignored
	assert import_row(doctype, kind, row) == [int(saved)]
	assert picture(books["Prepaid Balance"]) == before


def test_data_import_is_real() -> None:
	assert import_row(HARMLESS, "Insert New Records", {"print_heading": new_id("Heading")}) == [1]
	values = {"name": heading(), "description": "imported"}
	assert import_row(HARMLESS, "Update Existing Records", values) == [1]


def new_row(doctype: str, name: str) -> dict[str, object]:
	"""What a new record like this one needs, with forged money."""
	copied = Road("", doctype, name, {}).copy()
	forged = {key: value for key, value in FORGED[doctype].items() if value}
	needed = {field.fieldname for field in frappe.get_meta(doctype).fields if field.reqd} | {
		"idempotency_key"
	}
	return {key: value for key, value in {**copied, **forged}.items() if key in needed | forged.keys()}


def import_row(doctype: str, kind: str, row: dict[str, object]) -> list[int]:
	"""Import one row as Data Import does; return what its log says of each row, 1 for success."""
	meta = frappe.get_meta(doctype)
	fields = {
		key: value
		for key, value in row.items()
		if value is not None and (key == "name" or meta.has_field(key))
	}
	labels = ["ID" if key == "name" else meta.get_field(key).label for key in fields]
	rows = "\n".join(",".join(f'"{value}"' for value in line) for line in (labels, fields.values()))
	file = frappe.get_doc(
		{"doctype": "File", "file_name": f"{new_id()}.csv", "content": rows, "is_private": 1}
	).insert()
	data_import = frappe.get_doc(
		{
			"doctype": "Data Import",
			"reference_doctype": doctype,
			"import_type": kind,
			"import_file": file.file_url,
			"mute_emails": 1,
		}
	).insert()
	frappe.db.commit()
	Importer(doctype, data_import=data_import).import_data()
	frappe.flags.in_import = False
	site.fresh()
	return frappe.get_all("Data Import Log", {"data_import": data_import.name}, pluck="success")


def test_renaming_the_person_who_booked_changes_no_entry(people: dict) -> None:
	person = make_user("System Manager")
	frappe.set_user(person)
	company = make_company("10")
	frappe.set_user("Administrator")
	name = frappe.db.get_value("Balance Transaction", {"balance": company}, "actor")
	frappe.rename_doc("User", person, f"other-{person}")
	frappe.db.commit()
	site.fresh()
	assert (name, frappe.db.get_value("Balance Transaction", {"balance": company}, "actor")) == (
		person,
		person,
	)
	assert frappe.db.count("Balance Transaction", {"balance": company}) == 1


@pytest.mark.parametrize("validate", [True, False])
def test_a_currency_that_balances_are_kept_in_keeps_its_name(validate: bool) -> None:
	company = make_company("10")
	before = picture(company)
	with pytest.raises(frappe.PermissionError):
		rename_doc("Currency", "EUR", "EUX", validate=validate)
	site.fresh()
	assert picture(company) == before
	assert frappe.db.exists("Currency", "EUR")


def test_a_rate_keeps_its_name_because_calls_name_it(books: dict) -> None:
	rate = frappe.db.get_value("Call Charge", books["Call Charge"], "rate")
	road = Road(factories.api_key_of(make_user(STAFF)), "Billing Rate", rate, {})
	answer = road.own_method("rename", name=new_id(), validate_rename=False, force=True)
	assert answer.status_code == 403
	with pytest.raises(frappe.PermissionError):
		rename_doc("Billing Rate", rate, new_id(), force=True, ignore_permissions=True)
	site.fresh()
	assert frappe.db.get_value("Call Charge", books["Call Charge"], "rate") == rate
