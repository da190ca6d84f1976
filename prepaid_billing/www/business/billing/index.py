"""The balance of a company: what is left, how long it lasts, and what happened last. And who asks one to join."""

from __future__ import annotations

import frappe
from frappe import _

from prepaid_billing import portal
from prepaid_billing.exceptions import InvalidInput
from prepaid_billing.permissions import MANAGER, STAFF, visible_company
from prepaid_billing.portal import invitations, notices
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
		# All notices are warnings, and while the balance is low the page says so itself.
		if context.level != "Good":
			context.notices = []


def _answer() -> None:
	"""Accept or decline an invitation, or take notices for read, and show the page that one sees afterwards."""
	company, page = portal.argument("company"), ""
	action = portal.argument("action")
	if action == "accept":
		company = invitations.accept()
	elif action == "decline":
		invitations.decline()
	elif action == "read":
		company = visible_company(company, MANAGER, STAFF)
		notices.mark_read(company, portal.argument("newest") or "")
		page = portal.argument("page") or ""
	else:
		raise InvalidInput(_("The request was not understood. Nothing was changed."))
	frappe.db.commit()  # nosemgrep: frappe-manual-commit -- Frappe rolls back where a page redirects
	page = page if page in portal.PAGES else ""
	raise portal.redirect(portal.address(page, company) if company else portal.ADDRESS)
