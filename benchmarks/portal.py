"""What the customer's pages cost the server, beside an empty portal page of Frappe, with a short and a long history.

    make bench-portal

Pages are asked for in turns in one run, over kept-alive connections to the gunicorn of the test site, by a customer
who is logged in. Ratios of medians count; absolute times are those of one machine on one day. A history is a year of
calls, some of them corrected, paid for now and then, with a payment by Stripe and its receipt at its end. Also: the same
pages where no sums were written beforehand, and a long table as a file.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import frappe
import requests

from benchmarks.ledger import COLUMNS, insert
from benchmarks.measure import compare, timed
from prepaid_billing.calls import usage_counts
from prepaid_billing.calls.booked import charge_key, describe
from prepaid_billing.exports.transactions import PDF, fits
from prepaid_billing.ledger import chain, checkpoints, clock
from prepaid_billing.ledger.period import zone_of
from prepaid_billing.ledger.verify import verify
from prepaid_billing.payments import issuing, topups
from tests import site
from tests.factories import make_company, make_customer
from tests.stripe_checkout import pay

TURNS, WARM = 24, 4
SHORT, LONG = 1_000, 1_000_000
YEAR_US = 365 * 86_400 * clock.SECOND
EMPTY = "/me"
"""Frappe's own page of a portal user: a heading and a few links."""

BILLING = "/business/billing"
CALL = (
	*(
		"name",
		"creation",
		"modified",
		"owner",
		"modified_by",
		"call_id",
		"company",
		"status",
		"callee",
		"started_us",
	),
	*(
		"started_at",
		"answered_at",
		"ended_at",
		"duration_sec",
		"billed_sec",
		"duration_from",
		"end_duration_sec",
	),
	*("currency", "amount", "rate_per_minute", "billing_increment", "bookings", "settled_sequence"),
)
CALLEE = "+4930123456"
PER_SECOND = Decimal("0.007")
PAID_EVERY, CORRECTED_EVERY = 400, 40
LESS = 10
"""Seconds that a correction takes off a call."""
ROWS = 2_000


@dataclass
class Customer:
	"""A customer with a company and a login of their own."""

	company: str
	session: requests.Session
	topup: str = ""

	def pay(self) -> None:
		"""Pay by card and get the receipt."""
		begun = topups.create(self.company, Decimal(50))
		pay(begun["checkout_url"])
		topups.refresh(begun["topup"])
		issuing.issue_missing()
		self.topup = begun["topup"]

	def open(self, path: str) -> None:
		"""Ask for a page and insist on it."""
		answer = self.session.get(f"{site.WEB_URL}{path}", timeout=120)
		assert answer.status_code == 200, f"{path}: {answer.status_code}"


def new_customer() -> Customer:
	"""Make a company and somebody who is logged in for it."""
	company = make_company()
	email, password = make_customer(company)
	session = requests.Session()
	session.headers["Host"] = site.SITE_URL.split("//")[1]
	login = {"usr": email, "pwd": password}
	session.post(f"{site.WEB_URL}/api/method/login", data=login, timeout=30).raise_for_status()
	return Customer(company, session)


def fill(company: str, size: int) -> None:
	"""Give a company a year of ``size`` entries and their calls, in bulk: the books cannot tell it from booked ones."""
	last_hash, balance, entries, calls = chain.START, Decimal(0), [], []
	start = clock.now_us() - YEAR_US
	for sequence in range(1, size + 1):
		booked_us = start + YEAR_US // size * sequence
		values = entry(company, sequence, booked_us)
		balance += values["amount"]
		values["balance_after"] = balance
		last_hash = chain.entry_hash(last_hash, values)
		entries.append((*(values[column] for column in COLUMNS[:-1]), last_hash))
		if values["transaction_type"] == "Call Charge":
			calls.append(call(values, is_corrected(sequence + 1) and sequence < size))
		if len(entries) == ROWS or sequence == size:
			insert(entries)
			insert_calls(calls)
			entries, calls = [], []
	frappe.db.sql(
		"""
		UPDATE `tabPrepaid Balance` SET balance = %s, available = %s, is_low = %s < low_balance_threshold,
			last_sequence = %s, last_hash = %s, last_booked_us = %s WHERE name = %s
		""",
		(balance, balance, balance, size, last_hash, booked_us, company),
	)
	frappe.db.commit()


def is_corrected(sequence: int) -> bool:
	"""Whether an entry corrects the call of the one before it."""
	return sequence % CORRECTED_EVERY == 3


def seconds_of(sequence: int) -> int:
	"""The length of the call that an entry books first."""
	return 30 + sequence * 7919 % 600


def entry(company: str, sequence: int, booked_us: int) -> dict:
	"""Return the columns of an entry, but for its balance and hash."""
	values = {
		"name": f"{company[-8:]}{sequence}",
		"balance": company,
		"currency": "EUR",
		"sequence": sequence,
		"transaction_type": "Bonus",
		"amount": Decimal(2_000),
		"reference_doctype": None,
		"reference_name": None,
		"idempotency_key": f"bonus:{company}:filled-{sequence}",
		"description": "",
		"actor": "Administrator",
		"booked_us": booked_us,
		"booked_at": clock.site_time(booked_us),
	}
	if sequence % PAID_EVERY != 1:
		bookings = int(is_corrected(sequence))
		number, seconds = sequence - bookings, seconds_of(sequence - bookings) - LESS * bookings
		name = f"c{company[-8:]}{number}"
		values |= {
			"transaction_type": "Call Correction" if bookings else "Call Charge",
			"amount": PER_SECOND * LESS if bookings else -PER_SECOND * seconds,
			"reference_doctype": "Call Charge",
			"reference_name": name,
			"idempotency_key": charge_key(company, f"filled-{name}", bookings),
			"description": describe(CALLEE, seconds, ""),
		}
	return values


