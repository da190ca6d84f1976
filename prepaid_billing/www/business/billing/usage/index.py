"""What calls were made, when, how long and for how much."""

from __future__ import annotations

import frappe
from frappe import _

from prepaid_billing import portal
from prepaid_billing.portal.usage import usage_page

no_cache = 1
EXPORT = "/api/method/prepaid_billing.api.usage.export"


@portal.page
def get_context(context: frappe._dict) -> None:
	if not portal.choose_company(context):
		return
	context.title = _("Usage")
	context.update(usage_page(context.company))
	# What cannot be made into a file is said on the page, beside the filter that asked for it.
	if portal.argument("export") and not context.error:
		raise portal.redirect(
			portal.export_address(EXPORT, context.company, "from_date", "to_date", "period")
		)
