"""Tax on a top-up, and its documents: numbered without gaps, right to the cent, never changed."""

import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import frappe
import pytest

from prepaid_billing.exceptions import UnknownReceipt
from prepaid_billing.ledger import balance_of, verify
from prepaid_billing.payments import issuing, receipts, refunds, topups
from tests import factories, site
from tests.books import entries_of
from tests.client import Api
from tests.factories import make_company, new_id
from tests.integration.test_refunds import paid
from tests.integration.test_topup import eventually
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
	page = receipts.page(company, (9999, 0), 200)
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


def numbers() -> list[tuple[int, int, str]]:
	site.fresh()
	fields = ["year", "sequence", "receipt_number"]
	return [
		tuple(row)
		for row in frappe.get_all("Billing Receipt", {}, fields, order_by="year, sequence", as_list=True)
	]


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
	assert issued[-1] == (year, len(issued), f"R-{year}-{len(issued):05d}")


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


def test_a_year_begins_with_number_one() -> None:
	_company, topup = paid("50")
	with site.later(400 * 86_400):
		issuing.issue_missing()
	receipt = receipts.find(topups.find(topup.name).receipt)
	assert receipt.sequence >= 1
	assert receipt.receipt_number.startswith(f"R-{receipt.issued_at.year}-")
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
	[{"vat_rate": -1}, {"vat_rate": 100}, {"vat_rate": 7.125}, {"receipt_prefix": "a b"}],
	ids=str,
)
def test_settings_that_make_no_sense_are_refused(settings, values: dict[str, object]) -> None:
	with pytest.raises(frappe.ValidationError):
		settings(**values)
	site.fresh()


def text_of(pdf: bytes, tmp_path: Path) -> str:
	(tmp_path / "receipt.pdf").write_bytes(pdf)
	done = subprocess.run(
		["pdftotext", "-layout", "receipt.pdf", "-"], cwd=tmp_path, capture_output=True, check=True
	)
	return re.sub(r"[  \n]+", " ", done.stdout.decode())


@pytest.mark.usefixtures("with_vat")
@pytest.mark.parametrize(
	"language,expected",
	[
		("en", ["Receipt", "VAT 19%", "€7.98", "Total €50.00", "Credit note", "−€20.00", "VAT ID DE222333444"]),
		("de", ["Beleg", "USt. 19 %", "7,98 €", "Gesamt 50,00 €", "Gutschrift", "−20,00 €", "USt-IdNr. DE222333444"]),
	],
)  # fmt: skip
def test_the_pdf_speaks_the_companys_language(language: str, expected: list[str], tmp_path: Path) -> None:
	_company, topup = paid("50", make_company(language=language, **BUYER))
	done = refunds.request(topup.name, Decimal(20), "goodwill", new_id())
	issuing.issue_missing()
	site.fresh()
	credit_note = frappe.db.get_value("Billing Refund", done["refund"], "credit_note")
	receipt = receipts.find(topups.find(topup.name).receipt)
	read = text_of(receipts.pdf(receipt.name), tmp_path) + text_of(receipts.pdf(credit_note), tmp_path)
	for text in [*expected, receipt.receipt_number, "Tidenfunk GmbH", "Kaistraße 7", "20457 Hamburg"]:
		assert text in read
	assert read.count(receipt.receipt_number) >= 2, "the credit note names its receipt"


def test_what_looks_like_markup_or_a_template_stays_text(tmp_path: Path) -> None:
	address = 'Kai & Söhne, "Haus {{ 7 * 7 }}"'
	_company, topup = paid("50", make_company(address=address))
	issuing.issue_missing()
	site.fresh()
	assert address in text_of(receipts.pdf(topups.find(topup.name).receipt), tmp_path)


def test_a_customer_lists_and_downloads_own_receipts_page_by_page() -> None:
	company = make_company()
	names = [paid("50", company)[1].name for _n in range(3)]
	issuing.issue_missing()
	customer = Api(factories.make_api_customer(company))
	first = customer.get("receipts.list", limit=2).json()["message"]
	second = customer.get("receipts.list", limit=2, cursor=first["next_cursor"]).json()["message"]
	rows = first["rows"] + second["rows"]
	assert [row["topup"] for row in rows] == names[::-1]
	assert second["next_cursor"] is None
	assert (rows[0]["gross"], rows[0]["currency"], rows[0]["kind"]) == ("50.000000", "EUR", "Receipt")
	answer = customer.get("receipts.download", receipt=rows[0]["receipt"])
	assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf")
	assert answer.content.startswith(b"%PDF-")
	assert rows[0]["number"] in answer.headers["Content-Disposition"]


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
	"arguments", [{"limit": 0}, {"limit": 201}, {"cursor": "x"}, {"cursor": "2026-"}], ids=str
)
def test_a_page_that_cannot_be_is_refused(arguments: dict[str, object]) -> None:
	answer = Api(factories.make_api_customer(make_company())).get("receipts.list", **arguments)
	assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")


def test_a_missing_receipt_is_unknown() -> None:
	with pytest.raises(UnknownReceipt):
		receipts.pdf("none")


TAMPERED = {
	"a number removed": "UPDATE `tabBilling Receipt` SET sequence = sequence + 1000 WHERE name = %s",
	"another amount": "UPDATE `tabBilling Receipt` SET gross = gross + 1, net = net + 1 WHERE name = %s",
	"another company": "UPDATE `tabBilling Receipt` SET company = 'x' WHERE name = %s",
	"another tax": "UPDATE `tabBilling Receipt` SET tax = tax + 1, net = net - 1 WHERE name = %s",
}


@pytest.mark.parametrize("statement", TAMPERED.values(), ids=TAMPERED)
def test_the_proof_of_the_books_names_a_receipt_that_was_changed(statement: str) -> None:
	_company, topup = paid("50")
	issuing.issue_missing()
	site.fresh()
	name = topups.find(topup.name).receipt
	kept = frappe.db.sql(
		"SELECT sequence, gross, net, tax, company FROM `tabBilling Receipt` WHERE name = %s", (name,)
	)
	frappe.db.sql(statement, (name,))
	frappe.db.commit()
	findings = verify.verify()
	frappe.db.sql(
		"UPDATE `tabBilling Receipt` SET sequence = %s, gross = %s, net = %s, tax = %s, company = %s WHERE name = %s",
		(*kept[0], name),
	)
	frappe.db.commit()
	assert any("eceipt" in finding.check for finding in findings)
