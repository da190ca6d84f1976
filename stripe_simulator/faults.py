"""What goes wrong with answers of the API, when a test asks for it."""

from __future__ import annotations

import threading
from dataclasses import dataclass

KINDS = (
	"error_before",
	"error_after",
	"hang_before",
	"hang_after",
	"cut_before",
	"cut_after",
	"rate_limit",
)
"""`error` answers 500, `hang` answers late, `cut` closes the connection without an answer; before or after the work."""


@dataclass
class Fault:
	"""One kind of fault for the next `times` requests whose path begins with `path`."""

	kind: str
	times: int = 1
	path: str = ""
	method: str = ""
	seconds: int = 0

	def meets(self, method: str, path: str) -> bool:
		"""Tell whether this request shall go wrong."""
		return self.times > 0 and path.startswith(self.path) and self.method in ("", method)


class Faults:
	"""The faults that are still to come, in the order they were asked for."""

	def __init__(self) -> None:
		self._lock = threading.Lock()
		self._faults: list[Fault] = []
		self._released = threading.Event()

	def add(self, fault: Fault) -> None:
		"""Let requests go wrong from now on."""
		with self._lock:
			self._released.clear()
			self._faults.append(fault)

	def take(self, method: str, path: str) -> Fault | None:
		"""Return the fault of this request and count it, or None."""
		with self._lock:
			fault = next((fault for fault in self._faults if fault.meets(method, path)), None)
			if fault:
				fault.times -= 1
			return fault

	def hang(self, seconds: int) -> None:
		"""Wait, but no longer than until all faults are forgotten."""
		self._released.wait(seconds)

	def pending(self) -> list[Fault]:
		"""Return the faults that are still to come."""
		with self._lock:
			return [fault for fault in self._faults if fault.times > 0]

	def clear(self) -> None:
		"""Forget all faults and release those who wait."""
		with self._lock:
			self._faults.clear()
			self._released.set()
