"""What the Checkout page shows, in which language, and that it can be used by everybody."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
import requests

from stripe_simulator.cards import is_card_number
from stripe_simulator.checkout.money import format_amount
from stripe_simulator.checkout.texts import TEXTS
from stripe_simulator.server import Simulator

from .conftest import OpenSession


class Page(HTMLParser):
	"""The elements of a page with their attributes."""

	def __init__(self, text: str) -> None:
		super().__init__()
		self.elements: list[tuple[str, dict[str, str | None]]] = []
		self.feed(text)

	def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
		self.elements.append((tag, dict(attributes)))

	def all(self, tag: str) -> list[dict[str, str | None]]:
		return [attributes for name, attributes in self.elements if name == tag]


def get(url: str | None, languages: str = "") -> requests.Response:
	assert url
	return requests.get(url, headers={"Accept-Language": languages}, timeout=10)


def test_the_page_shows_merchant_product_amount_and_that_it_is_a_simulation(
	open_session: OpenSession,
) -> None:
	page = get(open_session().url)
	assert page.status_code == 200
	for words in (
		"Demo Telecom",
		"Balance top-up",
		"For Nordlicht GmbH",
		"€50.00",
		"Simulated Stripe",
		"4242 4242 4242 4242",
	):
		assert words in page.text


@pytest.mark.parametrize(
	("locale", "accepted", "language"),
	[
		("de", "en", "de"),
		("en", "de", "en"),
		("fr", "de", "en"),
		("auto", "de-AT,de;q=0.9,en;q=0.8", "de"),
		("auto", "fr,en;q=0.5", "en"),
		(None, "de", "de"),
		(None, "", "en"),
	],
)
def test_the_language_is_the_sessions_or_else_the_browsers(
	locale: str | None, accepted: str, language: str, open_session: OpenSession
) -> None:
	page = get(open_session(locale=locale).url, accepted)
	assert f'<html lang="{language}">' in page.text
	assert ("50,00\u00a0€ bezahlen" if language == "de" else "Pay €50.00") in page.text


def test_both_languages_have_the_same_texts() -> None:
	assert TEXTS["de"].keys() == TEXTS["en"].keys()
	for key, text in TEXTS["en"].items():
		assert text.count("{") == TEXTS["de"][key].count("{"), key


@pytest.mark.parametrize(
	("amount", "currency", "german", "english"),
	[
		(1234, "eur", "12,34\u00a0€", "€12.34"),
		(5, "eur", "0,05\u00a0€", "€0.05"),
		(123456789, "eur", "1.234.567,89\u00a0€", "€1,234,567.89"),
		(1234, "jpy", "1.234\u00a0¥", "¥1,234"),
		(1234560, "kwd", "1.234,560\u00a0KWD", "KWD\u00a01,234.560"),
		(1234, "chf", "12,34\u00a0CHF", "CHF\u00a012.34"),
	],
)
def test_an_amount_is_written_as_people_read_it(
	amount: int, currency: str, german: str, english: str
) -> None:
	assert format_amount(amount, currency, "de") == german
	assert format_amount(amount, currency, "en") == english


def test_every_input_has_a_label_and_says_what_browsers_may_fill_in(open_session: OpenSession) -> None:
	session = open_session(customer_email=None, allowed_payment_method_types=["card"])
	page = Page(get(session.url).text)
	labelled = {label["for"] for label in page.all("label")}
	inputs = {attributes["name"]: attributes for attributes in page.all("input")}
	assert set(inputs) == labelled == {"email", "number", "expiry", "cvc", "name"}
	assert {name: attributes["autocomplete"] for name, attributes in inputs.items()} == {
		"email": "email",
		"number": "cc-number",
		"expiry": "cc-exp",
		"cvc": "cc-csc",
		"name": "cc-name",
	}
	assert [button["id"] for button in page.all("button")] == ["pay"]
	assert page.all("form")[0]["method"] == "post"


def test_a_bank_account_is_offered_beside_the_card_for_euro_only(open_session: OpenSession) -> None:
	page = Page(get(open_session().url).text)
	inputs = {attributes["id"]: attributes for attributes in page.all("input")}
	assert {"method-card", "method-sepa_debit", "number", "iban"} <= set(inputs)
	assert "checked" in inputs["method-card"]
	assert "checked" not in inputs["method-sepa_debit"]
	dollars = Page(get(open_session(currency="usd").url).text)
	assert {"iban", "method"}.isdisjoint(attributes["name"] for attributes in dollars.all("input"))
	debit_only = Page(get(open_session(allowed_payment_method_types=["sepa_debit"]).url).text)
	assert {attributes["name"] for attributes in debit_only.all("input")} == {"email", "iban", "name"}


def test_the_back_link_goes_to_the_cancel_url_where_there_is_one(open_session: OpenSession) -> None:
	links = Page(get(open_session().url).text).all("a")
	assert [link["href"] for link in links] == ["http://prepaid.localhost:8000/topup/cancel"]
	assert Page(get(open_session(cancel_url=None).url).text).all("a") == []


def test_texts_from_outside_are_escaped(open_session: OpenSession) -> None:
	price = {
		"currency": "eur",
		"unit_amount": 5000,
		"product_data": {"name": "<script>x</script>", "description": "<b>"},
	}
	page = get(open_session(line_items=[{"quantity": 2, "price_data": price}]).url)
	assert "&lt;script&gt;x&lt;/script&gt;" in page.text
	assert "<b>" not in page.text
	assert "Qty 2, €50.00 each" in page.text


def test_the_pages_own_files_are_served_and_nothing_else_may_load(
	simulator: Simulator, open_session: OpenSession
) -> None:
	page = get(open_session().url)
	assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
	assert page.headers["Cache-Control"] == "no-store"
	elements = Page(page.text)
	files = [link["href"] for link in elements.all("link")] + [
		script["src"] for script in elements.all("script")
	]
	assert len(files) == 3
	for file in files:
		assert requests.get(f"{simulator.url}{file}", timeout=10).status_code == 200


@pytest.mark.parametrize(
	("number", "valid"),
	[
		("4242424242424242", True),
		("4000000000000002", True),
		("378282246310005", True),
		("4242424242424241", False),
		("0000", False),
		("٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", False),
	],
)
def test_a_card_number_is_checked_by_its_check_digit(number: str, valid: bool) -> None:
	assert is_card_number(number) is valid
