"""The low balance check over very many companies, of which few are low: one query, then its mails.

    make bench-warnings

Makes 100,000 companies in bulk, 1 % of them below their threshold, on a site of its own. Two checks then run at once, each
a process of its own; together they must send each mail once. A third must send nothing. Reports time and memory.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import frappe

from prepaid_billing.alerts import balances, check
from prepaid_billing.ledger import chain
from tests import site
from tests.factories import make_company

ROOT = Path(__file__).parents[1]
COMPANIES = 100_000
LOW_EACH = 100
"""Every hundredth company is low."""
AT_ONCE = 2_000
WANTED_QUERY_SECONDS = 2.0


def fill() -> None:
	"""Make companies with their balances as the product makes them, but in bulk: copies of one."""
	model = make_company("25", billing_emails="billing@example.com")
	for doctype, key in (("Billing Company", "company_name"), ("Prepaid Balance", "company")):
		row = frappe.db.sql(f"SELECT * FROM `tab{doctype}` WHERE name = %s", (model,), as_dict=True)[0]
		for first in range(0, COMPANIES, AT_ONCE):
			_insert(doctype, key, row, range(first, first + AT_ONCE))
		frappe.db.commit()


def _insert(doctype: str, key: str, model: dict, numbers: range) -> None:
	columns = ", ".join(f"`{column}`" for column in model)
	rows = []
	for number in numbers:
		name = f"Many {number:06d}"
		row = {**model, "name": name, key: name}
		if doctype == "Prepaid Balance":
			is_low = number % LOW_EACH == 0
			amount = 0 if is_low else 1
			row |= {
				"low_balance_threshold": 20 * is_low,
				"is_low": int(is_low),
				"balance": amount,
				"available": amount,
			}
			row |= {"last_sequence": 0, "last_hash": chain.START}
		rows.append(tuple(row[column] for column in model))
	places = ", ".join(["%s"] * len(model))
	frappe.db.sql(
		f"INSERT INTO `tab{doctype}` ({columns}) VALUES {', '.join([f'({places})'] * len(rows))}",
		[value for row in rows for value in row],
	)


def run_check() -> dict[str, float]:
	"""Run the check in this process; return when it began, its seconds, how many it warned, and memory in MB."""
	before, began = _memory(), time.time()
	checked = check.check_low_balances()
	return {
		"began": began,
		"seconds": time.time() - began,
		"warned": sum(result.sent for result in checked),
		"failed": sum(result.failed for result in checked),
		"before": before,
		"peak": _memory(),
	}


def run_at_once(processes: int) -> list[dict[str, float]]:
	"""Run the check in processes of their own that start together."""
	command = [sys.executable, "-m", "benchmarks.warnings", "check"]
	# The site's folder is the working directory by now, and Python would find other tests from there.
	begun = [
		subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _n in range(processes)
	]
	printed = [process.communicate()[0] for process in begun]
	assert not any(process.returncode for process in begun)
	return [json.loads(text.splitlines()[-1]) for text in printed]


def _memory() -> int:
	return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def mails() -> tuple[int, int]:
	"""Return how many mails of warnings are queued, and how many companies they are for."""
	frappe.db.rollback()
	return frappe.db.sql(
		"""
		SELECT COUNT(*), COUNT(DISTINCT w.company) FROM `tabEmail Queue` q
		JOIN `tabLow Balance Warning` w ON w.name = q.reference_name
		WHERE q.reference_doctype = 'Low Balance Warning'
		"""
	)[0]


def query_seconds() -> tuple[float, int]:
	"""Return how long the one query takes, and its rows."""
	began = time.perf_counter()
	found = balances.low()
	return time.perf_counter() - began, len(found)


def main() -> int:
	"""Fill, measure and print. Exit code 0 when each low company was warned once."""
	with site.connected():
		if "check" in sys.argv:
			print(json.dumps(run_check()))
			return 0
		fill()
		frappe.db.sql("ANALYZE TABLE `tabPrepaid Balance`, `tabBilling Company`")
		seconds, rows = query_seconds()
		low = COMPANIES // LOW_EACH
		print(
			f"{COMPANIES:,} companies, {low:,} low\nthe query: {seconds * 1e3:.0f} ms, {rows:,} rows",
			flush=True,
		)
		at_once = run_at_once(2)
		both = max(result["began"] + result["seconds"] for result in at_once) - min(
			result["began"] for result in at_once
		)
		for result in at_once:
			_show("of two at once", result)
		queued, companies = mails()
		print(f"both together: {both:.1f} s, {queued:,} mails for {companies:,} companies", flush=True)
		(third,) = run_at_once(1)
		_show("a third check", third)
		in_the_end, _companies = mails()
		print(f"mails in the end: {in_the_end:,}", flush=True)
	warned = sum(result["warned"] for result in at_once)
	failed = sum(result["failed"] for result in [*at_once, third])
	once = (warned, queued, companies, in_the_end) == (low, low, low, low)
	return 0 if once and not failed and not third["warned"] and seconds < WANTED_QUERY_SECONDS else 1


def _show(name: str, result: dict[str, float]) -> None:
	print(
		f"{name}: {result['seconds']:.1f} s, {result['warned']:,} warned, {result['failed']} failed, "
		f"resident memory {result['before']} MB before, {result['peak']} MB at most",
		flush=True,
	)


if __name__ == "__main__":
	sys.exit(main())
