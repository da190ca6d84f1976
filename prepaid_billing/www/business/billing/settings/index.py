"""The settings of a company. Plain forms, one a section: they work without JavaScript."""

from __future__ import annotations

import frappe
from frappe import _

from prepaid_billing import portal
from prepaid_billing.exceptions import BillingError, InvalidInput
from prepaid_billing.permissions import managed_company
from prepaid_billing.portal.settings import ACTIONS, OF_EVERYBODY, settings_page

no_cache = 1


@portal.page
def get_context(context: frappe._dict) -> None:
	if not portal.choose_company(context):
		return
	error: dict[str, object] = {}
	if frappe.request.method == "POST":
		if portal.argument("action") not in OF_EVERYBODY:
			managed_company(context.company)
		error = _act(context.company)
	context.update(settings_page(context.company), title=_("Settings"), **error)
	if error:
		_keep_what_was_typed(context)
	context.csrf_token = frappe.sessions.get_csrf_token()


def _act(company: str) -> dict[str, object]:
	"""Do what a form asks for and show the page anew; or return why not, and for which form."""
	action = portal.argument("action") or ""
	try:
		if action not in ACTIONS:
			raise InvalidInput(_("The request was not understood. Nothing was changed."))
		ACTIONS[action](company)
	except (BillingError, frappe.ValidationError) as error:
		frappe.db.rollback()
		frappe.clear_messages()
		return {"error": str(error), "failed": action, "http_status_code": _status(error)}
	frappe.db.commit()  # nosemgrep: frappe-manual-commit -- Frappe rolls back where a page redirects
	portal.remember("saved", action)
	# To the words that say so: what an address points to, a browser shows and a screen reader reads out.
	raise portal.redirect(portal.address("/settings", company) + "#saved")


def _status(error: Exception) -> int:
	return error.http_status_code if isinstance(error, BillingError) else 422


def _keep_what_was_typed(context: frappe._dict) -> None:
	"""Let the form that failed show what was sent; a box that was not ticked is not sent."""
	for name, value in context["values"].items():
		sent = portal.argument(name)
		is_box = isinstance(value, int)
		if sent is not None or (is_box and name.startswith("mail_") and context.failed == "mails"):
			context["values"][name] = int(sent == "1") if is_box else sent
