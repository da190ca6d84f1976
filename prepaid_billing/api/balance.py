"""The balance of a company, as it stands. DESIGN.md section 9."""

from typing import Any

import frappe

from prepaid_billing import inputs
from prepaid_billing.alerts import second_person
from prepaid_billing.api.endpoint import endpoint
from prepaid_billing.batch import attempt
from prepaid_billing.calls.pricing import minutes_left
from prepaid_billing.exceptions import InvalidInput, UnknownCompany
from prepaid_billing.ledger import adjustments, balance_of
from prepaid_billing.permissions import GATEWAY, MANAGER, STAFF, visible_company
from prepaid_billing.rating.money import as_text, parse_signed_amount


@frappe.whitelist(methods=["GET"])
@endpoint(GATEWAY, MANAGER, STAFF, own_company=True)
def get(company: Any = None) -> dict:
	"""Return balance, what calls in progress hold, what is available and the minutes that it lasts."""
	view = balance_of(visible_company(inputs.optional_company(company), GATEWAY, MANAGER, STAFF))
	return {
		"company": view.company,
		"balance": as_text(view.balance),
		"reserved_balance": as_text(view.reserved),
		"available": as_text(view.available),
		"minutes_left": minutes_left(view.company),
		"status": view.status,
		"currency": view.currency,
	}


@frappe.whitelist(methods=["POST"])
@endpoint(MANAGER)
def adjust(company: Any = None, amount: Any = None, reason: Any = None, idempotency_key: Any = None) -> dict:
	"""Book a signed amount with its reason; 202 where it is above the limit and waits for a second person."""
	adjustment = adjustments.adjust(
		visible_company(inputs.company(company), MANAGER),
		parse_signed_amount(amount),
		inputs.text(reason, "reason"),
		inputs.key(idempotency_key, "idempotency_key"),
	)
	if adjustment.status == "Waiting":
		# It waits, told or not: a notification that cannot be made is no failure of the booking.
		attempt(adjustment.name, second_person.ask)
	return _adjusted(adjustment)


@frappe.whitelist(methods=["POST"])
@endpoint(MANAGER)
def confirm_adjustment(adjustment: Any = None) -> dict:
	"""Book an adjustment that another person asked for and that waits."""
	return _adjusted(adjustments.confirm(_visible(adjustment)))


@frappe.whitelist(methods=["POST"])
@endpoint(MANAGER)
def refuse_adjustment(adjustment: Any = None) -> dict:
	"""Close an adjustment that waits without booking it."""
	return _adjusted(adjustments.refuse(_visible(adjustment)))


def _visible(adjustment: object) -> str:
	"""Return the name of an adjustment. For staff whom User Permissions keep to some companies the others' are not there."""
	name = inputs.key(adjustment, "adjustment")
	try:
		visible_company(adjustments.company_of(name) or "", MANAGER)
	except (InvalidInput, UnknownCompany) as error:
		raise adjustments.unknown() from error
	return name


def _adjusted(adjustment: adjustments.Adjustment) -> dict:
	if adjustment.status == "Waiting":
		frappe.local.response.http_status_code = 202
	return {
		"adjustment": adjustment.name,
		"status": adjustment.status,
		"transaction": adjustment.transaction,
		"balance": None if adjustment.balance is None else as_text(adjustment.balance),
	}
