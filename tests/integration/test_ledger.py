"""The ledger's own promises: exact, once, under the lock, for ever. And that the books say when they are wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import frappe
import pytest
from frappe.database.database import savepoint

from prepaid_billing import ledger
from prepaid_billing.calls import session
from prepaid_billing.exceptions import Duplicate, InsufficientBalance, OpenTransaction, UnknownCompany
from prepaid_billing.ledger import balance_of
from prepaid_billing.ledger.verify import CHECKS, verify
from prepaid_billing.rating.money import AmountError
from tests.factories import make_company, make_manager, new_id


def document(company: str):
	return frappe.get_doc("Prepaid Balance", company)


def booking(company: str, key: str = "one") -> dict[str, str]:
	return {"transaction_type": "Adjustment", "key": f"adjustment:{company}:{key}"}


def test_credit_and_debit_write_an_entry_each_and_the_balance_follows() -> None:
	company = make_company()
	document(company).credit(Decimal("10.5"), **booking(company, "in"))
	entry = document(company).debit(Decimal("0.500001"), **booking(company, "out"))
	assert (entry.amount, entry.balance_after, entry.sequence) == (
		Decimal("-0.500001"),
		Decimal("9.999999"),
		2,
	)
	assert balance_of(company).balance == Decimal("9.999999")


def test_reserve_and_release_write_no_entry() -> None:
	company, call = make_company("10"), new_id()
	session.authorize(call, company)
	name = frappe.db.get_value("Call Charge", {"call_id": call})
	for _time in range(2):
		document(company).reserve(name, Decimal("1.42"))
		assert balance_of(company).reserved == Decimal("1.42")
	document(company).release(name)
	assert balance_of(company).reserved == 0
	assert frappe.db.count("Balance Transaction", {"balance": company}) == 1


def test_more_than_available_is_neither_debited_nor_held() -> None:
	company, call = make_company("10"), new_id()
	session.authorize(call, company)
	name = frappe.db.get_value("Call Charge", {"call_id": call})
	with pytest.raises(InsufficientBalance):
		document(company).debit(Decimal("9.58") + Decimal("0.000001"), **booking(company))
	with pytest.raises(InsufficientBalance):
		document(company).reserve(name, Decimal("10.000001"))
	document(company).debit(Decimal("9.58"), **booking(company))
	assert balance_of(company).available == 0


def test_sums_that_floats_get_wrong_are_exact() -> None:
	company = make_company()
	exact = Decimal(0)
	for number, amount in enumerate(("0.1", "0.2", "0.000001", "999999998.7", "-0.1", "-999999998.900001")):
		exact += Decimal(amount)
		book = document(company).credit if Decimal(amount) > 0 else document(company).debit
		entry = book(abs(Decimal(amount)), **booking(company, str(number)))
		assert (entry.balance_after, balance_of(company).balance) == (exact, exact)
	assert exact == 0


@pytest.mark.parametrize(
	"amount",
	[Decimal(0), Decimal(-1), 1.5, 1, "1", None, Decimal("0.0000001"), Decimal("NaN"), Decimal(10) ** 9],
	ids=repr,
)
def test_what_is_no_positive_exact_amount_is_not_booked(amount: object) -> None:
	company = make_company()
	with pytest.raises(AmountError):
		document(company).credit(amount, **booking(company))
	assert frappe.db.count("Balance Transaction", {"balance": company}) == 0


def test_the_same_key_books_once_and_another_content_is_refused() -> None:
	company = make_company()
	first = ledger.credit(company, Decimal(5), **booking(company))
	assert ledger.credit(company, Decimal(5), **booking(company)) == first
	with pytest.raises(Duplicate):
		ledger.credit(company, Decimal(6), **booking(company))
	with pytest.raises(Duplicate):
		ledger.debit(company, Decimal(5), **booking(company))
	with pytest.raises(Duplicate):
		ledger.credit(make_company(), Decimal(5), **booking(company))
	assert balance_of(company).balance == 5


def test_a_repeated_debit_answers_also_when_the_money_is_gone() -> None:
	company = make_company("5")
	first = ledger.debit(company, Decimal(5), **booking(company))
	assert ledger.debit(company, Decimal(5), **booking(company)) == first


def test_with_uncommitted_work_of_the_caller_nothing_is_booked_and_nothing_lost() -> None:
	company = make_company()
	note = frappe.get_doc({"doctype": "ToDo", "description": "mine"}).insert()
	with pytest.raises(OpenTransaction):
		ledger.credit(company, Decimal(5), **booking(company))
	assert frappe.db.exists("ToDo", note.name)


def test_work_before_a_savepoint_that_was_rolled_back_is_still_the_callers() -> None:
	company = make_company()
	note = frappe.get_doc({"doctype": "ToDo", "description": "mine"}).insert()
	with savepoint():
		raise ZeroDivisionError
	with pytest.raises(InsufficientBalance):
		ledger.debit(company, Decimal(5), **booking(company), join=True)
	with pytest.raises(OpenTransaction):
		ledger.credit(company, Decimal(5), **booking(company))
	assert frappe.db.exists("ToDo", note.name)


def test_a_booking_inside_of_another_one_is_refused_and_costs_no_lock() -> None:
	company = make_company("10")

	def nested() -> None:
		with ledger.locked(company) as account:
			account.post("Bonus", Decimal(1), key=f"bonus:{company}:outer")
			with pytest.raises(OpenTransaction):
				ledger.credit(company, Decimal(7), **booking(company))
			with pytest.raises(OpenTransaction):
				document(company).save()

	ledger.transaction.run(nested)
	assert balance_of(company).balance == 11


def test_what_the_caller_has_queued_for_its_commit_is_not_thrown_away() -> None:
	company = make_company("10")
	ran: list[int] = []
	frappe.db.after_commit.add(lambda: ran.append(1))
	with pytest.raises(OpenTransaction):
		ledger.credit(company, Decimal(5), **booking(company))
	frappe.db.commit()
	assert ran == [1]


@pytest.mark.parametrize("name", ["A:B", ":x"])
def test_a_company_name_takes_no_colon_because_keys_are_made_of_it(name: str) -> None:
	with pytest.raises(frappe.ValidationError):
		make_company(company_name=f"{name} {new_id()}")


def test_a_balance_at_a_past_moment_is_the_replay_of_its_entries() -> None:
	company = make_company("10")
	for number in range(5):
		ledger.debit(company, Decimal(1), **booking(company, str(number)))
	entries = frappe.get_all(
		"Balance Transaction", {"balance": company}, ["booked_us", "amount"], order_by="sequence"
	)
	assert ledger.balance_at(company, entries[0].booked_us - 1) == 0
	for number, entry in enumerate(entries):
		if number + 1 == len(entries) or entries[number + 1].booked_us > entry.booked_us:
			expected = sum(Decimal(repr(row.amount)) for row in entries[: number + 1])
			assert ledger.balance_at(company, entry.booked_us) == expected


def test_an_unknown_company_has_no_ledger() -> None:
	with pytest.raises(UnknownCompany):
		ledger.credit("No such company", Decimal(5), **booking("x"))


def test_a_form_opened_before_a_debit_does_not_bring_the_money_back() -> None:
	company = make_company("10")
	form = document(company)
	ledger.debit(company, Decimal(3), **booking(company))
	form.low_balance_threshold = 8
	form.save()
	frappe.db.commit()
	view = balance_of(company)
	assert (view.balance, view.available, view.threshold) == (7, 7, 8)
	assert frappe.db.get_value("Prepaid Balance", company, "last_sequence") == 2


def test_a_form_with_forged_money_saves_its_threshold_alone() -> None:
	company = make_company("10")
	form = document(company)
	ledger.debit(company, Decimal(3), **booking(company))
	form.update(
		{"balance": 1_000, "available": 1_000, "reserved_balance": 5, "last_sequence": 9, "currency": "USD"}
	)
	form.low_balance_threshold = 8
	form.save()
	frappe.db.commit()
	view = balance_of(company)
	assert (view.balance, view.reserved, view.threshold, view.currency) == (7, 0, 8, "EUR")
	assert frappe.db.get_value("Prepaid Balance", company, "is_low") == 1


@pytest.mark.parametrize("user", ["Administrator", "manager"])
def test_nobody_edits_deletes_renames_or_adds_a_ledger_entry(user: str) -> None:
	company = make_company("10")
	name = frappe.db.get_value("Balance Transaction", {"balance": company})
	if user == "manager":
		frappe.set_user(make_manager()[0])
	entry = frappe.get_doc("Balance Transaction", name)
	refusals = (frappe.PermissionError, frappe.ValidationError)
	with pytest.raises(refusals):
		entry.update({"amount": 1}).save()
	with pytest.raises(refusals):
		frappe.delete_doc("Balance Transaction", name, force=True)
	with pytest.raises(refusals):
		frappe.rename_doc("Balance Transaction", name, "other", force=True)
	with pytest.raises(refusals):
		frappe.copy_doc(entry).insert()
	with pytest.raises(refusals):
		frappe.delete_doc("Prepaid Balance", company, force=True)
	with pytest.raises(refusals):
		frappe.delete_doc("Billing Company", company, force=True)


@pytest.mark.parametrize(
	"statement",
	[
		"UPDATE `tabPrepaid Balance` SET balance = balance + 1 WHERE name = %s",
		"UPDATE `tabPrepaid Balance` SET reserved_balance = -1, available = balance + 1 WHERE name = %s",
		"UPDATE `tabPrepaid Balance` SET is_low = 1 - is_low WHERE name = %s",
		"UPDATE `tabBalance Transaction` SET amount = 0 WHERE balance = %s",
		"UPDATE `tabBalance Transaction` SET amount = amount + 0.0000001 WHERE balance = %s",
		"UPDATE `tabBalance Transaction` SET sequence = 1 WHERE balance = %s AND sequence = 2",
		"UPDATE `tabBalance Transaction` SET idempotency_key = NULL WHERE balance = %s",
		"UPDATE `tabCall Charge` SET reserved_amount = 1 WHERE company = %s",
		"UPDATE `tabBilling Rate` SET billing_increment = 0 WHERE company = %s",
	],
)
def test_the_database_itself_refuses_what_must_not_be(statement: str) -> None:
	company, call = make_company("10"), new_id()
	session.authorize(call, company)
	session.end(call, 10)
	with pytest.raises(Exception) as refusal:
		frappe.db.sql(statement, (company,))
	assert refusal.value.args[0] in (4025, 1062)


@contextmanager
def changed(doctype: str, name: str, columns: tuple[str, ...], assignment: str) -> Iterator[None]:
	"""Change a row by SQL, as somebody with the database's password could, and put it right again."""
	before = frappe.db.get_value(doctype, name, columns, as_dict=True)
	frappe.db.sql(f"UPDATE `tab{doctype}` SET {assignment} WHERE name = %s", (name,))
	frappe.db.commit()
	try:
		yield
	finally:
		assignments = ", ".join(f"{column} = %({column})s" for column in columns)
		frappe.db.sql(
			f"UPDATE `tab{doctype}` SET {assignments} WHERE name = %(name)s", {**before, "name": name}
		)
		frappe.db.commit()


