"""Threads that do the same thing at the same moment, and processes that share work, each on a connection of its own."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

import frappe

from prepaid_billing.exceptions import BillingError
from tests import site

BARRIER_SECONDS = 60


def at_once(work: Callable[[int], object], count: int) -> list:
	"""Run ``work(number)`` in ``count`` threads that start together; return what each returned."""
	return at_once_in_rounds(lambda _round, number: work(number), count, 1)[0]


def at_once_in_rounds(work: Callable[[int, int], object], count: int, rounds: int) -> list[list]:
	"""Run ``work(round, number)`` in ``count`` threads that start each round together; return a list per round."""
	start = threading.Barrier(count, timeout=BARRIER_SECONDS)

	def run(number: int) -> list:
		with site.connected():
			results = []
			for turn in range(rounds):
				start.wait()
				results.append(work(turn, number))
			return results

	with ThreadPoolExecutor(count) as pool:
		return [list(results) for results in zip(*pool.map(run, range(count)), strict=True)]


def in_processes(work: Callable, shares: Sequence[tuple]) -> list:
	"""Do ``work(*share)`` in a forked process for each share; return what each returned."""
	frappe.db.close()  # a connection is no thing to share with a fork
	try:
		with get_context("fork").Pool(len(shares)) as pool:
			return pool.starmap(_connected, [(work, *share) for share in shares])
	finally:
		frappe.db.connect()


def _connected(work: Callable, *arguments: object) -> object:
	with site.connected():
		return work(*arguments)


def outcome(work: Callable[[], object]) -> str:
	"""Return "done", the code of a refusal, or the name of an error that no caller should ever see."""
	try:
		work()
	except BillingError as refusal:
		return refusal.code
	except Exception as error:
		return type(error).__name__
	return "done"
