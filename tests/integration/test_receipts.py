"""Tax on a top-up, and its documents: numbered without gaps, right to the cent, never changed."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import frappe
import pytest

from prepaid_billing.exceptions import UnknownReceipt
from prepaid_billing.ledger import balance_of, clock, rows, verify
from prepaid_billing.payments import claims, issuing, receipts, refunds, takeback, topups
from tests import factories, site
from tests.books import entries_of
from tests.client import Api
from tests.factories import make_company, new_id
from tests.integration.test_refunds import paid, set_mode
from tests.integration.test_topup import eventually
from tests.pdf import text_of
from tests.stripe_checkout import pay, simulate

BUYER = {"address": "Kaistraße 7\n20457 Hamburg", "vat_id": "DE222333444"}


@pytest.fixture
def settings() -> Iterator[dict[str, object]]:
	"""Set Prepaid Billing Settings for one test: ``settings(vat_rate=19)``."""
	before = frappe.get_doc("Prepaid Billing Settings").as_dict()
	changed: set[str] = set()

	def change(**values: object) -> None:
		changed.update(values)
		_save(values)

	yield change
	_save({name: before[name] for name in changed})


def _save(values: dict[str, object]) -> None:
	site.fresh()
	doc = frappe.get_doc("Prepaid Billing Settings")
	doc.update(values)
	doc.save()
	frappe.db.commit()


@pytest.fixture
def with_vat(settings) -> None:
	"""19 per cent, and the net is credited."""
	settings(vat_rate=19, credited_part="Net")


def documents(topup: str) -> list[tuple[str, Decimal, Decimal, Decimal]]:
	"""Issue what is due; return kind, net, tax and gross of the documents of a top-up, in their order."""
	issuing.issue_missing()
	site.fresh()
	company = topups.find(topup).company
	page = receipts.page(company, receipts.NEWEST, 200)
	return [(row.kind, row.net, row.tax, row.gross) for row in reversed(page) if row.topup == topup]


def amounts(kind: str, *figures: str) -> tuple:
	return (kind, *(Decimal(figure) for figure in figures))


def balance(company: str) -> Decimal:
	site.fresh()
	return balance_of(company).balance


@pytest.mark.parametrize("part,credited", [("Net", "42.02"), ("Gross", "50")])
def test_paid_tax_and_credited_stand_apart(settings, part: str, credited: str) -> None:
	settings(vat_rate=19, credited_part=part)
	company, topup = paid("50")
	assert (topup.amount_paid, topup.tax, topup.credited) == (50, Decimal("7.98"), Decimal(credited))
	assert balance(company) == Decimal(credited)
	assert documents(topup.name) == [amounts("Receipt", "42.02", "7.98", "50")]


def test_a_top_up_is_credited_by_the_rate_that_it_began_with(settings) -> None:
	settings(vat_rate=19, credited_part="Net")
	company = make_company()
	created = topups.create(company, Decimal(119))
	settings(vat_rate=7, credited_part="Gross")
	pay(created["checkout_url"])
	topups.refresh(created["topup"])
	assert balance(company) == 100
	assert documents(created["topup"]) == [amounts("Receipt", "100", "19", "119")]


@pytest.mark.usefixtures("with_vat")
def test_refunds_take_their_part_of_the_net_and_the_last_one_the_rest() -> None:
	company, topup = paid("50")
	for _time in range(3):
		refunds.request(topup.name, Decimal("16.66"), "goodwill", new_id())
	refunds.request(topup.name, None, "the rest", new_id())
	assert entries_of(company) == [
		"Top-up 42.02", "Refund -14.001064", "Refund -14.001064", "Refund -14.001064", "Refund -0.016808",
	]  # fmt: skip
	assert balance(company) == 0
	issued = documents(topup.name)
	assert [document[3] for document in issued] == [50, *[Decimal("-16.66")] * 3, Decimal("-0.02")]
	assert sum(document[2] for document in issued) == 0
	assert all(net + tax == gross for _kind, net, tax, gross in issued)


@pytest.mark.usefixtures("with_vat")
def test_a_dispute_takes_the_net_and_gives_it_back_and_is_no_matter_for_documents() -> None:
	company, topup = paid("119")
	dispute = simulate("disputes", payment_intent=topup.payment_intent_id)["id"]
	eventually(lambda: balance(company) == 0)
	simulate(f"disputes/{dispute}/win")
	eventually(lambda: balance(company) == 100)
	assert documents(topup.name) == [amounts("Receipt", "100", "19", "119")]


@pytest.mark.usefixtures("with_vat")
def test_a_refund_that_fails_after_its_credit_note_is_reversed_by_a_document() -> None:
	company, topup = paid("119")
	done = refunds.request(topup.name, Decimal("59.50"), "goodwill", new_id())
	assert documents(topup.name)[1:] == [amounts("Credit Note", "-50", "-9.50", "-59.50")]
	stripe_id = frappe.db.get_value("Billing Refund", done["refund"], "stripe_refund_id")
	simulate(f"refunds/{stripe_id}/fail")
	eventually(lambda: balance(company) == 100)
	assert documents(topup.name)[2:] == [amounts("Reversal", "50", "9.50", "59.50")]
	refunds.request(topup.name, None, "again", new_id())
	assert documents(topup.name)[3:] == [amounts("Credit Note", "-100", "-19", "-119")]


def test_a_refund_that_is_on_its_way_or_failed_before_gets_no_credit_note() -> None:
	company, topup = paid("50")
	refund = simulate("refunds", payment_intent=topup.payment_intent_id, amount=2000, status="pending")["id"]
	eventually(lambda: balance(company) == 30)
	assert len(documents(topup.name)) == 1
	simulate(f"refunds/{refund}/fail")
	eventually(lambda: balance(company) == 50)
	assert len(documents(topup.name)) == 1


def numbers(livemode: int = 0, days: int = 0) -> list[tuple[int, int, str]]:
	"""Year, sequence and number of the documents of one mode, of the year in so many days."""
	with site.later(days * 86_400):
		year = clock.site_time(clock.now_us()).year
	fields, of = ["year", "sequence", "receipt_number"], {"livemode": livemode, "year": year}
	return [
		tuple(row) for row in frappe.get_all("Billing Receipt", of, fields, order_by="sequence", as_list=True)
	]


def make_live(topup: str) -> None:
	"""Let a top-up stand there as one with a live key would; nothing here is ever charged."""
	set_mode(topup, 1)


def paid_live(amount: str = "50", company: str | None = None) -> tuple[str, frappe._dict]:
	"""A paid top-up of live mode."""
	company, topup = paid(amount, company)
	make_live(topup.name)
	return company, topups.find(topup.name)


def test_numbers_have_no_gaps_also_when_the_sweep_runs_eight_times_at_once() -> None:
	issuing.issue_missing()
	before = len(numbers())
	names = [paid("50", company)[1].name for company in (make_company(), make_company()) for _n in range(3)]

	def sweep(_n: int) -> int:
		with site.connected():
			return issuing.issue_missing()

	with ThreadPoolExecutor(8) as pool:
		assert sum(pool.map(sweep, range(8))) == len(names)
	issued = numbers()
	assert len(issued) == before + len(names)
	assert [sequence for _year, sequence, _number in issued] == list(range(1, len(issued) + 1))
	year = issued[-1][0]
	assert issued[-1] == (year, len(issued), f"TEST-R-{year}-{len(issued):05d}")


def test_receipts_of_test_mode_take_no_number_of_the_live_ones() -> None:
	issuing.issue_missing()
	before = [len(numbers(livemode)) for livemode in (0, 1)]
	for make in (paid_live, paid, paid, paid_live, paid):
		make()
	issuing.issue_missing()
	tests, live = numbers(0), numbers(1)
	assert [len(tests), len(live)] == [before[0] + 3, before[1] + 2]
	for issued, prefix in ((tests, "TEST-R-"), (live, "R-")):
		year, sequence, number = issued[-1]
		assert (sequence, number) == (len(issued), f"{prefix}{year}-{len(issued):05d}")


@pytest.mark.parametrize("make,prefix", [(paid, "TEST-R-"), (paid_live, "R-")], ids=["test", "live"])
def test_a_credit_note_is_numbered_in_the_mode_of_its_payment(make: Callable, prefix: str) -> None:
	company, topup = make()
	event = {
		"object": "refund",
		"id": f"re_{topup.name}",
		"amount": 2000,
		"currency": "eur",
		"status": "succeeded",
	}
	claims.apply(topup.name, [takeback.of_refund(event)])
	assert [row[0] for row in documents(topup.name)] == ["Receipt", "Credit Note"]
	issued = receipts.page(company, receipts.NEWEST, 200)
	assert [row.livemode for row in issued] == [topup.livemode] * 2
	assert all(row.receipt_number.startswith(prefix) for row in issued)


def test_a_document_that_fails_takes_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
	_company, topup = paid("50")
	issuing.issue_missing()
	_company, topup = paid("50")
	before = numbers()
	with monkeypatch.context() as broken, pytest.raises(ZeroDivisionError):
		broken.setattr(issuing, "_parties", lambda *_given: 1 / 0)
		issuing.issue_missing()
	assert numbers() == before
	assert len(documents(topup.name)) == 1
	assert numbers()[-1][1] == len(before) + 1


def test_a_receipt_that_fails_stops_no_other_one_and_no_credit_note(monkeypatch: pytest.MonkeyPatch) -> None:
	_company, refunded = paid("50")
	issuing.issue_missing()
	refunds.request(refunded.name, Decimal(20), "goodwill", new_id())
	bad, good = paid("50")[1], paid("50")[1]
	receipt = issuing._receipt

	def failing(series: object, name: str, *more: object) -> str | None:
		return 1 / 0 if name == bad.name else receipt(series, name, *more)

	with monkeypatch.context() as broken, pytest.raises(ZeroDivisionError):
		broken.setattr(issuing, "_receipt", failing)
		issuing.issue_missing()
	site.fresh()
	kinds = [row.kind for row in receipts.page(refunded.company, receipts.NEWEST, 200)]
	assert kinds == ["Credit Note", "Receipt"]
	assert (topups.find(bad.name).receipt, bool(topups.find(good.name).receipt)) == (None, True)


def test_a_year_begins_with_number_one() -> None:
	_company, topup = paid("50")
	with site.later(400 * 86_400):
		issuing.issue_missing()
	receipt = receipts.find(topups.find(topup.name).receipt)
	assert receipt.sequence >= 1
	assert receipt.receipt_number.startswith(f"TEST-R-{receipt.issued_at.year}-")
	assert receipt.issued_at.year == receipt.year > receipt.paid_at.year


def test_without_a_seller_receipts_wait_and_come_when_it_is_known(settings) -> None:
	settings(seller_name="")
	_company, topup = paid("50")
	assert documents(topup.name) == []
	assert issuing.waiting() >= 1
	settings(seller_name="Tidenfunk GmbH")
	assert len(documents(topup.name)) == 1


def test_a_receipt_keeps_what_was_true_when_it_was_issued(settings) -> None:
	company = make_company(language="de", **BUYER)
	_company, topup = paid("50", company)
	issuing.issue_missing()
	before = receipts.find(topups.find(topup.name).receipt)
	assert (before.buyer_address, before.buyer_vat_id) == (BUYER["address"], BUYER["vat_id"])
	doc = frappe.get_doc("Billing Company", company)
	doc.update({"address": "elsewhere", "vat_id": "", "language": "en"})
	doc.save()
	settings(seller_name="Another", seller_vat_id="AT1", vat_rate=20, receipt_prefix="X")
	issuing.issue_missing()
	site.fresh()
	assert receipts.find(before.name) == before


@pytest.mark.parametrize(
	"values",
	[
		{"vat_rate": -1},
		{"vat_rate": 100},
		{"vat_rate": 7.125},
		{"receipt_prefix": "a b"},
		{"receipt_prefix": "Test-"},
	],
	ids=str,
)
def test_settings_that_make_no_sense_are_refused(settings, values: dict[str, object]) -> None:
	with pytest.raises(frappe.ValidationError):
		settings(**values)
	site.fresh()


@pytest.mark.usefixtures("with_vat")
@pytest.mark.parametrize(
	"language,expected",
	[
		("en", ["Receipt", "VAT 19%", "€7.98", "Total €50.00", "Credit note", "−€20.00", "VAT ID DE222333444"]),
		("de", ["Beleg", "USt. 19 %", "7,98 €", "Gesamt 50,00 €", "Gutschrift", "−20,00 €", "USt-IdNr. DE222333444"]),
	],
)  # fmt: skip
def test_the_pdf_speaks_the_companys_language(language: str, expected: list[str]) -> None:
	_company, topup = paid("50", make_company(language=language, **BUYER))
	done = refunds.request(topup.name, Decimal(20), "goodwill", new_id())
	make_live(topup.name)
	issuing.issue_missing()
	site.fresh()
	credit_note = frappe.db.get_value("Billing Refund", done["refund"], "credit_note")
	receipt = receipts.find(topups.find(topup.name).receipt)
	read = text_of(receipts.pdf(receipt.name)) + text_of(receipts.pdf(credit_note))
	for text in [*expected, receipt.receipt_number, "Tidenfunk GmbH", "Kaistraße 7", "20457 Hamburg"]:
		assert text in read
	assert read.count(receipt.receipt_number) >= 2, "the credit note names its receipt"


NO_RECEIPT = {
	"en": ["Test receipt", "Test: no money moved. This is no tax document."],
	"de": ["Testbeleg", "Test: Es ist kein Geld geflossen. Dies ist kein steuerlicher Beleg."],
}


@pytest.mark.parametrize("language", NO_RECEIPT)
@pytest.mark.parametrize("make,is_test", [(paid, True), (paid_live, False)], ids=["test", "live"])
def test_a_receipt_of_test_mode_says_that_it_is_none(
	language: str, make: Callable, is_test: bool, tmp_path: Path
) -> None:
	_company, topup = make("50", make_company(language=language))
	issuing.issue_missing()
	site.fresh()
	receipt = receipts.find(topups.find(topup.name).receipt)
	read = text_of(receipts.pdf(receipt.name))
	assert [text in read for text in NO_RECEIPT[language]] == [is_test] * 2
	assert ("Stripe" in read) != is_test, "only a receipt of money says that it was paid"
	assert receipts.file_name(receipt).startswith("TEST-") == is_test


def test_what_looks_like_markup_or_a_template_stays_text() -> None:
	address = 'Kai & Söhne, "Haus {{ 7 * 7 }}"'
	_company, topup = paid("50", make_company(address=address))
	issuing.issue_missing()
	site.fresh()
	assert address in text_of(receipts.pdf(topups.find(topup.name).receipt))


def test_a_customer_lists_and_downloads_own_receipts_page_by_page() -> None:
	company = make_company()
	names = [paid("50", company)[1].name for _n in range(3)]
	issuing.issue_missing()
	customer = Api(factories.make_api_customer(company))
	first = customer.get("receipts.list", limit=2).json()["message"]
	second = customer.get("receipts.list", limit=2, cursor=first["next_cursor"]).json()["message"]
	listed = first["rows"] + second["rows"]
	assert [row["topup"] for row in listed] == names[::-1]
	assert second["next_cursor"] is None
	assert (listed[0]["gross"], listed[0]["currency"], listed[0]["kind"]) == ("50.000000", "EUR", "Receipt")
	answer = customer.get("receipts.download", receipt=listed[0]["receipt"])
	assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf")
	assert answer.content.startswith(b"%PDF-")
	assert listed[0]["number"] in answer.headers["Content-Disposition"]


def test_pages_hold_the_documents_of_both_modes_once_each_and_say_which_are_tests() -> None:
	company = make_company()
	names = []
	for make in (paid, paid_live, paid_live, paid, paid):
		names.append(make("50", company)[1].name)
		issuing.issue_missing()
	customer, listed, cursor = Api(factories.make_api_customer(company)), [], None
	for _page in range(5):
		more = {"cursor": cursor} if cursor else {}
		page = customer.get("receipts.list", limit=1, **more).json()["message"]
		listed, cursor = listed + page["rows"], page["next_cursor"]
	assert cursor is None
	assert [row["topup"] for row in listed] == names[::-1]
	assert [row["livemode"] for row in listed] == [False, False, True, True, False]
	assert [row["number"].startswith("TEST-") for row in listed] == [True, True, False, False, True]


def test_another_companys_receipt_answers_exactly_like_a_missing_one() -> None:
	company, topup = paid("50")
	issuing.issue_missing()
	site.fresh()
	stranger = Api(factories.make_api_customer(make_company()))
	wanted = [topups.find(topup.name).receipt, "0123456789abcdef0123"]
	answers = [stranger.get("receipts.download", receipt=name) for name in wanted]
	assert [answer.status_code for answer in answers] == [404, 404]
	assert answers[0].content == answers[1].content
	assert answers[0].json()["code"] == "UNKNOWN_RECEIPT"
	assert stranger.get("receipts.list", company=company).json()["code"] == "UNKNOWN_COMPANY"


def test_the_gateway_and_guests_see_no_receipts(gateway: Api, guest: Api) -> None:
	_company, topup = paid("50")
	issuing.issue_missing()
	site.fresh()
	receipt = topups.find(topup.name).receipt
	assert gateway.get("receipts.download", receipt=receipt).status_code == 403
	assert guest.get("receipts.download", receipt=receipt).status_code in (401, 403)


@pytest.mark.parametrize(
	"arguments",
	[{"limit": 0}, {"limit": 201}, {"cursor": "x"}, {"cursor": "2026-"}, {"cursor": "1-A'b"}],
	ids=str,
)
def test_a_page_that_cannot_be_is_refused(arguments: dict[str, object]) -> None:
	answer = Api(factories.make_api_customer(make_company())).get("receipts.list", **arguments)
	assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")


def test_a_missing_receipt_is_unknown() -> None:
	with pytest.raises(UnknownReceipt):
		receipts.pdf("none")


TAMPERED = {
	"a number removed": "sequence = sequence + 1000",
	"another amount": "gross = gross + 1, net = net + 1",
	"another company": "company = 'x'",
	"another tax": "tax = tax + 1, net = net - 1",
	"another mode": "livemode = 1 - livemode",
	"another series": "series = 'none'",
}
KEPT = ("sequence", "gross", "net", "tax", "company", "livemode", "series")


@pytest.mark.parametrize("make", [paid, paid_live], ids=["test", "live"])
@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED)
def test_the_proof_of_the_books_names_a_receipt_that_was_changed(change: str, make: Callable) -> None:
	_company, topup = make()
	issuing.issue_missing()
	site.fresh()
	name = topups.find(topup.name).receipt
	kept = frappe.db.sql(f"SELECT {', '.join(KEPT)} FROM `tabBilling Receipt` WHERE name = %s", (name,))[0]
	frappe.db.sql(f"UPDATE `tabBilling Receipt` SET {change} WHERE name = %s", (name,))
	frappe.db.commit()
	findings = verify.verify()
	rows.update("Billing Receipt", name, dict(zip(KEPT, kept, strict=True)))
	frappe.db.commit()
	assert any("eceipt" in finding.check for finding in findings)


def test_the_database_refuses_a_number_twice_in_a_series() -> None:
	_company, topup = paid()
	issuing.issue_missing()
	site.fresh()
	twin = {
		"name": rows.new_name(),
		"receipt_number": new_id(),
		"document_key": new_id(),
		"gross": 1,
		"net": 1,
	}
	place = frappe.db.get_value(
		"Billing Receipt", {"topup": topup.name}, ["series", "year", "sequence"], as_dict=True
	)
	with pytest.raises(Exception, match="pb_receipt_in_series"):
		rows.insert("Billing Receipt", 0, twin | place)
	frappe.db.rollback()
