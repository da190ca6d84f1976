"""Whatever a caller sends: a status of 4xx, a code, a sentence, and nothing written. Never a 500."""

import frappe
import pytest

from prepaid_billing.permissions import MANAGER
from tests import factories, site
from tests.client import Api
from tests.factories import make_company, make_customer, new_id

STRANGE = [
	None, "", " ", "a b", "ü", "x" * 141, "a\n", "a\x00", 5, 1.5, True, [], ["a"], {}, {"a": 1}, "' OR 1=1 --", "NaN",
	"１２", "1e3", "-1", -1, "9" * 40, 10**40,
]  # fmt: skip
METHODS = {
	"calls.quote": {"company": None, "duration_sec": 60},
	"calls.authorize": {"call_id": None, "company": None, "requested_seconds": 60},
	"calls.end": {"call_id": None, "duration_sec": 60},
	"calls.release": {"call_id": None},
	"topup.create": {"company": None, "amount": "50", "idempotency_key": "k"},
}
# Strange as they look, these mean what they say.
GOOD = [
	("requested_seconds", None), ("requested_seconds", 5), ("requested_seconds", 1.5), ("duration_sec", 5),
	("duration_sec", 1.5), ("amount", 5), ("idempotency_key", None),
	*((key, value) for key in ("call_id", "idempotency_key") for value in ("NaN", "1e3", "-1", "9" * 40)),
]  # fmt: skip


def strange_values(argument: str) -> list[object]:
	good = [value for name, value in GOOD if name == argument]
	return [value for value in STRANGE if isinstance(value, bool) or value not in good]


def state() -> tuple:
	site.fresh()
	return tuple(
		frappe.db.count(doctype)
		for doctype in ("Balance Transaction", "Call Charge", "Balance Topup", "Stripe Event", "Error Log")
	)


def assert_refused(answer, statuses: tuple[int, ...] = (401, 402, 403, 404, 405, 409, 413, 422, 429)) -> None:
	assert answer.status_code in statuses, answer.text
	body = answer.json()
	assert body["code"].isupper(), body
	assert body["error"].endswith("."), body
	assert "Traceback" not in answer.text and "exc_type" not in body


@pytest.fixture(scope="module")
def manager() -> Api:
	return Api(factories.api_key_of(factories.make_user(MANAGER)))


@pytest.fixture(scope="module")
def company() -> str:
	return make_company("50")


def base_arguments(method: str, company: str) -> dict:
	arguments = {**METHODS[method]}
	if "company" in arguments:
		arguments["company"] = company
	if "call_id" in arguments:
		arguments["call_id"] = new_id()
	return arguments


def test_the_arguments_that_the_cases_change_are_good_ones(manager: Api, company: str) -> None:
	"""Without this, every case below could be refused for another reason than the one it is about."""
	call = new_id()
	manager.ok("calls.quote", **base_arguments("calls.quote", company))
	manager.ok("calls.authorize", **{**base_arguments("calls.authorize", company), "call_id": call})
	manager.ok("calls.end", **{**base_arguments("calls.end", company), "call_id": call})
	manager.ok("calls.authorize", **{**base_arguments("calls.authorize", company), "call_id": f"{call}-2"})
	manager.ok("calls.release", call_id=f"{call}-2")
	manager.ok("topup.create", **{**base_arguments("topup.create", make_company()), "idempotency_key": call})


@pytest.mark.parametrize(
	"method,argument", [(method, name) for method in METHODS for name in METHODS[method]]
)
def test_a_strange_argument_is_refused_and_writes_nothing(
	manager: Api, company: str, method: str, argument: str
) -> None:
	before = state()
	for value in strange_values(argument):
		# A company that is not there is 404; a call_id of good form that nobody authorised too.
		assert_refused(
			manager.post(method, **{**base_arguments(method, company), argument: value}), (404, 422)
		)
		assert state() == before, repr(value)


@pytest.mark.parametrize("method", METHODS)
def test_no_argument_at_all_is_refused(manager: Api, method: str) -> None:
	before = state()
	assert_refused(manager.post(method))
	assert state() == before


