"""The low balance check over very many companies, of which few are low: one query, then its mails.

    make bench-warnings

Makes 100,000 companies in bulk, 1 % of them below their threshold, on a site of its own; runs the check twice and reports
time, statements and memory. The second run must send nothing.
"""

from __future__ import annotations

import resource
import sys
import time

import frappe

from prepaid_billing.alerts import check
from prepaid_billing.ledger import chain
from tests import site
from tests.factories import make_company

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


def run() -> tuple[float, int, int]:
	"""Run the check; return seconds, how many were warned, and the peak memory in MB."""
	began = time.perf_counter()
	checked = check.check_low_balances()
	seconds = time.perf_counter() - began
	peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
	return seconds, sum(result.sent for result in checked), peak


def main() -> int:
	"""Fill, measure and print. Exit code 0 when each low company was warned once."""
	with site.connected():
		fill()
		frappe.db.sql("ANALYZE TABLE `tabPrepaid Balance`, `tabBilling Company`")
		before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
		began = time.perf_counter()
		found = check._found(None)
		query = time.perf_counter() - began
		frappe.db.rollback()
		first, warned, peak = run()
		second, again, peak_again = run()
		low = COMPANIES // LOW_EACH
		print(
			f"{COMPANIES:,} companies, {low:,} low\n"
			f"the query: {query * 1e3:.0f} ms, {len(found):,} rows\n"
			f"first check: {first:.1f} s, {warned:,} warned, {first / max(warned, 1) * 1e3:.1f} ms each\n"
			f"second check: {second * 1e3:.0f} ms, {again} warned\n"
			f"resident memory: {before} MB before, {peak} MB after the first, {peak_again} MB after the second",
			flush=True,
		)
		mails = frappe.db.count("Email Queue", {"reference_doctype": "Low Balance Warning"})
		print(f"mails queued: {mails:,}", flush=True)
	return 0 if (warned, again, mails) == (low, 0, low) and query < WANTED_QUERY_SECONDS else 1


if __name__ == "__main__":
	sys.exit(main())
