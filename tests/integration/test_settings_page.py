"""What a company's owner changes in the portal, what others may not, and that nothing else moves with it. Over HTTP."""

import re
from collections.abc import Callable

import frappe
import pytest
import requests

from tests import site
from tests.factories import make_company, make_customer

PAGE = "/business/billing/settings"


class Portal:
	"""A customer with a session, and the CSRF token that its pages carry."""

	def __init__(self, email: str, password: str) -> None:
		self.session = requests.Session()
		self.session.headers["Host"] = site.SITE_URL.split("//")[1]
		answer = self.session.post(
			f"{site.WEB_URL}/api/method/login", data={"usr": email, "pwd": password}, timeout=30
		)
		assert answer.status_code == 200, answer.text

	def get(self, path: str = PAGE) -> requests.Response:
		return self.session.get(f"{site.WEB_URL}{path}", timeout=30, allow_redirects=False)

	def token(self) -> str:
		"""Return the CSRF token of the session, from a page with a form."""
		for page in ("/business/billing/topup", "/business/billing"):
			if found := re.search(r'name="csrf_token" value="(\w+)"', self.get(page).text):
				return found[1]
		return ""

	def post(self, action: str, path: str = PAGE, **fields: object) -> requests.Response:
		form = {"action": action, "csrf_token": self.token(), **fields}
		return self.session.post(f"{site.WEB_URL}{path}", data=form, timeout=30, allow_redirects=False)


@pytest.fixture
def owner_of() -> Callable[[str], Portal]:
	"""Log in as an owner of a company."""
	return lambda company: Portal(*make_customer(company, is_owner=True))


def stored(company: str, *fields: str) -> list:
	site.fresh()
	return list(frappe.get_all("Billing Company", {"name": company}, fields, as_list=True)[0])


def threshold(company: str) -> float:
	site.fresh()
	return frappe.db.get_value("Prepaid Balance", company, "low_balance_threshold")


@pytest.mark.parametrize(
	"typed,amount",
	[
		("35", 35),
		("12,50", 12.5),
		("0", 0),
		(" 7.25 ", 7.25),
		("1,000", 1000),
		("1,234.50", 1234.5),
		("€50", 50),
		("50 EUR", 50),
	],
)
def test_an_owner_sets_the_threshold_as_people_write_it(
	owner_of: Callable, typed: str, amount: float
) -> None:
	company = make_company("10")
	answer = owner_of(company).post("threshold", threshold=typed)
	assert (answer.status_code, answer.headers["Location"]) == (303, f"{PAGE}#saved")
	assert threshold(company) == amount
	assert frappe.db.get_value("Prepaid Balance", company, "balance") == 10


@pytest.mark.parametrize(
	"typed,amount", [("1.000", 1000), ("1.234,50", 1234.5), ("50 €", 50), ("12.34", 12.34)]
)
def test_thousands_are_read_as_the_pages_of_the_language_write_them(typed: str, amount: float) -> None:
	company = make_company()
	user, password = make_customer(company, is_owner=True)
	frappe.db.set_value("User", user, "language", "de")
	frappe.db.commit()
	assert Portal(user, password).post("threshold", threshold=typed).status_code == 303
	assert threshold(company) == amount


@pytest.mark.parametrize(
	"typed", ["", "-1", "1.000,00", "abc", "1e3", "NaN", "9999999999", "1.234", "1,00,000", "12 50", "€"]
)
def test_what_is_no_amount_changes_nothing_and_stays_in_the_field(owner_of: Callable, typed: str) -> None:
	company = make_company()
	answer = owner_of(company).post("threshold", threshold=typed)
	assert answer.status_code == 422
	assert "This is not an amount of money" in answer.text and f'value="{typed}"' in answer.text
	assert threshold(company) == 20


def test_an_owner_sets_addresses_and_kinds_of_mail(owner_of: Callable) -> None:
	company = make_company()
	answer = owner_of(company).post("mails", recipients="a@example.com\r\nb@example.com", mail_empty="1")
	assert answer.status_code == 303
	assert stored(company, "billing_emails", "mail_low", "mail_empty", "mail_dispute") == [
		"a@example.com\nb@example.com", 0, 1, 0]  # fmt: skip