@pytest.mark.parametrize("name", ["caller", "callee"])
@pytest.mark.parametrize("value", ["x" * 141, "a\n", 5, [], {}], ids=repr)
def test_a_strange_number_is_refused(manager: Api, company: str, name: str, value: object) -> None:
	assert_refused(manager.post("calls.authorize", call_id=new_id(), company=company, **{name: value}))


@pytest.mark.parametrize(
	"value",
	["now", "2026-11-22", "2026-11-22T14:05:00", "2026-13-01T00:00:00Z", 5, [], "0001-01-01T00:00:00Z"],
	ids=repr,
)
def test_a_time_without_an_offset_is_refused(manager: Api, company: str, value: object) -> None:
	assert_refused(manager.post("calls.quote", company=company, duration_sec=1, at=value))


NO_OBJECTS = [b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"a": NaN}x']


@pytest.mark.parametrize("method", METHODS)
def test_a_body_that_is_no_json_object_is_refused(manager: Api, method: str) -> None:
	before = state()[:-1]
	path = f"/api/method/prepaid_billing.api.{method}"
	for body in NO_OBJECTS:
		assert_refused(manager.raw(path, body, **{"Content-Type": "application/json"}))
		assert state()[:-1] == before, body[:9]


@pytest.mark.parametrize("method", METHODS)
def test_a_guest_is_told_to_log_in(guest: Api, method: str) -> None:
	assert_refused(guest.post(method), (401,))


def test_a_wrong_api_key_is_refused(company: str) -> None:
	assert_refused(Api("token wrong:wrong").post("calls.end", call_id="x", duration_sec=1), (401,))


@pytest.mark.parametrize("method", ["calls.authorize", "calls.end", "calls.release"])
def test_a_customer_may_not_play_the_gateway(company: str, method: str) -> None:
	customer = Api(factories.api_key_of(make_customer(company)[0]))
	assert_refused(customer.post(method, call_id=new_id(), company=company, duration_sec=1), (403,))


def test_the_gateway_may_not_top_up(gateway: Api, company: str) -> None:
	assert_refused(gateway.post("topup.create", company=company, amount="50"), (403,))


@pytest.mark.parametrize(
	"method", ["calls.authorize", "calls.end", "calls.release", "topup.create", "stripe.webhook"]
)
def test_a_get_changes_nothing(manager: Api, company: str, method: str) -> None:
	before = state()
	assert_refused(manager.get(method, company=company, call_id="x", duration_sec=1, amount="50"), (405,))
	assert state() == before


def test_a_cmd_in_the_body_does_not_pick_another_method(manager: Api, company: str) -> None:
	answer = manager.post(
		"calls.quote", company=company, duration_sec=60, cmd="frappe.client.get_list", doctype="User"
	)
	assert answer.json()["message"]["amount"] == "0.420000"


def test_another_companys_name_answers_exactly_like_a_missing_one(company: str) -> None:
	customer = Api(factories.api_key_of(make_customer(make_company("5"))[0]))
	for method, arguments in {"topup.create": {"amount": "50"}, "calls.quote": {"duration_sec": 1}}.items():
		theirs = customer.post(method, company=company, **arguments)
		missing = customer.post(method, company="No such company", **arguments)
		assert (theirs.status_code, theirs.json()) == (missing.status_code, missing.json())
		assert (theirs.status_code, theirs.json()["code"]) == (404, "UNKNOWN_COMPANY")


def test_a_company_is_named_exactly(gateway: Api, company: str) -> None:
	for name in (company.lower(), company + " ", company.upper()):
		assert_refused(gateway.post("calls.quote", company=name, duration_sec=1), (404,))


@pytest.mark.parametrize("method", ["calls.nope", "nope.nope"])
def test_a_method_that_is_not_there_is_404(gateway: Api, method: str) -> None:
	for answer in (gateway.post(method), gateway.get(method), Api().post(method)):
		assert_refused(answer, (404,))
		assert answer.json()["code"] == "UNKNOWN_METHOD"
