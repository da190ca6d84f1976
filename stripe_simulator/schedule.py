"""What happens by itself at a later time: a session runs out, a bank debit settles, a refund fails."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

Task = Callable[..., None]
"""Called with the operation it happens in."""


class Schedule:
	"""Tasks in the order of their time. Not locked: the store's lock covers it."""

	def __init__(self) -> None:
		self._counter = itertools.count()
		self._tasks: list[tuple[int, int, Task]] = []

	def at(self, due: int, task: Task) -> None:
		"""Remember a task for a moment in simulated Unix seconds."""
		heapq.heappush(self._tasks, (due, next(self._counter), task))

	def next_due(self) -> int | None:
		"""Return the moment of the next task, or None."""
		return self._tasks[0][0] if self._tasks else None

	def pop_due(self, now: int) -> Task | None:
		"""Take the next task out whose time has come, or return None."""
		if self._tasks and self._tasks[0][0] <= now:
			return heapq.heappop(self._tasks)[2]
		return None
