"""Processes that do random things to a few balances at once, one of them hot, with real commits.

Every worker writes down each operation and its outcome. At every quiet point all invariants hold; at the end
every acknowledged operation is in the books once, every refused one left nothing, and replaying each ledger
in its order gives every balance again.
"""

import json
import multiprocessing
import os
import random
import secrets
from decimal import Decimal
from pathlib import Path

import frappe

from prepaid_billing import ledger
from prepaid_billing.calls import session
from prepaid_billing.exceptions import CallClosed, InsufficientBalance
from prepaid_billing.ledger.verify import verify
from prepaid_billing.rating.money import from_database
from tests import site
from tests.concurrency.conftest import FULL
from tests.factories import make_company

PROCESSES = 8
OPERATIONS = 20_000 if FULL else 1_000
QUIET_POINTS = 5
HOT = 0.5
"""The share of all operations that goes to the first balance."""

REFUSALS = (InsufficientBalance, CallClosed)


class Worker:
	"""One process: a seed, the balances, and what it did."""

	def __init__(self, number: int, seed: int, companies: list[str], log: Path) -> None:
		self.number, self.companies, self.log = number, companies, log
		self.random = random.Random(f"{seed}-{number}")
		self.open_calls: list[str] = []
		self.done = 0

	def run(self, count: int) -> None:
		"""Do ``count`` operations and write down what came of each."""
		with self.log.open("a") as log:
			for _n in range(count):
				self.done += 1
				print(json.dumps(self.one(f"{self.number}-{self.done}")), file=log)

	def one(self, key: str) -> dict:
		"""Do one random operation; anything but an answer or a refusal fails the test."""
		hot = self.random.random() < HOT
		company = self.companies[0] if hot else self.random.choice(self.companies[1:])
		kind = self.random.choice(
			("credit", "debit", "debit", "authorize", "end", "end", "release", "repeat")
		)
		amount = Decimal(self.random.randint(1, 3_000_000)).scaleb(-6)
		if kind in ("end", "release") and not self.open_calls:
			kind = "authorize"
		try:
			return {"kind": kind, "outcome": "ok", **getattr(self, kind)(company, key, amount)}
		except REFUSALS as refusal:
			return {
				"kind": kind,
				"outcome": "refused",
				"key": f"adjustment:{company}:{key}",
				"refused_call": f"call-{key}-{company[-8:]}",
				"why": refusal.code,
			}

	def credit(self, company: str, key: str, amount: Decimal) -> dict:
		booking = {"transaction_type": "Adjustment", "key": f"adjustment:{company}:{key}"}
		ledger.credit(company, amount, **booking)
		return {"key": booking["key"], "amount": str(amount)}

	def debit(self, company: str, key: str, amount: Decimal) -> dict:
		booking = {"transaction_type": "Adjustment", "key": f"adjustment:{company}:{key}"}
		ledger.debit(company, amount, **booking)
		return {"key": booking["key"], "amount": str(-amount)}

	def repeat(self, company: str, key: str, amount: Decimal) -> dict:
		first = self.credit(company, key, amount)
		assert self.credit(company, key, amount) == first
		return first

	def authorize(self, company: str, key: str, _amount: Decimal) -> dict:
		session.authorize(
			f"call-{key}-{company[-8:]}", company, requested_seconds=self.random.randint(1, 300)
		)
		self.open_calls.append(f"call-{key}-{company[-8:]}")
		return {}

	def end(self, _company: str, _key: str, _amount: Decimal) -> dict:
		call = self.open_calls.pop(self.random.randrange(len(self.open_calls)))
		answer = session.end(call, self.random.randint(0, 400))
		return {"call": call, "cost": answer["amount"]}

	def release(self, _company: str, _key: str, _amount: Decimal) -> dict:
		call = self.open_calls.pop(self.random.randrange(len(self.open_calls)))
		session.release(call)
		return {"call": call, "cost": "0.000000"}


def work(number: int, seed: int, companies: list[str], log: Path, quiet) -> None:
	"""A process: its share of operations between quiet points, then the end of its calls."""
	worker = Worker(number, seed, companies, log)
	with site.connected():
		try:
			for _stage in range(QUIET_POINTS):
				worker.run(OPERATIONS // QUIET_POINTS)
				quiet.wait()
				quiet.wait()
		except BaseException:
			quiet.abort()
			raise


def test_eight_processes_of_random_operations_leave_books_that_prove_themselves(tmp_path: Path) -> None:
	seed = int(os.environ.get("SEED") or secrets.randbelow(10**9))
	print(f"seed {seed}: SEED={seed} repeats the choices of every process")
	companies = [make_company("50", rate_per_minute=f"0.4{number}") for number in range(5)]
	logs = [tmp_path / f"{number}.jsonl" for number in range(PROCESSES)]
	context = multiprocessing.get_context("spawn")
	quiet = context.Barrier(PROCESSES + 1, timeout=3600 if FULL else 300)
	processes = [
		context.Process(target=work, args=(number, seed, companies, logs[number], quiet))
		for number in range(PROCESSES)
	]
	for process in processes:
		process.start()
	for _stage in range(QUIET_POINTS):
		quiet.wait()
		site.fresh()
		assert verify() == []
		quiet.wait()
	for process in processes:
		process.join(timeout=60)
		assert process.exitcode == 0
	check([json.loads(line) for log in logs for line in log.read_text().splitlines()], companies)


def check(done: list[dict], companies: list[str]) -> None:
	"""Compare what the workers were told with what stands in the books."""
	assert len(done) == PROCESSES * (OPERATIONS // QUIET_POINTS) * QUIET_POINTS
	entries = frappe.db.sql(
		"""
		SELECT balance, idempotency_key, CAST(amount AS CHAR), CAST(balance_after AS CHAR)
		FROM `tabBalance Transaction` WHERE balance IN %s ORDER BY balance, sequence
		""",
		(companies,),
	)
	booked = {key: from_database(amount) for _company, key, amount, _after in entries}
	assert len(booked) == len(entries)
	told = {row["key"]: Decimal(row["amount"]) for row in done if row["outcome"] == "ok" and "amount" in row}
	bonuses = {key for key in booked if key.startswith("bonus:")}
	charges = {key: amount for key, amount in booked.items() if key.startswith("charge:")}
	assert {key: booked[key] for key in told} == told
	refused = [row for row in done if row["outcome"] == "refused"]
	assert {row["kind"] for row in refused} >= {"debit", "authorize"}
	assert not {row["key"] for row in refused} & booked.keys()
	calls = frappe.get_all("Call Charge", {"company": ["in", companies]}, pluck="call_id")
	assert not {row["refused_call"] for row in refused} & set(calls)
	assert set(booked) == set(told) | bonuses | set(charges)
	costs = {row["call"]: Decimal(row["cost"]) for row in done if row["outcome"] == "ok" and "cost" in row}
	assert {key.split(":")[2]: -amount for key, amount in charges.items()} == {
		call: cost for call, cost in costs.items() if cost
	}
	for company in companies:
		running = Decimal(0)
		for owner, _key, amount, after in entries:
			if owner == company:
				running += from_database(amount)
				assert running == from_database(after)
	assert {row["outcome"] for row in done} == {"ok", "refused"}
