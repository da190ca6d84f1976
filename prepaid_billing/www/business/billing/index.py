"""The balance of a company: what is left, how long it lasts, and what happened last."""

from __future__ import annotations

import frappe
from frappe import _

from prepaid_billing import portal
from prepaid_billing.portal.overview import overview

no_cache = 1


@portal.page
def get_context(context: frappe._dict) -> None:
	if portal.choose_company(context):
		context.update(overview(context.company), title=_("Prepaid balance"))