CHANGES = {
	"amount": "amount = amount + 1",
	"balance_after": "balance_after = balance_after + 1",
	"transaction_type": "transaction_type = 'Bonus'",
	"description": "description = 'another'",
	"actor": "actor = 'Guest'",
	"booked_us": "booked_us = booked_us + 1",
	"booked_at": "booked_at = booked_at - INTERVAL 1 DAY",
	"idempotency_key": "idempotency_key = CONCAT(idempotency_key, 'x')",
	"reference_name": "reference_name = 'another'",
	"sequence": "sequence = 7",
	"currency": "currency = 'USD'",
	"balance": "balance = 'Nobody'",
	"reference_doctype": "reference_doctype = 'Balance Topup'",
	"no reference": "reference_doctype = NULL",
	"entry_hash": "entry_hash = REVERSE(entry_hash)",
}


@pytest.mark.parametrize("column", CHANGES)
def test_an_entry_changed_behind_our_back_turns_the_books_red_and_is_named(column: str) -> None:
	company, call = make_company("10"), new_id()
	session.authorize(call, company)
	session.end(call, 10)
	name = frappe.db.get_value("Balance Transaction", {"balance": company, "sequence": 2})
	with changed("Balance Transaction", name, (CHANGES[column].split()[0],), CHANGES[column]):
		findings = verify()
	assert any(name in finding.subject for finding in findings), findings


BALANCE_CHANGES = {
	"balance": "balance = balance + 1, available = available + 1, is_low = (available < low_balance_threshold)",
	"reserved_balance": "reserved_balance = 1, available = balance - 1, is_low = (available < low_balance_threshold)",
	"last_sequence": "last_sequence = 9",
	"last_hash": "last_hash = ''",
	"last_booked_us": "last_booked_us = last_booked_us + 1",
}


@pytest.mark.parametrize("column", BALANCE_CHANGES)
def test_a_balance_changed_behind_our_back_turns_the_books_red(column: str) -> None:
	company = make_company("10")
	columns = (
		"balance",
		"reserved_balance",
		"available",
		"is_low",
		"last_sequence",
		"last_hash",
		"last_booked_us",
	)
	with changed("Prepaid Balance", company, columns, BALANCE_CHANGES[column]):
		findings = verify()
	assert any(company in finding.subject for finding in findings), findings


def test_every_check_of_the_books_has_a_name_of_its_own() -> None:
	assert len({check.name for check in CHECKS}) == len(CHECKS)
