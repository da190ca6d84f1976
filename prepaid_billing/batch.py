"""Work on many items, one failing item not stopping the others."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import frappe
from rq.timeouts import JobTimeoutException

from prepaid_billing.log import log

T = TypeVar("T")
R = TypeVar("R")


def each(items: Iterable[T], work: Callable[[T], R]) -> list[R]:
	"""Do ``work`` on every item and return the results; raise the first error when all have had their turn."""
	results, first_error = [], None
	for item in items:
		result, error = attempt(item, work)
		if error:
			first_error = first_error or error
		else:
			results.append(result)
	if first_error:
		raise first_error
	return results


def attempt(item: T, work: Callable[[T], R]) -> tuple[R | None, Exception | None]:
	"""Do ``work`` on an item; return its result and None, or None and its error, rolled back and logged.

	Raises JobTimeoutException: the time of the job is up, not that of the item.
	"""
	try:
		return work(item), None
	except JobTimeoutException:
		raise
	except Exception as error:
		frappe.db.rollback()
		log("item failed", item=str(item), work=work.__qualname__, error=in_words(error))
		return None, error


def in_words(error: Exception | None) -> str:
	"""Return an error in one line: its kind and what it says."""
	return f"{type(error).__name__}: {error}"
