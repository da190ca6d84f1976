"""The transaction around every booking: fresh, short, retried, and never somebody else's.

Why the caller's transaction is ended first: with ``innodb_snapshot_isolation`` (the default from MariaDB 11.6)
a locking read after a plain read fails with 1020 and drops the transaction, and without it a plain read
after the lock may still see the past. So the lock of the balance is the first read of its transaction.
"""

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

import frappe
from frappe import _
from frappe.database.database import Database

from prepaid_billing.exceptions import OpenTransaction, TryAgain

T = TypeVar("T")

_ATTEMPTS = 6
_BACKOFF = 0.02
# Deadlock, lock wait timeout, "record has changed since last read", statement killed or timed out: by the
# server's word nothing of the statement, or of the whole transaction (1213, 1020), was kept.
_RETRY = frozenset({1213, 1205, 1020, 1317, 1969})
# Server gone away or shutting down, connection lost or killed: at COMMIT the outcome is unknown.
_LOST = frozenset({2006, 2013, 1927, 1053})
# No new connection is to be had: the server is starting, or full.
_UNREACHABLE = frozenset({2002, 2003, 1040})
# The whole transaction is gone, its savepoints included.
_GONE = frozenset({1213, 1020}) | _LOST
_SAVEPOINT = "prepaid_billing"


def run(work: Callable[[], T], *, join: bool = False) -> T:
	"""Run ``work`` in a transaction of its own and commit it; return what it returned.

	``work`` takes the balance lock first and is safe to run again: each booking in it has an idempotency
	key, so that a repeat finds what an attempt with unknown outcome has written.

	With ``join`` it becomes part of the caller's open transaction instead: nothing is committed, nothing of
	the caller's is rolled back, and a refusal undoes ``work`` alone. The balance stays locked until the
	caller commits, and a deadlock (QueryDeadlockError) is the caller's to retry.

	Raises OpenTransaction when the caller has uncommitted writes and does not join, or joins where the
	server's snapshot isolation makes that unsafe; TryAgain when the database stays busy; and whatever
	``work`` raises, after rolling back.
	"""
	if join:
		return _joined(work)
	if not is_free():
		raise OpenTransaction(
			_(
				"Something else was changed in the same step. Nothing was booked; save that first, then try again."
			)
		)
	frappe.local.prepaid_billing_books = True
	try:
		return _attempts(work)
	finally:
		frappe.local.prepaid_billing_books = False


def keep_count_of_writes() -> None:
	"""Let Frappe remember a transaction's writes when a savepoint in it is rolled back; once per process.

	Frappe sets its count to 0 at every statement that begins with ROLLBACK, one to a savepoint too. A booking
	that then took the transaction for empty would roll back what was written before the savepoint.
	"""
	rollback = Database.rollback
	if getattr(rollback, "keeps_count_of_writes", False):
		return

	@wraps(rollback)
	def counting(database: Database, *args: object, **options: object) -> None:
		writes = database.transaction_writes
		rollback(database, *args, **options)
		if options.get("save_point"):
			database.transaction_writes = writes

	counting.keeps_count_of_writes = True
	Database.rollback = counting


def is_free() -> bool:
	"""Whether the connection's transaction may be ended: nothing written, nothing queued, no booking open.

	A booking inside of another one's work would drop the outer one's lock and commit half of it.
	"""
	queued = frappe.db.before_commit._functions or frappe.db.after_commit._functions
	return not (frappe.db.transaction_writes or queued or is_booking())


def is_booking() -> bool:
	"""Whether this call happens inside of the work of run()."""
	return getattr(frappe.local, "prepaid_billing_books", False)


def _attempts(work: Callable[[], T]) -> T:
	for attempt in range(_ATTEMPTS):
		try:
			frappe.db.rollback()
			result = work()
			frappe.db.commit()  # nosemgrep: frappe-manual-commit -- the booking is durable before anyone is told
			return result
		except Exception as error:
			_undo(error)
			if _number(error) not in _RETRY | _LOST | _UNREACHABLE and not frappe.db.is_interface_error(
				error
			):
				raise
		time.sleep(_BACKOFF * 2**attempt * random.uniform(0.5, 1))
	raise TryAgain(_("The database is busy. Nothing was booked twice; send the same request again."))


def _joined(work: Callable[[], T]) -> T:
	if is_booking() or snapshot_isolation():
		raise OpenTransaction(
			_(
				"On this database server a booking needs a transaction of its own (innodb_snapshot_isolation is on). "
				"Nothing was booked; commit first, then book."
			)
		)
	frappe.db.savepoint(_SAVEPOINT)
	try:
		return work()
	except Exception as error:
		if _number(error) not in _GONE:
			frappe.db.rollback(save_point=_SAVEPOINT)
		raise


def snapshot_isolation() -> bool:
	"""Whether a locking read in an open transaction fails where the row has changed since its first read."""
	found = frappe.db.sql("SHOW VARIABLES LIKE 'innodb_snapshot_isolation'")
	return bool(found) and found[0][1] == "ON"


def _undo(error: Exception) -> None:
	"""Leave nothing of the attempt behind, on a new connection where the old one is lost."""
	if _number(error) not in _LOST:
		try:
			return frappe.db.rollback()
		except Exception as lost:
			if not _is_database_error(lost):
				raise
	try:
		frappe.db.connect()
	except frappe.db.OperationalError as unreachable:
		if _number(unreachable) not in _UNREACHABLE:
			raise


def _is_database_error(error: Exception) -> bool:
	return isinstance(
		error, frappe.db.OperationalError | frappe.db.InternalError
	) or frappe.db.is_interface_error(error)


def _number(error: Exception) -> int | None:
	"""Return the database's error number, also where Frappe has wrapped the error (1213, 1205)."""
	cause = (
		error.__cause__ if isinstance(error, frappe.QueryDeadlockError | frappe.QueryTimeoutError) else error
	)
	arguments = cause.args if cause else ()
	return arguments[0] if arguments and isinstance(arguments[0], int) else None


keep_count_of_writes()
