"""What a call costs billing, over HTTP, beside a request of Frappe that does nothing.

    make bench-calls

Requests are sent in turns in one run, over kept-alive connections to the gunicorn of the test site. Ratios of
medians count; absolute times are those of one machine on one day. Also: CDRs in bulk against one end a request,
a file of 100,000 CDRs and the memory that it takes, and how much goes through with several gateways at once.
"""

from __future__ import annotations

import csv
import multiprocessing
import os
import resource
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import frappe
import requests

from benchmarks.measure import compare, interleaved
from prepaid_billing.cdr_file import CdrFile
from prepaid_billing.ledger.verify import verify
from tests import site
from tests.client import Api
from tests.factories import make_company, make_gateway_key

PAIRS = 400
RECORDS = 1_000
FILE_LINES = 100_000
WORKERS = (1, 2, 4, 8)
SECONDS = 8
MANY = 1_000
NOTHING = "frappe.auth.get_logged_user"
"""A method of Frappe's that needs a login and only returns who it is: the same key, the same verb, no work."""


class Gateway(Api):
	"""The call gateway, with the request that does nothing beside its own."""

	def nothing(self, **arguments: object) -> requests.Response:
		"""Send a body of the same kind to a method of Frappe that does nothing with it."""
		answer = self.session.post(f"{site.WEB_URL}/api/method/{NOTHING}", json=arguments, timeout=30)
		assert answer.status_code == 200, answer.text
		return answer


def new_calls(prefix: str) -> Iterator[str]:
	"""Yield ids that were never used."""
	run = secrets.token_hex(4)
	number = 0
	while True:
		number += 1
		yield f"{prefix}-{run}-{number}"


def one_by_one(gateway: Gateway, company: str) -> tuple[bool, float]:
	"""Compare each verb with nothing; return whether all hold, and the median of an end in seconds."""
	ids = new_calls("single")
	open_calls: list[str] = []

	def authorize() -> None:
		call = next(ids)
		gateway.ok("calls.authorize", call_id=call, company=company, callee="+4930123456")
		open_calls.append(call)

	def nothing() -> None:
		gateway.nothing(call_id="single-0", company=company, callee="+4930123456")

	def extend() -> None:
		call = open_calls.pop(0)
		gateway.ok("calls.extend", call_id=call, used_seconds=45, request_number=1)
		open_calls.append(call)

	def end() -> None:
		gateway.ok("calls.end", call_id=open_calls.pop(0), duration_sec=61)

	good = compare("calls.authorize : nothing", *interleaved(authorize, nothing, PAIRS), 1.5)
	compare("calls.extend : nothing", *interleaved(extend, nothing, PAIRS), 2.0)
	ends, nothings = interleaved(end, nothing, PAIRS)
	good &= compare("calls.end : nothing", ends, nothings, 1.5)
	return good, statistics.median(ends)


def bulk(gateway: Gateway, companies: list[str], one_end: float) -> bool:
	"""Compare CDRs by the thousand with ends one by one, per call."""
	ids, times = new_calls("bulk"), []
	for _request in range(5):
		rows = [
			{"call_id": next(ids), "company": companies[number % len(companies)], "duration_sec": 61}
			for number in range(RECORDS)
		]
		start = time.perf_counter()
		answers = gateway.ok("calls.record", cdrs=rows)
		times.append((time.perf_counter() - start) / RECORDS)
		assert {answer["result"] for answer in answers} == {"accepted"}
	return faster("calls.record", statistics.median(times), one_end)


def faster(what: str, per_call: float, one_end: float) -> bool:
	"""Print how many times faster than calls.end a call is, and say whether that is enough."""
	times = one_end / per_call
	print(
		f"{what}: {per_call * 1e6:.0f} us a call, {times:.1f} x faster than calls.end (wanted >= 10)",
		flush=True,
	)
	return times >= 10


def import_file(companies: list[str], one_end: float) -> bool:
	"""Import a file of 100,000 CDRs in a process of its own, and compare its memory after one window and at the end."""
	with tempfile.TemporaryDirectory() as folder:
		path = Path(folder) / "cdrs.csv"
		write_file(path, companies)
		context = multiprocessing.get_context("spawn")
		with context.Pool(1) as pool:
			seconds, first, last = pool.apply(measured_import, (path,))
	print(
		f"a file of {FILE_LINES:,} CDRs: {seconds:.1f} s, resident memory {first / 1024:.0f} MB after the first window, "
		f"{last / 1024:.0f} MB at the end (wanted <= 1.1 x)",
		flush=True,
	)
	return faster("import-cdrs", seconds / FILE_LINES, one_end) & (last <= first * 1.1)