def test_a_wrong_address_changes_nothing_and_what_was_typed_stays(owner_of: Callable) -> None:
	company = make_company(billing_emails="old@example.com")
	answer = owner_of(company).post("mails", recipients="good@example.com\nnot an address", mail_low="1")
	assert answer.status_code == 422 and "not an address" in answer.text
	assert 'name="mail_low" value="1" checked' in answer.text
	assert 'name="mail_empty" value="1" checked' not in answer.text
	assert stored(company, "billing_emails", "mail_empty") == ["old@example.com", 1]


def test_an_owner_sets_company_data_and_nothing_that_is_not_theirs(owner_of: Callable) -> None:
	company = make_company("10")
	forged = {"currency": "USD", "status": "Suspended", "company_name": "Another", "prepaid_billing_enabled": "0",
		"rate_per_minute": "0.01", "stripe_customer_id": "cus_1", "balance": "1000"}  # fmt: skip
	data = {"address": "Street 1\nTown", "vat_id": "DE123", "language": "de", "time_zone": "Europe/Berlin"}
	assert owner_of(company).post("company", **data, **forged).status_code == 303
	assert stored(company, *data) == list(data.values())
	assert stored(company, "currency", "status", "company_name", "prepaid_billing_enabled", "stripe_customer_id") == [
		"EUR", "Active", company, 1, None]  # fmt: skip
	assert frappe.db.get_value("Prepaid Balance", company, ["balance", "currency"]) == (10, "EUR")
	assert frappe.db.count("Billing Rate", {"company": company}) == 1


@pytest.mark.parametrize(
	"field,value", [("language", "xx"), ("time_zone", "Mars/Base"), ("vat_id", "1" * 31)]
)
def test_company_data_that_does_not_exist_is_refused(owner_of: Callable, field: str, value: str) -> None:
	company = make_company()
	assert owner_of(company).post("company", **{field: value}).status_code == 422
	assert stored(company, field)[0] != value


def test_an_owner_changes_and_removes_a_user(owner_of: Callable) -> None:
	company = make_company()
	owner, (email, _password) = owner_of(company), make_customer(company)
	assert owner.post("user", user=email, gets_warnings="1").status_code == 303
	assert rights(company, email) == (0, 0, 1)
	assert owner.post("remove", user=email).status_code == 303
	assert rights(company, email) is None
	assert frappe.db.exists("User", email)


def rights(company: str, email: str) -> tuple | None:
	site.fresh()
	fields = ["is_owner", "may_top_up", "gets_warnings"]
	return frappe.db.get_value("Billing Company User", {"parent": company, "user": email}, fields)


def test_the_last_owner_stays_one(owner_of: Callable) -> None:
	company = make_company()
	owner = owner_of(company)
	email = frappe.db.get_value("Billing Company User", {"parent": company}, "user")
	for action in ("user", "remove"):
		answer = owner.post(action, user=email)
		assert answer.status_code == 422 and "needs an owner" in answer.text
	assert rights(company, email)[0] == 1


@pytest.mark.parametrize(
	"email", ["", "nobody", "a@b", "x" * 140 + "@example.com", "a@example.com, b@example.com"]
)
def test_what_is_no_address_adds_nobody(owner_of: Callable, email: str) -> None:
	company = make_company()
	assert owner_of(company).post("invite", email=email).status_code == 422
	assert frappe.db.count("Billing Company User", {"parent": company}) == 1


@pytest.mark.parametrize("action", ["threshold", "mails", "company", "invite", "withdraw", "user", "remove"])
def test_who_is_no_owner_changes_nothing(action: str) -> None:
	company = make_company(billing_emails="old@example.com")
	email, password = make_customer(company)
	fields = {
		"threshold": "1",
		"recipients": "",
		"language": "de",
		"email": "x@example.com",
		"user": email,
		"is_owner": "1",
	}
	other = Portal(*make_customer(make_company(), is_owner=True))
	before = frappe.get_doc("Billing Company", company).as_dict()
	assert Portal(email, password).post(action, **fields).status_code == 403
	assert other.post(action, f"{PAGE}?company={company}", **fields).status_code == 404
	site.fresh()
	assert frappe.get_doc("Billing Company", company).as_dict() == before and threshold(company) == 20


