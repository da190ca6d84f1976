"""Is it there, what time is it, and start afresh."""

from __future__ import annotations

from typing import Any

from stripe_simulator import API_VERSION
from stripe_simulator.control.route import ControlRoute, Json
from stripe_simulator.delivery import Deliverer
from stripe_simulator.faults import Faults
from stripe_simulator.fields import Group, Integer
from stripe_simulator.flows.time import advance
from stripe_simulator.idempotency import IdempotencyStore
from stripe_simulator.store import Operation, Store


def world_routes(
	store: Store, idempotency: IdempotencyStore, deliverer: Deliverer, faults: Faults
) -> tuple[ControlRoute, ...]:
	"""Return the routes."""

	def health(operation: Operation, params: dict[str, Any]) -> Json:
		return {"status": "ok", "api_version": API_VERSION, "now": store.clock.now()}

	def move_clock(operation: Operation, params: dict[str, Any]) -> Json:
		"""Move the clock by whole seconds; what falls due in between happens at its time."""
		advance(operation, params["seconds"])
		deliverer.look_at_the_clock()
		return {"now": store.clock.now()}

	def reset(operation: Operation, params: dict[str, Any]) -> Json:
		"""Forget all but the settings."""
		store.clear()
		idempotency.clear()
		deliverer.clear()
		faults.clear()
		operation.events.clear()
		return {"reset": True}

	seconds = Group({"seconds": Integer(0)}, required=("seconds",))
	return (
		ControlRoute("GET", "/health", health, Group()),
		ControlRoute("POST", "/clock/advance", move_clock, seconds),
		ControlRoute("POST", "/reset", reset, Group()),
	)
