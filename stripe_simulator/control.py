"""The control surface under /_simulator/, for tests: JSON, no key, this machine only."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from stripe_simulator import API_VERSION
from stripe_simulator.delivery import Deliverer
from stripe_simulator.idempotency import IdempotencyStore
from stripe_simulator.store import Store

Json = dict[str, Any]


def control_blueprint(store: Store, idempotency: IdempotencyStore, deliverer: Deliverer) -> Blueprint:
	"""Return the control surface of one simulator."""
	control = Blueprint("control", __name__, url_prefix="/_simulator")

	@control.get("/health")
	def health() -> Json:
		return {"status": "ok", "api_version": API_VERSION, "now": store.clock.now()}

	@control.get("/deliveries")
	def deliveries() -> Json:
		return {"deliveries": deliverer.deliveries()}

	@control.post("/events/<id>/resend")
	def resend(id: str) -> Json | tuple[Json, int]:
		if not deliverer.resend(id):
			return {"error": f"There is no delivery of an event {id}."}, 404
		return {"resent": id}

	@control.post("/pause")
	def pause() -> Json:
		deliverer.pause()
		return {"deliveries": "paused"}

	@control.post("/resume")
	def resume() -> Json:
		deliverer.resume()
		return {"deliveries": "running"}

	@control.post("/clock/advance")
	def advance() -> Json | tuple[Json, int]:
		seconds = request.form.get("seconds", "")
		if not seconds.isascii() or not seconds.isdecimal():
			return {"error": "Send seconds=<whole number, 0 or more>."}, 400
		with store.lock:
			store.clock.advance(int(seconds))
			return {"now": store.clock.now()}

	@control.post("/reset")
	def reset() -> Json:
		with store.lock:
			store.clear()
			idempotency.clear()
			deliverer.clear()
		return {"reset": True}

	return control
