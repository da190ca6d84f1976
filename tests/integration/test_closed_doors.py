"""What a login of a customer or of the gateway does not open, whichever of Frappe's own doors is tried."""

import json

import pytest

from prepaid_billing.permissions import MANAGER
from tests import factories, site
from tests.client import Api
from tests.factories import make_company, make_customer, make_gateway_key

DOCTYPES = [
	"Prepaid Balance",
	"Balance Transaction",
	"Call Charge",
	"Balance Topup",
	"Stripe Event",
	"Stripe Event Payload",
	"Billing Company",
]


@pytest.fixture(scope="module")
def strangers() -> dict[str, Api]:
	customer = Api(factories.api_key_of(make_customer(make_company("5"))[0]))
	return {"customer": customer, "gateway": Api(make_gateway_key()), "guest": Api()}


@pytest.mark.parametrize("who", ["customer", "gateway", "guest"])
@pytest.mark.parametrize("doctype", DOCTYPES)
def test_no_door_tells_anything_of_the_books(strangers: dict[str, Api], who: str, doctype: str) -> None:
	make_company("33.37")
	methods = [
		"client.get_count",
		"client.get_list",
		"client.get_value",
		"client.get",
		"desk.reportview.get",
		"desk.reportview.get_count",
	]
	for method in methods:
		arguments = {
			"doctype": doctype,
			"filters": json.dumps({"name": ["like", "%"]}),
			"fieldname": "name",
			"fields": '["name"]',
		}
		answer = strangers[who].session.get(
			f"{site.WEB_URL}/api/method/frappe.{method}", params=arguments, timeout=30
		)
		assert answer.status_code in (401, 403) or answer.json().get("message") in ([], {}, None), (
			method,
			answer.text[:300],
		)
	for path in (f"resource/{doctype}", f"v2/document/{doctype}", f"v2/doctype/{doctype}/count"):
		answer = strangers[who].session.get(f"{site.WEB_URL}/api/{path}", timeout=30)
		assert answer.status_code in (401, 403), (path, answer.text[:300])
	answer = strangers[who].session.get(
		f"{site.WEB_URL}/api/v2/method/frappe.client.get_count", params={"doctype": doctype}, timeout=30
	)
	assert answer.status_code in (401, 403), answer.text[:300]


def test_staff_count_what_they_may_read() -> None:
	manager = Api(factories.api_key_of(factories.make_user(MANAGER)))
	answer = manager.session.get(
		f"{site.WEB_URL}/api/method/frappe.client.get_count",
		params={"doctype": "Prepaid Balance"},
		timeout=30,
	)
	assert answer.json()["message"] > 0


@pytest.mark.parametrize(
	"field", ["adjustment_limit", "stripe_webhook_secret", "stripe_secret", "stripe_api_base"]
)
def test_the_person_whom_a_limit_binds_does_not_set_it(field: str) -> None:
	manager = Api(factories.api_key_of(factories.make_user(MANAGER)))
	url = f"{site.WEB_URL}/api/resource/Prepaid Billing Settings/Prepaid Billing Settings"
	before = manager.session.get(url, timeout=30).json()["data"].get(field)
	manager.session.put(url, json={field: "900000"}, timeout=30)
	assert manager.session.get(url, timeout=30).json()["data"].get(field) == before
