"""The Flask application: the API, the Checkout page, the control surface and the home page."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, abort, request
from werkzeug.exceptions import HTTPException

from stripe_simulator.api import Api, Route, view_of
from stripe_simulator.checkout.page import checkout_blueprint
from stripe_simulator.control import control_blueprint
from stripe_simulator.delivery import Deliverer
from stripe_simulator.errors import unknown_route
from stripe_simulator.faults import Faults
from stripe_simulator.home import home_blueprint
from stripe_simulator.idempotency import IdempotencyStore
from stripe_simulator.loopback import is_loopback_host
from stripe_simulator.resources import (
	balance,
	charges,
	checkout_sessions,
	customers,
	disputes,
	payment_intents,
	payment_methods,
	payment_pages,
	portal_sessions,
	products,
	refunds,
	setup_intents,
	thin_events,
	webhook_endpoints,
)
from stripe_simulator.resources.events import event_routes
from stripe_simulator.settings import Settings
from stripe_simulator.store import Store


def api_routes(deliverer: Deliverer) -> tuple[Route, ...]:
	"""Return all that the API answers to."""
	return (
		*balance.ROUTES,
		*charges.ROUTES,
		*checkout_sessions.ROUTES,
		*customers.ROUTES,
		*disputes.ROUTES,
		*event_routes(deliverer),
		*payment_intents.ROUTES,
		*payment_methods.ROUTES,
		*payment_pages.ROUTES,
		*portal_sessions.ROUTES,
		*products.ROUTES,
		*refunds.ROUTES,
		*setup_intents.ROUTES,
		*thin_events.ROUTES,
		*webhook_endpoints.ROUTES,
	)


def create_app(
	settings: Settings, store: Store, idempotency: IdempotencyStore, deliverer: Deliverer, faults: Faults
) -> Flask:
	"""Build the application of one simulator."""
	app = Flask(__name__, static_folder=None, template_folder=None)
	app.url_map.strict_slashes = False
	api = Api(settings, store, idempotency, deliverer, faults)
	for route in api_routes(deliverer):
		endpoint = f"{route.method} {route.path}".replace(".", "_")
		app.add_url_rule(route.path, endpoint, view_of(api, route, request), methods=[route.method])
	app.register_blueprint(checkout_blueprint(store, deliverer))
	app.register_blueprint(control_blueprint(store, idempotency, deliverer, faults))
	app.register_blueprint(home_blueprint(store))

	@app.before_request
	def only_from_this_machine() -> None:
		"""Refuse a foreign host name that a web page made to resolve to this machine."""
		if not is_loopback_host(urlsplit(f"//{request.host}").hostname or ""):
			abort(403)

	@app.errorhandler(HTTPException)
	def refuse(error: HTTPException) -> Response | HTTPException:
		if request.path.startswith(("/v1/", "/v2/")) and error.code in (404, 405):
			return api.refuse(request, unknown_route(request.method, request.path))
		return error

	return app
