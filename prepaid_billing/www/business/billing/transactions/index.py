"""The history of a balance: what came in, what calls cost, day by day or entry by entry."""

from __future__ import annotations

import frappe
from frappe import _

from prepaid_billing import portal
from prepaid_billing.portal.payments import unfinished
from prepaid_billing.portal.transactions import transactions

no_cache = 1
EXPORT = "/api/method/prepaid_billing.api.transactions.export"


@portal.page
def get_context(context: frappe._dict) -> None:
	if not portal.choose_company(context):
		return
	context.title = _("Transactions")
	context.update(transactions(context.company))
	if not context.is_filtered and not context.is_continued:
		context.payments = unfinished(context.company)
	# What cannot be made into a file is said on the page, beside what can.
	if portal.argument("export") and not context.error and not context.too_long:
		raise portal.redirect(portal.export_address(EXPORT, context.company, "from_date", "to_date", "type"))
