"""What one posting costs beside its floor: the same statements, sent through PyMySQL with nothing around them.

    make bench-ledger

Interleaved in one run, so that whatever else the machine does falls on both alike. Ratios of medians count;
absolute times are those of one machine on one day. Also: postings into a ledger of a million rows against
one of a thousand, and against a balance that is summed up from its entries each time, as a plot.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import frappe
import pymysql

from benchmarks.measure import compare, interleaved, timed
from prepaid_billing import ledger
from prepaid_billing.ledger import chain, clock
from prepaid_billing.ledger.verify import verify
from tests import site
from tests.factories import make_company

PAIRS = 2_000
SIZES = (1_000, 10_000, 100_000)
MILLION = 1_000_000
COLUMNS = ("name", *chain.FIELDS[1:], "entry_hash")


class Recorder:
	"""A cursor that writes down what is sent through it."""

	def __init__(self, cursor: object) -> None:
		self.cursor = cursor
		self.sent: list[tuple[str, object]] = []

	def execute(self, query: str, values: object = None) -> object:
		"""Send a statement and remember it."""
		self.sent.append((query, values))
		return self.cursor.execute(query, values)

	def __getattr__(self, name: str) -> object:
		return getattr(self.cursor, name)


class Floor:
	"""The statements of one posting, as the product sends them, on a bare connection and another balance."""

	def __init__(self, company: str) -> None:
		self.company = company
		self.connection = pymysql.connect(
			host=frappe.conf.db_host,
			port=frappe.conf.db_port,
			user=frappe.conf.db_name,
			password=frappe.conf.db_password,
			database=frappe.conf.db_name,
		)
		self.cursor = self.connection.cursor()
		self.statements = self._recorded()
		self.sequence = MILLION

	def post(self) -> None:
		"""Send the statements of one posting with fresh keys and figures, and fetch what they return.

		The figures change because an UPDATE to what stands there already would cost the server nothing.
		"""
		self.sequence += 1
		for query, values in self.statements:
			self.cursor.execute(query, self._fresh(values) if isinstance(values, dict) else values)
			self.cursor.fetchall()

	def undo(self) -> None:
		"""Leave the books as they were: the floor writes entries that belong to no chain."""
		self.cursor.execute("DELETE FROM `tabBalance Transaction` WHERE sequence > %s", (MILLION,))
		for query, values in self.statements:
			if isinstance(values, dict) and "last_hash" in values:
				self.cursor.execute(query, values)
		self.connection.commit()
		self.connection.close()

	def _fresh(self, values: dict) -> dict:
		key, more = f"floor-{self.sequence}", Decimal("0.01") * (self.sequence - MILLION)
		if "entry_hash" in values:
			return {**values, "name": key, "idempotency_key": key, "sequence": self.sequence}
		sums = {name: values[name] + more for name in ("balance", "available")}
		return {**values, **sums, "last_sequence": self.sequence, "last_hash": f"{self.sequence:064}"}

	def _recorded(self) -> list[tuple[str, object]]:
		recorder = Recorder(frappe.db._cursor)
		frappe.db._cursor = recorder
		post(self.company)
		frappe.db._cursor = recorder.cursor
		return recorder.sent


def post(company: str) -> None:
	"""One posting, as the product does it."""
	key = f"bonus:{company}:{frappe.generate_hash(length=16)}"
	ledger.credit(company, Decimal("0.01"), transaction_type="Bonus", key=key)


def fill(company: str, entries: int) -> None:
	"""Give a balance a whole chain of ``entries``, in bulk: the database cannot tell it from booked ones."""
	row = frappe.db.get_value("Prepaid Balance", company, ["last_sequence", "last_hash", "balance"])
	sequence, last_hash, balance = row[0], row[1] or chain.START, Decimal(repr(row[2]))
	now = clock.now_us()
	rows: list[tuple] = []
	for values in chained(company, sequence, balance, entries, now):
		last_hash = chain.entry_hash(last_hash, values)
		rows.append((*(values[column] for column in COLUMNS[:-1]), last_hash))
		if len(rows) == 5_000:
			insert(rows)
			rows = []
	insert(rows)
	after = balance + Decimal("0.01") * entries
	frappe.db.sql(
		"""
		UPDATE `tabPrepaid Balance` SET balance = %s, available = %s, is_low = %s < low_balance_threshold,
			last_sequence = %s, last_hash = %s, last_booked_us = %s WHERE name = %s
		""",
		(after, after, after, sequence + entries, last_hash, now, company),
	)
	frappe.db.commit()


def chained(company: str, sequence: int, balance: Decimal, entries: int, now: int) -> Iterator[dict]:
	"""Yield the columns of each entry, but for its hash."""
	for number in range(1, entries + 1):
		yield {
			"name": f"{company[-8:]}{sequence + number}",
			"balance": company,
			"currency": "EUR",
			"sequence": sequence + number,
			"transaction_type": "Bonus",
			"amount": Decimal("0.01"),
			"balance_after": balance + Decimal("0.01") * number,
			"reference_doctype": None,
			"reference_name": None,
			"idempotency_key": f"bonus:{company}:filled-{sequence + number}",
			"description": "",
			"actor": "Administrator",
			"booked_us": now,
			"booked_at": clock.site_time(now),
		}


def insert(rows: list[tuple]) -> None:
	"""Insert entries with several rows to a statement."""
	if not rows:
		return
	columns = ", ".join(COLUMNS)
	places = "(" + ", ".join(["%s"] * len(COLUMNS)) + ")"
	flat = [value for row in rows for value in row]
	frappe.db.sql(
		f"INSERT INTO `tabBalance Transaction` ({columns}) VALUES {', '.join([places] * len(rows))}", flat
	)
	frappe.db.commit()


def summed(company: str) -> None:
	"""Read a balance as the sum of its entries, as a ledger without a balance row has to for each decision."""
	frappe.db.sql("SELECT SUM(amount) FROM `tabBalance Transaction` WHERE balance = %s", (company,))


def against_sum(company: str) -> list[tuple[int, float, float]]:
	"""Return (entries, posting, sum) medians in seconds as the ledger of one company grows."""
	points, filled = [], 0
	for size in SIZES:
		fill(company, size - filled)
		filled = size
		one, other = interleaved(lambda: post(company), lambda: summed(company), 100)
		points.append((size, statistics.median(one), statistics.median(other)))
		print(
			f"{size:>9} entries: posting {points[-1][1] * 1e3:.2f} ms, balance by SUM {points[-1][2] * 1e3:.2f} ms",
			flush=True,
		)
	return points


def plot(points: list[tuple[int, float, float]], target: Path) -> None:
	"""Draw posting and SUM over the number of entries."""
	from matplotlib import pyplot

	sizes = [size for size, _post, _sum in points]
	figure, axes = pyplot.subplots(figsize=(7, 4))
	axes.loglog(
		sizes, [posting * 1e3 for _size, posting, _sum in points], "o-", label="one posting (balance row)"
	)
	axes.loglog(
		sizes, [total * 1e3 for _size, _post, total in points], "s--", label="balance by SUM over the entries"
	)
	axes.set_xlabel("entries of the company")
	axes.set_ylabel("milliseconds, median")
	axes.legend()
	axes.grid(alpha=0.3)
	figure.tight_layout()
	figure.savefig(target, dpi=120)


def main() -> int:
	"""Run every comparison; exit 1 where a wanted ratio does not hold."""
	with site.connected():
		small = make_company("10")
		fill(small, 1_000)
		floor = Floor(make_company("100"))
		good = compare(
			"one posting : its statements alone", *interleaved(lambda: post(small), floor.post, PAIRS), 1.5
		)
		floor.undo()

		points = against_sum(make_company("10"))
		if target := os.environ.get("PLOT"):
			plot(points, Path(target))

		large = make_company("10")
		fill(large, MILLION)
		good &= compare(
			"posting at 1,000,000 rows : at 1,000",
			*interleaved(lambda: post(large), lambda: post(small), PAIRS),
			1.25,
		)
		print(
			f"verify-ledger over all of it: {timed(lambda: print(verify() or 'the books are whole')):.1f} s",
			flush=True,
		)
	return 0 if good else 1


if __name__ == "__main__":
	sys.exit(main())
