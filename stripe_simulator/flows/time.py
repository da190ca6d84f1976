"""Time that passes, by itself or moved by a test."""

from __future__ import annotations

from stripe_simulator.store import Operation


def run_due(operation: Operation) -> None:
	"""Do all that is due, as the first thing of each request, which is not what caused it."""
	store = operation.store
	own = Operation(store)
	while task := store.schedule.pop_due(store.clock.now()):
		task(own)
	operation.events += own.events


def advance(operation: Operation, seconds: int) -> None:
	"""Move the clock, stopping at each moment at which something is due, so that it happens at its time."""
	clock, schedule = operation.store.clock, operation.store.schedule
	target = clock.now() + seconds
	while (due := schedule.next_due()) is not None and due <= target:
		clock.advance(max(0, due - clock.now()))
		run_due(operation)
	clock.advance(max(0, target - clock.now()))
