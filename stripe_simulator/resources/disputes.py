"""/v1/disputes"""

from __future__ import annotations

from typing import Any

from stripe_simulator.api import Route
from stripe_simulator.fields import Boolean, Field, Group, Metadata, Text
from stripe_simulator.flows import disputes
from stripe_simulator.lists import PAGE_FIELDS, matching, page
from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.customer import merged_metadata
from stripe_simulator.objects.dispute import EVIDENCE
from stripe_simulator.store import Operation

_FILTERS: dict[str, Field] = {"charge": Text(), "payment_intent": Text()}
_UPDATE: dict[str, Field] = {
	"evidence": Group({name: Text(20_000, clearable=True) for name in EVIDENCE}),
	"metadata": Metadata(),
	"submit": Boolean(),
}


def retrieve(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Return a dispute."""
	return operation.store.require("dispute", id, "dispute")


def update(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Send evidence to the bank, or keep it for later where `submit` is false."""
	dispute = retrieve(operation, {}, id)
	if "evidence" in params:
		disputes.submit_evidence(operation, dispute, params["evidence"], params.get("submit", True))
	if "metadata" in params:
		metadata = merged_metadata(dispute["metadata"], params["metadata"])
		disputes.update_metadata(operation, dispute, metadata)
	return dispute


def close(operation: Operation, params: dict[str, Any], id: str) -> StripeObject:
	"""Give in: a dispute is lost, an inquiry is over."""
	dispute = retrieve(operation, {}, id)
	if dispute["status"] in disputes.INQUIRIES:
		disputes.close_inquiry(operation, dispute)
	else:
		disputes.lose(operation, dispute)
	return dispute


def list_all(operation: Operation, params: dict[str, Any]) -> StripeObject:
	"""List disputes, also by charge and PaymentIntent."""
	found = matching(operation.store.newest_first("dispute"), params, *_FILTERS)
	return page(found, params, "/v1/disputes")


_PATH = "/v1/disputes"
ROUTES = (
	Route("GET", _PATH, list_all, "dispute", Group(PAGE_FIELDS | _FILTERS), is_list=True),
	Route("GET", f"{_PATH}/<id>", retrieve, "dispute"),
	Route("POST", f"{_PATH}/<id>", update, "dispute", Group(_UPDATE)),
	Route("POST", f"{_PATH}/<id>/close", close, "dispute"),
)
