"""The simulator's time, which a test can move ahead."""

from __future__ import annotations

import time


class Clock:
	"""Unix seconds, real until advanced. Webhook signatures never use it: receivers check real time."""

	def __init__(self) -> None:
		self._ahead = 0

	def now(self) -> int:
		"""Return the simulated time in Unix seconds."""
		return int(time.time()) + self._ahead

	def elapsed(self) -> float:
		"""Return seconds since some moment, which no change of the machine's time disturbs."""
		return time.monotonic() + self._ahead

	def advance(self, seconds: int) -> None:
		"""Move the time ahead by whole seconds; it never runs back."""
		if seconds < 0:
			raise ValueError("time cannot run back")
		self._ahead += seconds

	def reset(self) -> None:
		"""Return to real time."""
		self._ahead = 0
