"""No error of the database reaches a caller, whichever way the server isolates: API, job, command, document."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import frappe
import pytest
from frappe.utils.background_jobs import execute_job

from prepaid_billing import ledger
from prepaid_billing.exceptions import InsufficientBalance, OpenTransaction, TryAgain
from prepaid_billing.ledger import balance_of, transaction
from prepaid_billing.permissions import MANAGER
from tests import factories, site
from tests.client import Api
from tests.concurrency.at_once import at_once
from tests.factories import make_company, new_id
from tests.integration.test_commands import bench

WORKERS = 8
ROUNDS = 10
NOBODY_LISTENS = 1


def debit_as_a_job(company: str, key: str) -> None:
	"""What a background job of another app may do: read something, then book."""
	frappe.get_all("Billing Company", limit=5)
	ledger.debit(company, Decimal("0.01"), transaction_type="Adjustment", key=f"adjustment:{company}:{key}")


def read_first() -> None:
	"""Open the snapshot as a request has, before any code of ours runs."""
	frappe.get_all("Billing Company", limit=5)
	frappe.db.sql("SELECT * FROM `tabPrepaid Balance` LIMIT 5")


def test_the_server_does_raise_1020_where_a_lock_follows_a_read(snapshot_isolation: bool) -> None:
	"""The canary: without it the tests below would prove nothing."""
	company = make_company("10")
	site.fresh()
	read_first()
	at_once(
		lambda _n: ledger.credit(company, Decimal(1), transaction_type="Bonus", key=f"bonus:{company}:x"), 1
	)
	lock = "SELECT balance FROM `tabPrepaid Balance` WHERE name = %s FOR UPDATE"
	if snapshot_isolation:
		with pytest.raises(Exception) as failure:
			frappe.db.sql(lock, (company,))
		assert failure.value.args[0] == 1020 or failure.value.__cause__.args[0] == 1020
	else:
		assert frappe.db.sql(lock, (company,))[0][0] == 11


def test_documents_own_methods(snapshot_isolation: bool) -> None:
	company = make_company("10")

	def work(number: int) -> None:
		for turn in range(ROUNDS):
			balance = frappe.get_doc("Prepaid Balance", company)
			read_first()
			key = f"adjustment:{company}:{number}-{turn}"
			balance.debit(Decimal("0.01"), transaction_type="Adjustment", key=key)

	at_once(work, WORKERS)
	site.fresh()
	assert balance_of(company).balance == 10 - Decimal("0.01") * WORKERS * ROUNDS


def test_saving_the_form_while_money_moves(snapshot_isolation: bool) -> None:
	company = make_company("10")

	def work(number: int) -> None:
		for turn in range(ROUNDS):
			if number == 0:
				form = frappe.get_doc("Prepaid Balance", company)
				read_first()
				form.low_balance_threshold = turn + 1
				form.save()
				frappe.db.commit()
			else:
				read_first()
				debit_as_a_job(company, f"{number}-{turn}")

	at_once(work, WORKERS)
	site.fresh()
	view = balance_of(company)
	assert view.balance == 10 - Decimal("0.01") * (WORKERS - 1) * ROUNDS
	assert view.threshold == ROUNDS


def test_saving_over_rest_while_money_moves(snapshot_isolation: bool) -> None:
	company, key = make_company("10"), factories.api_key_of(factories.make_user(MANAGER))

	def work(number: int) -> list[int]:
		statuses = []
		for turn in range(ROUNDS):
			if number:
				read_first()
				debit_as_a_job(company, f"{number}-{turn}")
				continue
			url = f"{site.WEB_URL}/api/resource/Prepaid Balance/{company}"
			answer = Api(key).session.put(url, json={"low_balance_threshold": turn + 1}, timeout=30)
			statuses.append(answer.status_code)
		return statuses

	assert at_once(work, WORKERS)[0] == [200] * ROUNDS
	site.fresh()
	view = balance_of(company)
	assert (view.balance, view.threshold) == (10 - Decimal("0.01") * (WORKERS - 1) * ROUNDS, ROUNDS)


def test_background_jobs(snapshot_isolation: bool) -> None:
	company = make_company("10")

	def work(number: int) -> None:
		for turn in range(ROUNDS):
			execute_job(
				site.NAME,
				debit_as_a_job,
				"test",
				"test",
				{"company": company, "key": f"{number}-{turn}"},
				user="Administrator",
			)

	with ThreadPoolExecutor(WORKERS) as pool:
		list(pool.map(work, range(WORKERS)))
	site.fresh()
	assert balance_of(company).balance == 10 - Decimal("0.01") * WORKERS * ROUNDS


def test_the_api(snapshot_isolation: bool) -> None:
	company, key = make_company("100"), factories.make_gateway_key()

	def calls(_number: int) -> list[int]:
		api, statuses = Api(key), []
		for _turn in range(ROUNDS):
			call = new_id()
			statuses.append(api.post("calls.authorize", call_id=call, company=company).status_code)
			statuses.append(api.post("calls.end", call_id=call, duration_sec=15).status_code)
		return statuses

	with ThreadPoolExecutor(WORKERS) as pool:
		assert {status for statuses in pool.map(calls, range(WORKERS)) for status in statuses} == {200}
	site.fresh()
	assert balance_of(company).balance == 100 - Decimal("0.105") * WORKERS * ROUNDS


def test_the_command_line(snapshot_isolation: bool) -> None:
	company = make_company("1000", low_balance_threshold=2000, billing_emails="billing@example.com")
	going_on = threading.Event()
	going_on.set()

	def book() -> int:
		booked = 0
		with site.connected():
			while going_on.is_set():
				booked += 1
				debit_as_a_job(company, str(booked))
		return booked

	with ThreadPoolExecutor(2) as pool:
		booking = [pool.submit(book)]
		try:
			assert "1 warned" in bench("prepaid-billing", "check-low-balances", "--company", company)
			assert "The books are whole." in bench("prepaid-billing", "verify-ledger")
		finally:
			going_on.clear()
		booked = booking[0].result()
	site.fresh()
	assert booked > 10
	assert balance_of(company).balance == 1000 - Decimal("0.01") * booked


def joined(company: str, amount: Decimal, key: str) -> None:
	ledger.debit(company, amount, transaction_type="Adjustment", key=f"adjustment:{company}:{key}", join=True)


def test_a_booking_joins_the_callers_transaction_where_that_is_safe(snapshot_isolation: bool) -> None:
	company = make_company("10")
	site.fresh()
	note = frappe.get_doc({"doctype": "ToDo", "description": "the caller's"}).insert().name
	if snapshot_isolation:
		with pytest.raises(OpenTransaction):
			joined(company, Decimal(1), "one")
		assert frappe.db.exists("ToDo", note)
		frappe.db.rollback()
		return
	joined(company, Decimal(1), "one")
	with pytest.raises(InsufficientBalance):
		joined(company, Decimal(100), "two")
	assert frappe.db.exists("ToDo", note)
	assert at_once(lambda _n: balance_of(company).balance, 1) == [10]
	frappe.db.rollback()
	assert balance_of(company).balance == 10
	joined(company, Decimal(1), "one")
	frappe.db.commit()
	assert at_once(lambda _n: balance_of(company).balance, 1) == [9]


def test_a_busy_database_is_told_as_try_again_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
	company = make_company("10")
	monkeypatch.setattr(transaction, "_BACKOFF", 0.001)
	attempts = []

	def deadlocked() -> None:
		with ledger.locked(company) as account:
			account.post("Bonus", Decimal(1), key=f"bonus:{company}:never")
			attempts.append(1)
			raise frappe.QueryDeadlockError from frappe.db.OperationalError(1213, "Deadlock found")

	with pytest.raises(transaction.TryAgain):
		transaction.run(deadlocked)
	assert len(attempts) == 6
	assert balance_of(company).balance == 10


def test_a_connection_killed_before_or_at_commit_ends_in_one_booking() -> None:
	company = make_company("10")
	for turn in range(20):
		killed = []

		def work(turn: int = turn, killed: list = killed) -> object:
			with ledger.locked(company) as account:
				entry = account.post("Bonus", Decimal(1), key=f"bonus:{company}:{turn}")
			if not killed:
				killed.append(1)
				if turn % 2:
					# the answer to COMMIT is lost: it happened, and nobody told us
					frappe.db.sql("COMMIT")
				kill_own_connection()
			return entry

		transaction.run(work)
	assert balance_of(company).balance == 30


def test_a_database_that_takes_no_connections_is_a_passing_fault() -> None:
	company, key = make_company("10"), new_id()
	port = frappe.db.port

	def work() -> None:
		frappe.db.port = NOBODY_LISTENS
		kill_own_connection()
		frappe.db.sql("SELECT 1")

	try:
		with pytest.raises(TryAgain):
			transaction.run(work)
	finally:
		frappe.db.port = port
		frappe.db.connect()
	ledger.credit(company, Decimal(1), transaction_type="Bonus", key=f"bonus:{company}:{key}")
	assert balance_of(company).balance == 11


def kill_own_connection() -> None:
	number = frappe.db.sql("SELECT CONNECTION_ID()")[0][0]

	def kill(_number: int) -> None:
		frappe.db.sql(f"KILL CONNECTION {number}")

	at_once(kill, 1)
