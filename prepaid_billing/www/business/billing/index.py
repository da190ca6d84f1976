"""The balance of a company: what is left, how long it lasts, and what happened last. And who asks one to join."""

from __future__ import annotations

import frappe
from frappe import _

from prepaid_billing import portal
from prepaid_billing.exceptions import InvalidInput
from prepaid_billing.portal import invitations
from prepaid_billing.portal.overview import overview
from prepaid_billing.portal.payments import unfinished

no_cache = 1


@portal.page
def get_context(context: frappe._dict) -> None:
	if frappe.request.method == "POST":
		_answer()
	context.invitations = invitations.of_user()
	if context.invitations:
		context.csrf_token = frappe.sessions.get_csrf_token()
	if portal.choose_company(context):
		context.update(overview(context.company), title=_("Prepaid balance"))
		context.payments = unfinished(context.company)


def _answer() -> None:
	"""Accept or decline an invitation, and show the balance that one sees afterwards."""
	company = portal.argument("company")
	action = portal.argument("action")
	if action == "accept":
		company = invitations.accept()
	elif action == "decline":
		invitations.decline()
	else:
		raise InvalidInput(_("The request was not understood. Nothing was changed."))
	frappe.db.commit()  # nosemgrep: frappe-manual-commit -- Frappe rolls back where a page redirects
	raise portal.redirect(portal.address("", company) if company else portal.ADDRESS)
