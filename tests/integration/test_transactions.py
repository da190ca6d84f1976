"""The history of a balance: pages, sums and files agree with the ledger entry by entry."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import frappe
import pytest
from frappe.website.utils import cleanup_page_name
from werkzeug.http import parse_options_header

from prepaid_billing import ledger
from prepaid_billing.exceptions import InvalidInput
from prepaid_billing.exports import file_name, transactions
from prepaid_billing.exports import table as tables
from prepaid_billing.exports.table import safe
from prepaid_billing.ledger import checkpoints, clock, statement
from prepaid_billing.ledger.period import Period, zone_of
from prepaid_billing.ledger.verify import verify
from prepaid_billing.payments import issuing
from prepaid_billing.permissions import CUSTOMER
from prepaid_billing.portal.transactions import transactions as transactions_page
from tests import factories, site
from tests.client import Api
from tests.integration.test_refunds import paid
from tests.integration.test_settings_page import Portal
from tests.integration.test_topup import eventually
from tests.pdf import text_of
from tests.stripe_checkout import simulate

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def company() -> str:
	return factories.make_company("100")


@pytest.fixture
def customer(company: str) -> Api:
	return Api(factories.make_api_customer(company))


def book(company: str, count: int) -> None:
	"""Book small entries of changing types and signs."""
	for number in range(count):
		kind = ("Bonus", "Adjustment", "Top-up")[number % 3]
		key = f"test:{company}:{factories.new_id()}"
		if number % 4 == 3:
			ledger.debit(company, Decimal("0.000001") * (number + 1), transaction_type="Adjustment", key=key)
		else:
			ledger.credit(company, Decimal("0.01") * (number + 1), transaction_type=kind, key=key)


def call(gateway: Api, company: str, seconds: int, callee: str = "+4930123456") -> str:
	"""Make a call and return its id."""
	call_id = factories.new_id()
	gateway.ok("calls.authorize", call_id=call_id, company=company, caller="+49301", callee=callee)
	gateway.ok("calls.end", call_id=call_id, duration_sec=seconds)
	return call_id


def booked(company: str) -> list[frappe._dict]:
	"""Return the entries as they stand in the table, oldest first."""
	site.fresh()
	return frappe.db.sql(
		"SELECT name, sequence, transaction_type, CAST(amount AS CHAR) AS amount, booked_us "
		"FROM `tabBalance Transaction` WHERE balance = %s ORDER BY sequence",
		(company,),
		as_dict=True,
	)


def get(api: Api, method: str, **arguments: object) -> dict:
	answer = api.get(method, **arguments)
	assert answer.status_code == 200, answer.text
	return answer.json()["message"]


def pages(api: Api, **arguments: object) -> Iterator[dict]:
	"""Yield the answers for each page, until there is none left."""
	cursor = None
	while True:
		answer = get(api, "transactions.list", **arguments, **({"cursor": cursor} if cursor else {}))
		yield answer
		cursor = answer["next_cursor"]
		if cursor is None:
			return


def test_pages_hold_every_entry_once_newest_first(company: str, customer: Api) -> None:
	book(company, 23)
	found = [row for page in pages(customer, limit=5) for row in page["rows"]]
	assert [row["transaction"] for row in found] == [entry.name for entry in reversed(booked(company))]
	assert Decimal(found[0]["balance_after"]) == ledger.balance_of(company).balance


def test_entry_booked_while_somebody_pages_moves_no_row(company: str, customer: Api) -> None:
	book(company, 12)
	before = [entry.name for entry in reversed(booked(company))]
	first, *_rest = pages(customer, limit=5)
	book(company, 3)
	second = get(customer, "transactions.list", limit=5, cursor=first["next_cursor"])
	assert [row["transaction"] for row in first["rows"] + second["rows"]] == before[:10]


@pytest.mark.parametrize("with_checkpoints", [False, True])
def test_sums_of_a_filter_are_those_of_its_entries(
	company: str, customer: Api, gateway: Api, monkeypatch: pytest.MonkeyPatch, with_checkpoints: bool
) -> None:
	monkeypatch.setattr(checkpoints, "EVERY", 4)
	book(company, 14)
	call(gateway, company, 61)
	if with_checkpoints:
		site.fresh()
		assert checkpoints.bring_forward() >= 1
	book(company, 3)
	entries = booked(company)
	for after in (0, 1, 4, 7, 12, 16):
		for upto in (after, 5, 8, 13, 16, len(entries)):
			if upto < after:
				continue
			found = statement.sums(statement.Stretch(company, after, upto))
			wanted: dict[str, tuple[int, Decimal]] = {}
			for entry in entries[after:upto]:
				count, total = wanted.get(entry.transaction_type, (0, Decimal(0)))
				wanted[entry.transaction_type] = (count + 1, total + Decimal(entry.amount))
			assert {kind: (total.entries, total.amount) for kind, total in found.items()} == wanted


def test_checkpoints_are_written_once_by_two_jobs_and_verified(
	company: str, monkeypatch: pytest.MonkeyPatch
) -> None:
	monkeypatch.setattr(checkpoints, "EVERY", 4)
	book(company, 9)
	site.fresh()
	checkpoints.bring_forward()
	before = frappe.get_all("Ledger Checkpoint", {"company": company}, pluck="name", order_by="name")
	assert len(before) > 2
	checkpoints._write(company, 0, 8)
	frappe.db.commit()
	assert frappe.get_all("Ledger Checkpoint", {"company": company}, pluck="name", order_by="name") == before
	assert checkpoints.bring_forward() == 0


@pytest.mark.parametrize(
	"forgery",
	[
		"UPDATE `tabLedger Checkpoint` SET amount = amount + 1 WHERE company = %s AND sequence = 4 LIMIT 1",
		"UPDATE `tabLedger Checkpoint` SET entries = entries + 1 WHERE company = %s AND sequence = 8 LIMIT 1",
		"DELETE FROM `tabLedger Checkpoint` WHERE company = %s AND sequence = 8 LIMIT 1",
	],
)
def test_checkpoint_that_was_tampered_with_is_found(
	company: str, monkeypatch: pytest.MonkeyPatch, forgery: str
) -> None:
	monkeypatch.setattr(checkpoints, "EVERY", 4)
	book(company, 9)
	site.fresh()
	checkpoints.bring_forward()
	assert verify() == []
	frappe.db.sql(forgery, (company,))
	frappe.db.commit()
	findings = verify()
	assert findings and all(company in finding.subject for finding in findings)
	frappe.db.delete("Ledger Checkpoint", {"company": company})
	frappe.db.commit()


def test_totals_tell_money_in_calls_and_other_apart(company: str, customer: Api, gateway: Api) -> None:
	call(gateway, company, 60)
	key = f"test:{company}:{factories.new_id()}"
	ledger.debit(company, Decimal("3.5"), transaction_type="Adjustment", key=key)
	totals = get(customer, "transactions.list")["totals"]
	assert totals == {
		"money_in": {"entries": 1, "amount": "100.000000"},
		"calls": {"entries": 1, "amount": "-0.420000"},
		"other": {"entries": 1, "amount": "-3.500000"},
		"all": {"entries": 3, "amount": "96.080000"},
	}
	only_calls = get(customer, "transactions.list", type="Call Charge")
	assert [row["type"] for row in only_calls["rows"]] == ["Call Charge"]
	assert only_calls["totals"]["all"] == {"entries": 1, "amount": "-0.420000"}


def test_row_of_a_call_tells_its_real_and_billed_seconds_and_its_rate(
	company: str, customer: Api, gateway: Api
) -> None:
	call_id = call(gateway, company, 61)
	row = get(customer, "transactions.list")["rows"][0]
	assert (row["type"], row["amount"], row["balance_after"]) == ("Call Charge", "-0.427000", "99.573000")
	told = {key: value for key, value in row["call"].items() if key != "started_at"}
	assert told == {
		"call_id": call_id,
		"caller": "+49301",
		"callee": "+4930123456",
		"duration_sec": 61,
		"billed_sec": 61,
		"rate_per_minute": "0.420000",
	}


def test_a_day_is_that_of_the_companys_own_time_zone(company: str, customer: Api) -> None:
	"""A day before and after midnight in Auckland, which is the same day in UTC."""
	frappe.db.sql(
		"UPDATE `tabBilling Company` SET time_zone = 'Pacific/Auckland' WHERE name = %s", (company,)
	)
	frappe.db.commit()
	zone = zone_of(company)
	now = datetime.now(timezone.utc)
	midnight = (now.astimezone(zone) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
	ahead = int((midnight - now).total_seconds())
	for seconds, amount in ((ahead - 3, "1"), (ahead + 3, "2")):
		with site.later(seconds):
			factories.give(company, amount)
	day = midnight.date().isoformat()
	rows = get(customer, "transactions.list", from_date=day, to_date=day)["rows"]
	assert [row["amount"] for row in rows] == ["2.000000"]
	days = statement.days(statement.between(company, None, None, zone), zone, 10)
	assert [str(found.day) for found in days][:2] == [day, str(midnight.date() - timedelta(days=1))]


def test_days_hold_every_entry_once_however_far_apart(company: str) -> None:
	for days in (3, 3, 40, 41, 200):
		with site.later(days * 86_400):
			factories.give(company, "1")
	site.fresh()
	whole = statement.between(company, None, None, BERLIN)
	found = statement.days(whole, BERLIN, 100)
	assert [day.entries.upto - day.entries.after for day in found] == [1, 1, 1, 2, 1]
	assert sum(total.entries for day in found for total in day.sums.values()) == whole.upto
	first = statement.days(whole, BERLIN, 2)
	rest = statement.days(whole, BERLIN, 100, first[-1].entries.after + 1)
	assert [day.day for day in first + rest] == [day.day for day in found]


@pytest.mark.parametrize(
	"arguments",
	[
		{"from_date": "yesterday"},
		{"from_date": "2026-13-01"},
		{"from_date": "2026-11-02", "to_date": "2026-11-01"},
		{"type": "Call"},
		{"cursor": "x"},
		{"cursor": "0"},
		{"limit": "-1"},
	],
)
def test_filter_that_is_not_understood_is_refused(customer: Api, arguments: dict[str, str]) -> None:
	answer = customer.get("transactions.list", **arguments)
	assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")


def test_every_type_of_entry_can_be_asked_for() -> None:
	options = frappe.get_meta("Balance Transaction").get_field("transaction_type").options.split("\n")
	assert sorted(statement.TYPES) == sorted(options)


def table(answer: object, delimiter: str = ",") -> list[dict[str, str]]:
	assert answer.status_code == 200, answer.text
	return [*csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=delimiter)]


def test_table_for_programs_is_rfc_4180_and_holds_every_entry(
	company: str, customer: Api, gateway: Api
) -> None:
	call_id = call(gateway, company, 61)
	answer = customer.get("transactions.export", format="csv")
	assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
	assert "attachment" in answer.headers["Content-Disposition"]
	assert answer.headers["Cache-Control"] == "private, no-store"
	assert not answer.content.startswith(b"\xef\xbb\xbf")
	assert all(line.endswith(b"\r") for line in answer.content.split(b"\n")[:-1])
	rows = table(answer)
	assert [row["amount"] for row in rows] == ["100.000000", "-0.427000"]
	assert (rows[1]["call_id"], rows[1]["billed_sec"], rows[1]["callee"]) == (call_id, "61", "+4930123456")
	assert clock.from_aware(datetime.fromisoformat(rows[1]["booked_at"])) // 1000 == (
		booked(company)[1].booked_us // 1000
	)


def test_table_for_programs_has_the_same_words_in_every_language(
	company: str, customer: Api, gateway: Api
) -> None:
	call_id = factories.new_id()
	report(gateway, company, call_id, 61)
	report(gateway, company, call_id, 30, 1)
	key = f"test:{company}:{factories.new_id()}"
	ledger.debit(company, Decimal(1), transaction_type="Dispute", key=key, description="fraudulent")
	english, german = (customer.get("transactions.export", format="csv", _lang=to) for to in ("en", "de"))
	assert english.content == german.content
	texts = [row["description"] for row in table(german)]
	assert texts[1] == "Call to +4930555 (1:01)" and "length corrected from 1:01 to 0:30" in texts[2]
	assert texts[3] == "The payment was reported as not authorised."


def test_table_for_excel_is_as_a_german_excel_opens_it(company: str, customer: Api, gateway: Api) -> None:
	call(gateway, company, 61)
	answer = customer.get("transactions.export", format="excel", _lang="de")
	assert answer.content.startswith(b"\xef\xbb\xbf")
	rows = table(answer, ";")
	assert [row["Betrag"] for row in rows] == ["100,00", "-0,427"]
	assert rows[1]["Buchung"] == "Gesprächskosten"
	datetime.strptime(rows[1]["Gebucht am"], "%d.%m.%Y %H:%M:%S")


def test_no_cell_is_taken_for_a_formula(company: str, customer: Api) -> None:
	for number, text in enumerate(
		("=1+1", "+1+1", "-1", "@A1", " =1", "\t=1", "＝1", 'plain, "quoted"; text')
	):
		key = f"test:{company}:{number}"
		ledger.credit(company, Decimal(1), transaction_type="Bonus", key=key, description=text)
	for flavour in ("csv", "excel"):
		texts = [[*row.values()][3] for row in table(customer.get("transactions.export", format=flavour))][1:]
		assert texts == [safe(text) for text in ("=1+1", "+1+1", "-1", "@A1", " =1", "\t=1", "＝1")] + [
			'plain, "quoted"; text'
		]
		assert all(text.startswith("'") for text in texts[:-1])


def test_long_table_is_read_in_windows_and_complete(company: str, monkeypatch: pytest.MonkeyPatch) -> None:
	monkeypatch.setattr(statement, "WINDOW", 4)
	book(company, 11)
	site.fresh()
	windows = [*statement.in_order(statement.between(company, None, None, BERLIN))]
	assert [len(window) for window in windows] == [4, 4, 4]
	assert [entry.sequence for window in windows for entry in window] == [*range(1, 13)]


def test_statement_opens_with_what_stood_before_and_closes_with_what_stands_after(
	company: str, customer: Api, gateway: Api
) -> None:
	with site.later(86_400 * 2):
		factories.give(company, "5")
	with site.later(86_400 * 4):
		factories.give(company, "7")
	day = (datetime.now(zone_of(company)) + timedelta(days=2)).date().isoformat()
	answer = customer.get("transactions.export", format="pdf", from_date=day, to_date=day)
	assert answer.status_code == 200, answer.text
	assert answer.headers["Content-Type"] == "application/pdf"
	text = text_of(answer.content)
	assert "Opening balance €100.00" in text
	assert "Closing balance €105.00" in text
	assert "€112.00" not in text


def test_file_that_is_too_long_is_refused_with_a_way_out(
	company: str, customer: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
	monkeypatch.setattr(transactions, "MOST_PRINTED", 3)
	monkeypatch.setattr(transactions, "MOST_ROWS", 4)
	book(company, 3)
	site.fresh()
	wanted = statement.between(company, None, None, BERLIN)
	period = statement.named(wanted, None, None, BERLIN)
	with pytest.raises(InvalidInput, match="up to 3 transactions; this one has 4"):
		transactions.as_statement(wanted, period)
	assert transactions.as_table(wanted, period, "csv").status_code == 200
	book(company, 1)
	site.fresh()
	with pytest.raises(InvalidInput, match="up to 4 transactions; this one has 5"):
		transactions.as_table(statement.between(company, None, None, BERLIN), period, "csv")


@pytest.mark.parametrize(
	("first", "last", "count", "second"),
	[
		("2024-11-15", "2026-11-28", 3, ("2025-01-01", "2025-12-31")),
		("2024-12-15", "2026-11-28", 24, ("2025-01-01", "2025-01-31")),
		("2026-10-31", "2026-11-28", 2, ("2026-11-01", "2026-11-28")),
		("2026-11-02", "2026-11-28", 27, ("2026-11-03", "2026-11-03")),
		("2026-11-28", "2026-11-28", 1, None),
	],
)
def test_a_period_has_parts_that_leave_no_day_out(
	first: str, last: str, count: int, second: tuple[str, str] | None
) -> None:
	period = Period(date.fromisoformat(first), date.fromisoformat(last), BERLIN)
	assert [day for part in period.parts for day in part.days] == period.days
	assert len(period.parts) == count
	assert second is None or (str(period.parts[1].first), str(period.parts[1].last)) == second


def test_entries_are_counted_for_each_part_of_a_period_and_type(company: str, gateway: Api) -> None:
	call(gateway, company, 61)
	for days in (20, 40, 41):
		with site.later(days * 86_400):
			factories.give(company, "1")
	site.fresh()
	for kinds, count in (((), 5), (("Bonus",), 4), (("Call Charge",), 1), (("Refund",), 0)):
		wanted = statement.between(company, None, None, BERLIN, kinds)
		parts = statement.named(wanted, None, None, BERLIN).parts
		counted = statement.counts(wanted, parts)
		alone = [statement.between(company, part.first, part.last, BERLIN, kinds) for part in parts]
		assert counted == [
			sum(total.entries for total in statement.sums(stretch).values()) for stretch in alone
		]
		assert sum(counted) == count


@pytest.mark.parametrize(
	"method", ["transactions.list", "transactions.export", "usage.summary", "usage.export"]
)
def test_another_companys_history_is_as_unknown_as_none(method: str, company: str, customer: Api) -> None:
	other = factories.make_company("1")
	foreign, unknown = (customer.get(method, company=name, format="pdf") for name in (other, "None"))
	assert foreign.status_code == unknown.status_code == 404
	assert (
		foreign.json() == unknown.json() == {"code": "UNKNOWN_COMPANY", "error": "There is no such company."}
	)


@pytest.mark.parametrize(
	"method", ["transactions.list", "transactions.export", "usage.summary", "usage.export"]
)
def test_only_people_of_a_company_and_staff_read_its_history(
	method: str, company: str, guest: Api, gateway: Api
) -> None:
	assert guest.get(method, company=company).status_code == 401
	assert gateway.get(method, company=company).status_code == 403
	of_no_company = Api(factories.api_key_of(factories.make_user(CUSTOMER)))
	assert of_no_company.get(method, company=company).status_code == 403
	staff = Api(factories.api_key_of(factories.make_manager()[0]))
	assert staff.get(method, company=company).status_code == 200


def statement_of(customer: Api, **arguments: str) -> str:
	answer = customer.get("transactions.export", format="pdf", **arguments)
	assert answer.status_code == 200, answer.text
	return text_of(answer.content)


def test_statement_of_one_type_shows_no_balances_that_its_lines_do_not_add_up_to(
	company: str, customer: Api, gateway: Api
) -> None:
	call(gateway, company, 60)
	factories.give(company, "7")
	text = statement_of(customer, type="Bonus")
	assert "Opening balance" not in text and "Closing balance" not in text
	assert "Bonus 2 transactions €107.00" in text
	assert "Only transactions of this type are shown" in text
	whole = statement_of(customer)
	assert "Opening balance €0.00" in whole and "Closing balance €106.58" in whole


def test_a_top_up_is_not_called_one_twice(company: str, customer: Api) -> None:
	ledger.credit(
		company, Decimal(1), transaction_type="Top-up", key=f"test:{company}:t", description="Top-up"
	)
	assert "Aufladung Top-up" not in statement_of(customer, _lang="de")
	rows = table(customer.get("transactions.export", format="excel", _lang="de"), ";")
	assert (rows[-1]["Buchung"], rows[-1]["Beschreibung"]) == ("Aufladung", "")


def test_telephone_numbers_stand_in_tables_as_they_are_dialled(
	company: str, customer: Api, gateway: Api
) -> None:
	call(gateway, company, 61, callee="+49 30 555 0100")
	for flavour, written in (("csv", "{}"), ("excel", '="{}"')):
		row = [*table(customer.get("transactions.export", format=flavour))[1].values()]
		assert row[8:10] == [written.format("+49301"), written.format("+49 30 555 0100")]
	assert [safe(text) for text in ("+49 30-1", "+1+1", "=+49", "+", "+49\t1")] == [
		"'+49 30-1", "'+1+1", "'=+49", "'+", "'+49\t1"]  # fmt: skip


def test_a_text_is_guarded_only_where_it_could_be_a_formula(
	company: str, customer: Api, gateway: Api
) -> None:
	call(gateway, company, 61)
	for number, text in enumerate(("50 % off", "% of May", "a=1", "|x", "goodwill - twice")):
		ledger.credit(
			company, Decimal(1), transaction_type="Bonus", key=f"test:{company}:{number}", description=text
		)
	for flavour in ("csv", "excel"):
		texts = [[*row.values()][3] for row in table(customer.get("transactions.export", format=flavour))][1:]
		assert texts == [
			"Call to +4930123456 (1:01)",
			"50 % off",
			"% of May",
			"a=1",
			"|x",
			"goodwill - twice",
		]


@pytest.mark.parametrize(
	("method", "language", "format", "name"),
	[
		("transactions", "en", "csv", "prepaid-billing-{}-transactions-data-2026-11-01-2026-11-28.csv"),
		("transactions", "en", "excel", "prepaid-billing-{}-transactions-2026-11-01-2026-11-28.csv"),
		("transactions", "en", "pdf", "prepaid-billing-{}-statement-2026-11-01-2026-11-28.pdf"),
		("transactions", "de", "csv", "prepaid-billing-{}-buchungen-daten-2026-11-01-2026-11-28.csv"),
		("transactions", "de", "excel", "prepaid-billing-{}-buchungen-2026-11-01-2026-11-28.csv"),
		("transactions", "de", "pdf", "prepaid-billing-{}-kontoauszug-2026-11-01-2026-11-28.pdf"),
		("usage", "en", "csv", "prepaid-billing-{}-usage-data-2026-11-01-2026-11-28.csv"),
		("usage", "de", "excel", "prepaid-billing-{}-nutzung-2026-11-01-2026-11-28.csv"),
		("usage", "de", "pdf", "prepaid-billing-{}-nutzung-2026-11-01-2026-11-28.pdf"),
	],
)
def test_a_file_is_named_by_whose_it_is_what_it_holds_and_its_days(
	company: str, customer: Api, method: str, language: str, format: str, name: str
) -> None:
	days = {"from_date": "2026-11-01", "to_date": "2026-11-28"}
	answer = customer.get(f"{method}.export", format=format, _lang=language, **days)
	said = answer.headers["Content-Disposition"]
	assert f"filename={name.format(cleanup_page_name(company))}" in said.replace('"', ""), said


@pytest.mark.parametrize(
	("name", "kept"),
	[
		("Łódź Telekom", "-odz-telekom-"),
		("Nord – Süd GmbH", "-nord-sud-gmbh-"),
		("O’Neill Ltd", "-oneill-ltd-"),
		("株式会社", "prepaid-billing-"),
	],
)
def test_a_company_downloads_all_its_files_whatever_letters_its_name_has(name: str, kept: str) -> None:
	company = factories.make_company("1", company_name=f"{name} {factories.new_id()}")
	customer = Api(factories.make_api_customer(company))
	days = {"from_date": "2026-11-01", "to_date": "2026-11-28"}
	for method in ("transactions", "usage"):
		for format, ending in (("csv", "csv"), ("excel", "csv"), ("pdf", "pdf")):
			answer = customer.get(f"{method}.export", format=format, **days)
			assert answer.status_code == 200, answer.text
			said, options = parse_options_header(answer.headers["Content-Disposition"])
			assert said == "attachment" and cleanup_page_name(company) in options["filename"]
			assert options["filename"].endswith(f"-2026-11-01-2026-11-28.{ending}")
			# What programs take that know no RFC 8187.
			[plain] = re.findall(r"filename=([^;]+)", answer.headers["Content-Disposition"])
			assert plain.isascii() and kept in plain and plain.endswith(f"-2026-11-01-2026-11-28.{ending}")


@pytest.mark.parametrize(
	("language", "format", "told"),
	[
		("en", "csv", "transactions-call-charge-data"),
		("de", "excel", "buchungen-gesprächskosten"),
		("de", "pdf", "kontoauszug-gesprächskosten"),
	],
)
def test_a_file_of_one_type_says_so_in_its_name(
	company: str, customer: Api, language: str, format: str, told: str
) -> None:
	days = {"from_date": "2026-11-01", "to_date": "2026-11-28"}
	answer = customer.get("transactions.export", format=format, type="Call Charge", _lang=language, **days)
	_said, options = parse_options_header(answer.headers["Content-Disposition"])
	assert f"-{told}-2026-11-01-2026-11-28." in options["filename"]


@pytest.mark.parametrize("letter", ["x", "株"])
def test_a_long_name_of_a_company_leaves_a_file_its_kind_and_days(letter: str) -> None:
	period = Period(date(2026, 11, 1), date(2026, 11, 28), BERLIN)
	name = file_name(letter * 140, "Transactions Data", period)
	assert name.startswith(f"prepaid-billing-{letter * 20}")
	assert name.endswith(f"{letter}-transactions-data-2026-11-01-2026-11-28")
	assert len(name.encode()) <= 140


@pytest.mark.parametrize(
	"text,written",
	[
		("1234567890123456789", '="1234567890123456789"'),
		("0301234567", '="0301234567"'),
		("12E5", '="12E5"'),
		("2026-11-22", '="2026-11-22"'),
		("1/2", '="1/2"'),
		("+1+1", "'+1+1"),
		("+49 30-1", "'+49 30-1"),
		('1"&A1&"', '1"&A1&"'),
		("call-1", "call-1"),
		("3 minutes", "3 minutes"),
		("", ""),
	],
)
def test_what_excel_would_take_for_a_number_is_written_so_that_it_stays_a_text(
	text: str, written: str
) -> None:
	lines = b"".join(tables.lines("excel", ["a"], [[text]])).decode("utf-8-sig")
	assert [*csv.reader(io.StringIO(lines))][1:] == ([[written]] if written else [[""]])
	plain = b"".join(tables.lines("csv", ["a"], [[text]])).decode()
	assert [*csv.reader(io.StringIO(plain))][1:] == [[safe(text)]]


def entries_page(company: str, path: str = "view=entries") -> str:
	text = Portal(*factories.make_customer(company)).get(f"/business/billing/transactions?{path}").text
	return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_amounts_of_a_table_have_the_same_decimals_and_none_is_rounded(
	company: str, customer: Api, gateway: Api
) -> None:
	factories.give(company, "0.01234")
	portal = Portal(*factories.make_customer(company))
	for path in ("/transactions", "/transactions?view=entries", ""):
		page = portal.get(f"/business/billing{path}").text
		cells = re.findall(
			r'class="pb-number[^"]*">(?:<span class="pb-after-label">[^<]*</span>)? *([+−€][^<]*)<', page
		)
		assert (
			{"+€0.01234", "+€100.00000", "€100.01234", "€100.00000"}
			>= set(cells)
			>= {"+€0.01234", "+€100.00000"}
		), cells
	text = statement_of(customer)
	for amount in ("Opening balance €0.00000", "Closing balance €100.01234", "Bonus €0.01234 €100.01234"):
		assert amount in text, text
	call(gateway, company, 61)
	call(gateway, company, 60)
	day = clock.local_time(booked(company)[-1].booked_us, zone_of(company)).date()
	page = portal.get(f"/business/billing/transactions?open={day}").text
	assert re.findall(r'pb-amount">(−[^<]+)<', page) == ["−€0.84700", "−€0.42000", "−€0.42700"]
	sums = re.findall(r"<dd>([^<]+)</dd>", page)
	assert sums == ["+€100.01234", "−€0.84700", "€0.00000", "+€99.16534"]


def report(gateway: Api, company: str, call_id: str, seconds: int, revision: int = 0) -> None:
	row = {"call_id": call_id, "company": company, "duration_sec": seconds, "revision": revision}
	[outcome] = gateway.ok("calls.record", cdrs=[{**row, "callee": "+4930555"}])
	assert outcome["result"] == "accepted", outcome


def test_what_paid_for_a_call_is_said_in_a_whole_sentence_for_each_case(gateway: Api) -> None:
	company = factories.make_company("1")
	first, second = factories.new_id(), factories.new_id()
	report(gateway, company, first, 60)
	assert "; paid from the balance" in entries_page(company)
	report(gateway, company, first, 61, 1)
	text = entries_page(company)
	assert text.count("; paid from the balance") == 2 and "Payment" not in text
	report(gateway, company, second, 60)
	text = entries_page(company)
	assert "Payment of all calls shown: paid from the balance." in text and "; paid from" not in text
	report(gateway, company, first, 600, 2)
	text = entries_page(company)
	assert "; paid from the balance in part, the rest is owed" in text
	assert "Payment where none is stated: paid from the balance." in text and text.count("paid from") == 2
	report(gateway, company, first, 660, 3)
	assert "; owed, because the balance was used up" in entries_page(company)
	report(gateway, company, first, 30, 4)
	text = entries_page(company)
	assert "; given back to the balance" in text
	assert "paid from given" not in text.lower() and "paid from:" not in text
	site.fresh()
	day = clock.local_time(booked(company)[-1].booked_us, zone_of(company)).date()
	opened = entries_page(company, path=f"open={day}")
	assert "given back to the balance" in opened and "paid from given" not in opened.lower()
	assert "Payment where none is stated: paid from the balance." in opened
	# The sentence, three rows that show nothing but say it to a screen reader, and the one paid in part.
	assert opened.count("paid from the balance") == 5


def test_no_exception_is_taken_for_the_rule_of_what_paid_for_calls(gateway: Api) -> None:
	company = factories.make_company("0.42")
	for _number in range(3):
		report(gateway, company, factories.new_id(), 60)
	text = entries_page(company)
	assert "Payment" not in text
	assert text.count("; paid from the balance") == 1 and text.count("; owed, because") == 2


def test_a_day_that_no_file_holds_is_not_offered_as_one(
	company: str, monkeypatch: pytest.MonkeyPatch
) -> None:
	book(company, 4)
	site.fresh()
	monkeypatch.setattr(transactions, "MOST_PRINTED", 3)
	monkeypatch.setitem(frappe.form_dict, "export", "pdf")
	today = clock.local_time(booked(company)[-1].booked_us, zone_of(company)).date()
	monkeypatch.setitem(frappe.form_dict, "from_date", str(today - timedelta(days=1)))
	monkeypatch.setitem(frappe.form_dict, "to_date", str(today))

	def offered() -> tuple[str, str]:
		[part] = transactions_page(company)["shorter"]
		return part["file"], part["url"]

	file, url = offered()
	assert file == "Excel (CSV)" and "export=excel" in url
	monkeypatch.setattr(transactions, "MOST_ROWS", 4)
	file, url = offered()
	assert not url and "single entries" in file
	monkeypatch.setitem(frappe.form_dict, "from_date", str(today))
	for export in ("pdf", "csv"):
		monkeypatch.setitem(frappe.form_dict, "export", export)
		said = transactions_page(company)["too_long"]
		assert said == f"5 transactions: {file}."


@pytest.mark.parametrize(
	"query",
	["from_date=yesterday", "to_date=2026-13-01", "type=Call", "cursor=x", "view=x", "open=x", "export=x"],
)
def test_a_page_names_no_parameter_of_ours(company: str, query: str) -> None:
	text = Portal(*factories.make_customer(company)).get(f"/business/billing/transactions?{query}").text
	said = re.search(r'role="alert">([^<]+)<', text)[1]
	assert not re.search(r"[a-z]+_[a-z]+|cursor|\bview\b|\btype takes|open takes", said), said


def test_an_accountant_finds_who_sold_to_whom_and_the_number_of_each_receipt() -> None:
	company, topup = paid()
	doc = frappe.get_doc("Billing Company", company)
	doc.update({"address": "Deichstraße 9\n20459 Hamburg", "vat_id": "DE123456789"})
	doc.save()
	frappe.db.commit()
	issuing.issue_missing()
	customer = Api(factories.make_api_customer(company))
	text = statement_of(customer)
	for words in (
		"Am Sandtorkai 1 20457 Hamburg",
		f"{company} Deichstraße 9 20459 Hamburg VAT ID DE123456789",
	):
		assert words in text, text
	site.fresh()
	receipt = frappe.db.get_value("Balance Topup", topup.name, "receipt")
	number = frappe.db.get_value("Billing Receipt", receipt, "receipt_number")
	assert f"Test receipt {number}" in text, text
	assert f"Testbeleg {number}" in statement_of(customer, _lang="de")
	rows = table(customer.get("transactions.export", format="csv"))
	assert [*rows[0]][-1] == "receipt"
	assert [row["receipt"] for row in rows if row["type"] == "Top-up"] == [number]
	excel = table(customer.get("transactions.export", format="excel", _lang="de"), ";")
	assert [*excel[0].values()][-1] == number


def test_a_refund_and_its_reversal_are_linked_to_their_own_documents() -> None:
	_company, topup = paid()
	client = Api(factories.api_key_of(factories.make_manager()[0]))
	issuing.issue_missing()
	refund = client.ok(
		"topup.refund", topup=topup.name, amount="20", reason="goodwill", idempotency_key=factories.new_id()
	)["refund"]
	site.fresh()
	issuing.issue_missing()
	site.fresh()
	stripe_id = frappe.db.get_value("Billing Refund", refund, "stripe_refund_id")
	simulate(f"refunds/{stripe_id}/fail")
	eventually(lambda: frappe.db.get_value("Billing Refund", refund, "status") == "Failed")
	issuing.issue_missing()
	site.fresh()
	note, reversal = frappe.db.get_value("Billing Refund", refund, ["credit_note", "reversal"])
	page = (
		Portal(*factories.make_customer(_company))
		.get("/business/billing/transactions?view=entries&type=Refund")
		.text
	)
	links = re.findall(r'receipt=(\w+)">([^<]+)<', page)
	assert links == [(reversal, "Test of a reversal"), (note, "Test credit note")]
	text = statement_of(Api(factories.make_api_customer(_company)))
	for document in (reversal, note):
		assert frappe.db.get_value("Billing Receipt", document, "receipt_number") in text, text
