"""Receipts and credit notes of a company: listed, and downloaded as a PDF."""

from typing import Any

import frappe

from prepaid_billing import inputs
from prepaid_billing.api.endpoint import endpoint
from prepaid_billing.exceptions import UnknownCompany
from prepaid_billing.ledger import clock
from prepaid_billing.payments import receipts
from prepaid_billing.permissions import MANAGER, STAFF, visible_company
from prepaid_billing.rating.money import as_text


@frappe.whitelist(methods=["GET"])
@endpoint(MANAGER, STAFF, own_company=True)
def list(company: Any = None, cursor: Any = None, limit: Any = None) -> dict:
	"""Return the documents of a company, the newest first; ``next_cursor`` is where the next page begins."""
	most = inputs.page_size(limit)
	name = visible_company(inputs.optional_company(company), MANAGER, STAFF)
	found = receipts.page(name, inputs.receipt_cursor(cursor) or receipts.NEWEST, most + 1)
	last = found[most - 1] if len(found) > most else None
	return {
		"rows": [_row(receipt) for receipt in found[:most]],
		"next_cursor": f"{last.issued_us}-{last.name}" if last else None,
	}


@frappe.whitelist(methods=["GET"])
@endpoint(MANAGER, STAFF, own_company=True)
def download(receipt: Any = None) -> None:
	"""Answer with a document as a PDF, in the language of its company."""
	found = receipts.find(inputs.key(receipt, "receipt"))
	try:
		visible_company(found.company, MANAGER, STAFF)
	except UnknownCompany as error:
		raise receipts.unknown() from error
	frappe.local.response.update(
		filename=receipts.file_name(found), filecontent=receipts.pdf(found.name), type="pdf"
	)


def _row(receipt: frappe._dict) -> dict[str, object]:
	return {
		"receipt": receipt.name,
		"number": receipt.receipt_number,
		"kind": receipt.kind,
		"livemode": bool(receipt.livemode),
		"topup": receipt.topup,
		"refund": receipt.refund,
		"issued_at": clock.iso(receipt.issued_us),
		"net": as_text(receipt.net),
		"vat_rate": f"{receipt.vat_rate:.2f}",
		"tax": as_text(receipt.tax),
		"gross": as_text(receipt.gross),
		"currency": receipt.currency,
	}
