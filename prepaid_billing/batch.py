"""Work on many items, one failing item not stopping the others."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import frappe

from prepaid_billing.log import log

T = TypeVar("T")
R = TypeVar("R")


def each(items: Iterable[T], work: Callable[[T], R]) -> list[R]:
	"""Do ``work`` on every item and return the results; raise the first error when all have had their turn."""
	results, first_error = [], None
	for item in items:
		try:
			results.append(work(item))
		except Exception as error:
			frappe.db.rollback()
			log(
				"item failed",
				item=str(item),
				work=work.__qualname__,
				error=f"{type(error).__name__}: {error}",
			)
			first_error = first_error or error
	if first_error:
		raise first_error
	return results
