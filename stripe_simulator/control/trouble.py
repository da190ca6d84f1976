"""Faults of the API and chaos of the webhooks: asked for, shown, ended."""

from __future__ import annotations

from dataclasses import asdict
from random import Random
from typing import Any

from stripe_simulator.chaos import Chaos
from stripe_simulator.control.route import ControlRoute, Json
from stripe_simulator.faults import KINDS, Fault, Faults
from stripe_simulator.fields import Choice, Field, Group, Integer, ListOf, Text
from stripe_simulator.store import Operation

_FAULT: dict[str, Field] = {
	"kind": Choice(KINDS),
	"method": Choice(("DELETE", "GET", "POST")),
	"path": Text(),
	"seconds": Integer(0, 3600),
	"times": Integer(1),
}
_COUNTS = ("twins", "duplicates", "drops", "forged", "stale", "delay", "shuffle")
_CHAOS: dict[str, Field] = {
	**{name: Integer(0) for name in _COUNTS},
	"seed": Integer(),
	"types": ListOf(Text()),
}


def trouble_routes(faults: Faults) -> tuple[ControlRoute, ...]:
	"""Return the routes."""

	def show_faults(operation: Operation, params: dict[str, Any]) -> Json:
		return {"faults": [asdict(fault) for fault in faults.pending()]}

	def add_fault(operation: Operation, params: dict[str, Any]) -> Json:
		"""Let the next `times` requests go wrong whose path begins with `path`."""
		faults.add(Fault(**params))
		return show_faults(operation, {})

	def end_faults(operation: Operation, params: dict[str, Any]) -> Json:
		"""Forget all faults; a request that hangs goes on."""
		faults.clear()
		return show_faults(operation, {})

	return (
		ControlRoute("GET", "/faults", show_faults, Group()),
		ControlRoute("POST", "/faults", add_fault, Group(_FAULT, required=("kind",))),
		ControlRoute("DELETE", "/faults", end_faults, Group()),
		ControlRoute("GET", "/chaos", show_chaos, Group()),
		ControlRoute("POST", "/chaos", set_chaos, Group(_CHAOS)),
		ControlRoute("DELETE", "/chaos", end_chaos, Group()),
	)


def show_chaos(operation: Operation, params: dict[str, Any]) -> Json:
	"""Return what goes wrong with the events to come."""
	chaos = operation.store.chaos
	return {"types": list(chaos.types), **{name: getattr(chaos, name) for name in _COUNTS}}


def set_chaos(operation: Operation, params: dict[str, Any]) -> Json:
	"""Let the events to come go wrong as told, and no longer as told before."""
	counts = {name: params[name] for name in _COUNTS if name in params}
	random = Random(params.get("seed"))
	operation.store.chaos = Chaos(**counts, types=tuple(params.get("types", ())), random=random)
	return show_chaos(operation, {})


def end_chaos(operation: Operation, params: dict[str, Any]) -> Json:
	"""Let all go well again; what is already late stays late."""
	return set_chaos(operation, {})
