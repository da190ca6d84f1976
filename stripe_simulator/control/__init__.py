"""The control surface under /_simulator/, for tests: JSON, no key, this machine only.

Parameters are sent as a form, as to the API. What is refused is answered with a 4xx and {"error": "<sentence>"}.
What happens here is like a click in Stripe's dashboard, or like what a bank does: its events name no request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from stripe_simulator.control import money
from stripe_simulator.control.route import ControlRoute
from stripe_simulator.control.trouble import trouble_routes
from stripe_simulator.control.webhooks import webhook_routes
from stripe_simulator.control.world import world_routes
from stripe_simulator.delivery import Deliverer
from stripe_simulator.errors import ApiError
from stripe_simulator.faults import Faults
from stripe_simulator.flows.time import run_due
from stripe_simulator.forms import nested_params
from stripe_simulator.idempotency import IdempotencyStore
from stripe_simulator.store import Operation, Store


def control_blueprint(
	store: Store, idempotency: IdempotencyStore, deliverer: Deliverer, faults: Faults
) -> Blueprint:
	"""Return the control surface of one simulator."""
	control = Blueprint("control", __name__, url_prefix="/_simulator")

	def view_of(route: ControlRoute) -> Callable[..., Response]:
		def view(**ids: Any) -> Response:
			operation = Operation(store)
			params = route.fields.parse(nested_params(request.form.items(multi=True)))
			with store.lock:
				try:
					run_due(operation)
					answer = route.handler(operation, params, **ids)
				finally:
					deliverer.announce(operation.events)
			response = jsonify(answer)
			response.call_on_close(lambda: deliverer.send(operation.events))
			return response

		return view

	for route in (
		*world_routes(store, idempotency, deliverer, faults),
		*webhook_routes(deliverer),
		*trouble_routes(faults),
		*money.ROUTES,
	):
		endpoint = f"{route.method} {route.path}"
		control.add_url_rule(route.path, endpoint, view_of(route), methods=[route.method])

	@control.errorhandler(ApiError)
	def refuse(error: ApiError) -> tuple[Response, int]:
		return jsonify(error=str(error)), error.status

	return control
