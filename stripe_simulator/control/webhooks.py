"""Deliveries: looked at, held back, repeated, signed with a new secret."""

from __future__ import annotations

from typing import Any

from stripe_simulator.control.route import ControlRoute, Json
from stripe_simulator.delivery import Deliverer
from stripe_simulator.errors import ApiError
from stripe_simulator.fields import Group, Integer, Text
from stripe_simulator.ids import new_id
from stripe_simulator.store import Operation, SigningSecret


def webhook_routes(deliverer: Deliverer) -> tuple[ControlRoute, ...]:
	"""Return the routes."""

	def deliveries(operation: Operation, params: dict[str, Any]) -> Json:
		return {"deliveries": deliverer.deliveries()}

	def resend(operation: Operation, params: dict[str, Any], id: str) -> Json:
		if not deliverer.resend(id):
			raise ApiError(f"There is no delivery of an event {id}.", status=404)
		return {"resent": id}

	def pause(operation: Operation, params: dict[str, Any]) -> Json:
		deliverer.pause()
		return {"deliveries": "paused"}

	def resume(operation: Operation, params: dict[str, Any]) -> Json:
		deliverer.resume()
		return {"deliveries": "running"}

	secret = Group({"overlap": Integer(0), "secret": Text()})
	return (
		ControlRoute("GET", "/deliveries", deliveries, Group()),
		ControlRoute("POST", "/events/<id>/resend", resend, Group()),
		ControlRoute("POST", "/pause", pause, Group()),
		ControlRoute("POST", "/resume", resume, Group()),
		ControlRoute("POST", "/webhook_endpoints/<id>/roll_secret", roll_secret, secret),
	)


def roll_secret(operation: Operation, params: dict[str, Any], id: str) -> Json:
	"""Sign with a new secret, and for `overlap` seconds of simulated time with the old one too."""
	store = operation.store
	store.require("webhook_endpoint", id, "webhook_endpoint")
	until = store.clock.now() + params.get("overlap", 0)
	new = SigningSecret(params.get("secret") or new_id("whsec_", 32))
	old = store.signing_secrets[id][0]
	old.valid_until = until
	store.signing_secrets[id] = [new, old]
	return {"id": id, "secret": new.value, "old_secret_valid_until": until}
