"""/v1/billing_portal/sessions"""

from __future__ import annotations

from typing import Any

from stripe_simulator.api import Route
from stripe_simulator.fields import Choice, Field, Group, Text, Url
from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.portal_session import build_portal_session
from stripe_simulator.resources.shared import LOCALES
from stripe_simulator.store import Operation

_CREATE: dict[str, Field] = {
	"customer": Text(),
	"locale": Choice((*LOCALES, "en-AU", "en-CA", "en-IE", "en-IN", "en-NZ", "en-SG")),
	"return_url": Url(),
}


def create(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""Make an address at which a customer sees their saved payment methods."""
	store = operation.store
	store.require("customer", params["customer"], "customer", status=400)
	session = store.add(build_portal_session(params, store.clock.now(), store.base_url))
	operation.emit("billing_portal.session.created", session)
	return session


ROUTES = (
	Route(
		"POST",
		"/v1/billing_portal/sessions",
		create,
		"billing_portal.session",
		Group(_CREATE, required=("customer",)),
	),
)
