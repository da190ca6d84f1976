"""The webhook of Stripe, at its canonical address and as ``POST /api/stripe/webhook``, and what staff do with its events
and with what differs."""

from typing import Any

import frappe
from frappe import _
from werkzeug.wrappers import Response

from prepaid_billing import inputs
from prepaid_billing.api.endpoint import endpoint, refuse
from prepaid_billing.exceptions import BillingError, InvalidInput, NotPermitted, UnknownEvent
from prepaid_billing.payments import accepted
from prepaid_billing.payments import webhook as events
from prepaid_billing.permissions import MANAGER, kept_to


class TooLarge(InvalidInput):
	"""The body is larger than any event."""

	http_status_code = 413


# Guests may call it because Stripe is one; the signature over the raw body is what lets an event in.
@frappe.whitelist(methods=["POST"], allow_guest=True)  # nosemgrep: guest-whitelisted-method
def webhook() -> dict | None:
	"""Take one event of Stripe. 200 leaves only after its effect is committed."""
	try:
		body = frappe.request.get_data()
		if len(body) > events.MAX_BODY:
			raise TooLarge(_("This webhook is larger than any event. Nothing was stored."))
		events.receive(body, frappe.get_request_header("Stripe-Signature"))
		return {"received": True}
	except BillingError as error:
		return refuse(error)


@frappe.whitelist(methods=["POST"])
@endpoint(MANAGER)
def replay(event: Any = None) -> dict:
	"""Act once more on an event that was parked, ignored or has failed; on a processed one nothing is done."""
	return events.replay(_visible_event(event))


@frappe.whitelist(methods=["POST"])
@endpoint(MANAGER)
def settle(event: Any = None, reason: Any = None) -> dict:
	"""Close a parked event that a person has judged, with a reason; nothing is booked."""
	return events.settle(_visible_event(event), inputs.text(reason, "reason"))


@frappe.whitelist(methods=["POST"])
@endpoint(MANAGER)
def accept_difference(
	comparison: Any = None, kind: Any = None, stripe_id: Any = None, reason: Any = None
) -> dict:
	"""Accept one of the differences of a comparison with Stripe, with a reason; nothing is booked.

	A comparison is of all companies, so it is not for whom User Permissions keep to some.
	"""
	if kept_to():
		raise NotPermitted(_("Your user may not use this. Nothing was changed."))
	names = (("comparison", comparison), ("kind", kind), ("stripe_id", stripe_id))
	which = [inputs.key(value, name) for name, value in names]
	return {"accepted": accepted.accept(*which, inputs.text(reason, "reason"))}


def _visible_event(event: Any) -> str:
	"""Return the name of an event unless User Permissions hide it. Raises UnknownEvent, alike for "not there"."""
	name = inputs.key(event, "event")
	if frappe.db.exists("Stripe Event", name) and not frappe.has_permission("Stripe Event", "read", name):
		raise UnknownEvent(_("There is no such event."))
	return name


def short_path() -> Response | dict | None:
	"""Serve ``/api/stripe/webhook`` exactly as the canonical address, with all of Frappe's own checks."""
	frappe.form_dict.cmd = "prepaid_billing.api.stripe.webhook"
	return frappe.handler.handle()
