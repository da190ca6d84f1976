"""What every API method shares: who may call it, and refusals as ``{"code", "error"}`` with their status."""

from collections.abc import Callable
from functools import wraps

import frappe
from frappe import _

from prepaid_billing import permissions
from prepaid_billing.exceptions import BillingError, InvalidAmount, NotAuthenticated, NotPermitted
from prepaid_billing.rating.money import AmountError


def endpoint(*roles: str, own_company: bool = False) -> Callable:
	"""Let a method be called by the given roles, and with ``own_company`` by users of any company.

	A BillingError becomes the answer; everything it may have written is rolled back.
	"""

	def decorate(method: Callable) -> Callable:
		@wraps(method)
		def guarded(*args, **kwargs):
			try:
				if not permissions.is_enabled():
					raise NotAuthenticated(_("This user is disabled. Nothing was changed."))
				if not permissions.has_role(*roles) and not (own_company and permissions.own_companies()):
					raise NotPermitted(_("Your user may not use this. Nothing was changed."))
				return method(*args, **kwargs)
			except AmountError as error:
				return refuse(InvalidAmount(_(str(error))))
			except BillingError as error:
				return refuse(error)

		return guarded

	return decorate


def refuse(error: BillingError) -> None:
	"""Make a refusal the answer of this request and undo what it may have written."""
	frappe.db.rollback()
	frappe.clear_messages()
	frappe.local.response = frappe._dict(
		code=error.code, error=str(error), http_status_code=error.http_status_code
	)
