"""A process that dies in the middle of a booking: all of it stands or nothing, and the same key finishes it."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from decimal import Decimal

import frappe

from prepaid_billing import ledger
from prepaid_billing.calls import session
from prepaid_billing.ledger import balance_of
from prepaid_billing.rating.money import from_database
from tests import site
from tests.factories import make_company, new_id


def killed_after(statement: int, work: Callable[[], object]) -> bool:
	"""Run ``work`` in a process that is killed after so many SQL statements; return whether it came so far."""

	def child() -> None:
		with site.connected():
			execute, done = frappe.db.sql, 0

			def counted(*query: object, **options: object) -> object:
				nonlocal done
				result = execute(*query, **options)
				done += 1
				if done == statement:
					os.kill(os.getpid(), signal.SIGKILL)
				return result

			frappe.db.sql = counted
			work()

	process = multiprocessing.get_context("fork").Process(target=child)
	process.start()
	process.join(timeout=60)
	assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
	return process.exitcode != 0


def entries(company: str) -> list[Decimal]:
	site.fresh()
	rows = frappe.db.sql_list(
		"SELECT CAST(amount AS CHAR) FROM `tabBalance Transaction` WHERE balance = %s ORDER BY sequence",
		(company,),
	)
	return [from_database(amount) for amount in rows]


def test_a_booking_killed_after_any_statement_stands_whole_or_not_at_all() -> None:
	company = make_company("10")
	statement, killed = 0, True
	while killed:
		statement += 1

		def book(key: str = str(statement)) -> ledger.Entry:
			key = f"bonus:{company}:{key}"
			return ledger.credit(company, Decimal(1), transaction_type="Bonus", key=key)

		killed = killed_after(statement, book)
		site.fresh()
		assert balance_of(company).balance == sum(entries(company))
		book()
		assert balance_of(company).balance == sum(entries(company)) == 10 + statement
	assert statement > 4


def test_the_end_of_a_call_killed_after_any_statement_is_charged_once() -> None:
	company = make_company("100")
	statement, killed = 0, True
	while killed:
		statement += 1
		call = new_id()
		session.authorize(call, company)
		killed = killed_after(statement, lambda call=call: session.end(call, 10))
		site.fresh()
		view = balance_of(company)
		charged = frappe.db.get_value("Call Charge", {"call_id": call}, "status") == "Charged"
		assert view.reserved == (0 if charged else Decimal("0.42"))
		assert len(entries(company)) == statement + charged
		session.end(call, 10)
		assert balance_of(company).balance == sum(entries(company)) == 100 - statement * Decimal("0.07")
	assert statement > 5