def write_file(path: Path, companies: list[str]) -> None:
	"""Write a file of calls that were never heard of, of all companies in turn."""
	ids = new_calls("file")
	with path.open("w", newline="") as target:
		writer = csv.writer(target, lineterminator="\n")
		writer.writerow(["call_id", "company", "duration_sec", "callee", "started_at"])
		for number in range(FILE_LINES):
			company = companies[number % len(companies)]
			writer.writerow([next(ids), company, 61, "+4930123456", "2026-11-22T14:05:00+01:00"])


def measured_import(path: Path) -> tuple[float, int, int]:
	"""Import a file; return seconds, and the peak memory in KiB after the first window and at the end."""
	peaks: list[int] = []

	def note(_read: int) -> None:
		peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

	with site.connected():
		start = time.perf_counter()
		done = CdrFile(path).book(note)
		seconds = time.perf_counter() - start
	assert done.counts == {"accepted": FILE_LINES, "refused": 0}, done
	return seconds, peaks[1], peaks[-1]


def throughput(key: str, hot: list[str], many: list[str]) -> list[tuple[int, float, float]]:
	"""Return calls a second, authorised and ended, by how many gateways at once: on one company, on a thousand."""
	points = []
	for workers in WORKERS:
		points.append((workers, *(calls_a_second(key, workers, companies) for companies in (hot, many))))
		print(
			f"{workers} gateways at once: {points[-1][1]:.0f} calls/s on one company, {points[-1][2]:.0f} on {len(many):,}",
			flush=True,
		)
	return points


def calls_a_second(key: str, workers: int, companies: list[str]) -> float:
	"""Let gateways authorise and end calls for some seconds, and count the calls."""
	deadline = time.perf_counter() + SECONDS

	def drive(number: int) -> int:
		gateway, ids, done = Gateway(key), new_calls(f"busy{number}"), 0
		while time.perf_counter() < deadline:
			call = next(ids)
			company = companies[(done * workers + number) % len(companies)]
			gateway.ok("calls.authorize", call_id=call, company=company)
			gateway.ok("calls.end", call_id=call, duration_sec=61)
			done += 1
		return done

	with ThreadPoolExecutor(workers) as pool:
		return sum(pool.map(drive, range(workers))) / SECONDS


def plot(points: list[tuple[int, float, float]], target: Path) -> None:
	"""Draw throughput over gateways."""
	from matplotlib import pyplot

	figure, axes = pyplot.subplots(figsize=(7, 4))
	gateways = [point[0] for point in points]
	axes.plot(gateways, [point[1] for point in points], "o-", label="one hot company")
	axes.plot(gateways, [point[2] for point in points], "s--", label=f"{MANY:,} companies")
	axes.set_xlabel("gateways at once")
	axes.set_ylabel("calls a second, authorised and ended")
	axes.set_ylim(bottom=0)
	axes.legend()
	axes.grid(alpha=0.3)
	figure.tight_layout()
	figure.savefig(target, dpi=120)


def companies_with_money(count: int) -> list[str]:
	"""Make companies that can pay for everything here."""
	return [make_company("100000") for _n in range(count)]


def main() -> int:
	"""Run every comparison; exit 1 where a wanted ratio does not hold."""
	checks: list[Callable[[], bool]] = []
	with site.connected():
		key = make_gateway_key()
		gateway, companies = Gateway(key), companies_with_money(20)
		good, one_end = one_by_one(gateway, companies[0])
		checks += [
			lambda: bulk(gateway, companies, one_end),
			lambda: import_file(companies, one_end),
		]
		good &= all([check() for check in checks])
		points = throughput(key, companies[:1], companies_with_money(MANY))
		if target := os.environ.get("PLOT"):
			plot(points, Path(target))
		frappe.db.rollback()
		print(verify() or "the books are whole", flush=True)
	return 0 if good else 1


if __name__ == "__main__":
	sys.exit(main())