def call(values: dict, is_corrected: bool) -> tuple:
	"""Return the Call Charge of an entry."""
	seconds = seconds_of(values["sequence"]) - LESS * is_corrected
	started_us = values["booked_us"] - seconds * clock.SECOND
	started, ended = clock.site_time(started_us), values["booked_at"]
	name, bookings = values["reference_name"], 1 + is_corrected
	return (
		*(name, started, ended, "Administrator", "Administrator"),
		*(f"filled-{name}", values["balance"], "Charged", CALLEE, started_us, started, started, ended),
		*(seconds, seconds, "End", seconds, "EUR", PER_SECOND * seconds, "0.42", 1),
		*(bookings, values["sequence"] + is_corrected),
	)


def insert_calls(calls: list[tuple]) -> None:
	"""Insert Call Charges with several rows to a statement."""
	places = "(" + ", ".join(["%s"] * len(CALL)) + ")"
	frappe.db.sql(
		f"INSERT INTO `tabCall Charge` ({', '.join(CALL)}) VALUES {', '.join([places] * len(calls))}",
		[value for row in calls for value in row],
	)
	frappe.db.commit()


def pages(customer: Customer, size: int) -> Iterator[tuple[str, str]]:
	"""Yield the pages, those of a long history deep inside of it too."""
	session = topups.find(customer.topup).checkout_session_id
	month_ago = clock.local_time(clock.now_us() - 30 * 86_400 * clock.SECOND, zone_of("")).date()
	yield "overview", BILLING
	yield "top-up", f"{BILLING}/topup"
	yield "paid", f"{BILLING}/topup/success?session_id={session}"
	yield "cancelled", f"{BILLING}/topup/cancel?topup={customer.topup}"
	yield "settings", f"{BILLING}/settings"
	yield "transactions by day", f"{BILLING}/transactions"
	yield "a day with its calls", f"{BILLING}/transactions?open={month_ago}&to_date={month_ago}"
	yield "single entries", f"{BILLING}/transactions?view=entries"
	yield "single entries, half way", f"{BILLING}/transactions?view=entries&cursor={size // 2}"
	yield "one type", f"{BILLING}/transactions?type=Bonus"
	yield "a month of transactions", f"{BILLING}/transactions?from_date={month_ago}"
	yield "shorter periods for paper", f"{BILLING}/transactions?export=pdf"
	yield "usage this month", f"{BILLING}/usage?period=last_30_days"
	yield (
		"usage of a year",
		f"{BILLING}/usage?from_date={month_ago.replace(year=month_ago.year - 1)}&to_date={month_ago}",
	)


def measured(short: Customer, long: Customer) -> bool:
	"""Compare each page with an empty one, and with the same page of a short history."""
	good = True
	for (name, path), (_name, short_path) in zip(pages(long, LONG), pages(short, SHORT), strict=True):
		empty, few, many = in_turns(
			lambda: long.open(EMPTY), lambda p=short_path: short.open(p), lambda p=path: long.open(p)
		)
		good &= compare(f"{name} at {LONG:,} : empty page", many, empty, 2)
		good &= compare(f"{name} at {SHORT:,} : empty page", few, empty, 2)
		good &= compare(f"{name} at {LONG:,} : at {SHORT:,}", many, few, 1.25)
	return good


def in_turns(*works: Callable[[], None]) -> list[list[float]]:
	"""Time all in turns, each turn beginning with another one, after some turns that do not count."""
	times: list[list[float]] = [[] for _work in works]
	for turn in range(-WARM, TURNS):
		for offset in range(len(works)):
			number = (turn + offset) % len(works)
			took = timed(works[number])
			if turn >= 0:
				times[number].append(took)
	return times


def file(customer: Customer) -> None:
	"""Read the last 80 days as a file: nearly as much as one may hold."""
	address = f"{site.WEB_URL}/api/method/prepaid_billing.api.transactions.export"
	first = clock.local_time(clock.now_us() - 80 * 86_400 * clock.SECOND, zone_of("")).date()
	lines, size = 0, 0
	arguments = {"format": "csv", "from_date": str(first)}
	with customer.session.get(address, params=arguments, stream=True, timeout=600) as answer:
		for part in answer.iter_content(1 << 20):
			lines, size = lines + part.count(b"\n"), size + len(part)
	assert lines > LONG // 5, lines
	print(f"a file of {lines - 1:,} entries: {size / 1e6:.0f} MB", flush=True)


def main() -> int:
	"""Run every comparison; exit 1 where a wanted ratio does not hold."""
	with site.connected():
		short, long = new_customer(), new_customer()
		fill(short.company, SHORT)
		print(f"filled {LONG:,} entries in {timed(lambda: fill(long.company, LONG)):.0f} s", flush=True)
		for customer in (short, long):
			customer.pay()
		# With its payment the short history is too long for paper too, so that both answer with shorter periods.
		assert not fits(SHORT + 1, PDF)
		for name, path in pages(long, LONG):
			long.open(path)
			print(f"{name}, no sums written: {timed(lambda p=path: long.open(p)):.2f} s", flush=True)
		print(f"writing checkpoints: {timed(checkpoints.bring_forward):.1f} s", flush=True)
		print(f"counting usage: {timed(usage_counts.bring_forward):.1f} s", flush=True)
		good = measured(short, long)
		print(f"read in {timed(lambda: file(long)):.1f} s", flush=True)
		frappe.db.rollback()
		print(verify() or "the books are whole", flush=True)
	return 0 if good else 1


if __name__ == "__main__":
	sys.exit(main())