def test_a_form_from_elsewhere_changes_nothing(owner_of: Callable) -> None:
	company = make_company()
	owner = owner_of(company)
	answer = owner.session.post(
		f"{site.WEB_URL}{PAGE}",
		data={"action": "threshold", "threshold": "1"},
		timeout=30,
		allow_redirects=False,
	)
	assert answer.status_code == 403 and threshold(company) == 20
	owner.get("/business/billing/topup")
	answer = owner.session.post(
		f"{site.WEB_URL}{PAGE}",
		data={"action": "threshold", "threshold": "1", "csrf_token": "0" * 40},
		timeout=30,
	)
	assert answer.status_code == 400 and threshold(company) == 20


def test_an_unknown_action_is_refused(owner_of: Callable) -> None:
	assert owner_of(make_company()).post("delete").status_code == 422


def enable(email: str, enabled: bool) -> None:
	frappe.db.set_value("User", email, "enabled", int(enabled))
	frappe.db.commit()


def test_an_owner_who_cannot_log_in_is_no_owner_to_be_left_with(owner_of: Callable) -> None:
	company = make_company()
	disabled, _password = make_customer(company, is_owner=True)
	enable(disabled, False)
	owner = owner_of(company)
	email = frappe.db.get_value("Billing Company User", {"parent": company, "user": ("!=", disabled)}, "user")
	answer = owner.post("remove", user=email)
	assert answer.status_code == 422 and "needs an owner" in answer.text
	assert rights(company, email) is not None


def test_removing_a_user_is_asked_before_it_is_done(owner_of: Callable) -> None:
	company = make_company()
	email, _password = make_customer(company)
	page = owner_of(company).get().text
	form = page[page.index(f'value="{email}"') :]
	assert "<summary>Remove" in form and "Yes, remove" in form


def test_who_may_only_look_switches_their_own_mails_and_nobody_elses(owner_of: Callable) -> None:
	company = make_company()
	email, password = make_customer(company)
	owner_of(company)
	other = frappe.db.get_value("Billing Company User", {"parent": company, "user": ("!=", email)}, "user")
	looker = Portal(email, password)
	for sent, kept in (("1", 1), ("", 0)):
		assert looker.post("own_mails", gets_warnings=sent, user=other, is_owner="1").status_code == 303
		assert rights(company, email) == (0, 1, kept)
	assert rights(company, other) == (1, 1, 0)
	assert (
		Portal(*make_customer(make_company())).post("own_mails", f"{PAGE}?company={company}").status_code
		== 404
	)


def test_saved_is_said_once_after_saving_and_never_because_of_a_link(owner_of: Callable) -> None:
	company = make_company()
	owner = owner_of(company)
	assert "Saved." not in owner.get(f"{PAGE}?saved=threshold").text
	owner.post("threshold", threshold="35")
	assert "Saved." in owner.get().text
	assert "Saved." not in owner.get().text


def test_every_form_comes_back_to_a_place_that_is_on_the_page(owner_of: Callable) -> None:
	company = make_company()
	owner, (email, _password) = owner_of(company), make_customer(company)
	forms = {
		"threshold": {"threshold": "35"},
		"mails": {},
		"company": {},
		"invite": {"email": f"{email[:-12]}x@example.com"},
		"user": {"user": email},
		"own_mails": {},
		"remove": {"user": email},
	}
	for action, fields in forms.items():
		place = owner.post(action, **fields).headers["Location"].split("#")[1]
		assert f'id="{place}"' in owner.get().text, action


def test_only_translated_languages_and_places_are_offered_and_what_is_set_stays(owner_of: Callable) -> None:
	company = make_company(language="fr", time_zone="Etc/GMT+3")
	owner = owner_of(company)
	page = owner.get().text
	languages = re.search(r'id="field-language".*?</select>', page, re.S)[0]
	assert re.findall(r'value="(\w+)"', languages) == ["fr", "de", "en"]
	zones = re.findall(
		"<option[^>]*>([^<]+)</option>", re.search(r'id="field-zone".*?</select>', page, re.S)[0]
	)
	assert "Europe/Berlin" in zones and "UTC" in zones and "Etc/GMT+3" in zones
	assert not {"Factory", "localtime", "posixrules"} & set(zones)
	assert owner.post("company", language="fr", time_zone="Etc/GMT+3").status_code == 303
