"""Issued receipts, credit notes and reversals as customers get them: found, listed, as a PDF."""

from collections.abc import Sequence
from decimal import Decimal

import frappe
from frappe import _
from frappe.translate import print_language
from frappe.utils.pdf import get_pdf

from prepaid_billing import display
from prepaid_billing.exceptions import UnknownReceipt
from prepaid_billing.payments.issuing import CREDIT_NOTE, RECEIPT, REVERSAL
from prepaid_billing.rating.money import from_database

NEWEST = (2**63 - 1, "")
"""Where the first page begins: later than any document was issued."""

_AMOUNTS = ("net", "tax", "gross", "vat_rate")
_ROW = """
	SELECT r.name, r.receipt_number, r.kind, r.livemode, r.company, r.topup, r.refund, r.issued_at, r.issued_us, r.paid_at,
		r.currency, r.year, r.sequence, CAST(r.net AS CHAR) AS net, CAST(r.tax AS CHAR) AS tax,
		CAST(r.gross AS CHAR) AS gross, CAST(r.vat_rate AS CHAR) AS vat_rate, r.language, r.seller_name,
		r.seller_address, r.seller_vat_id, r.buyer_name, r.buyer_address, r.buyer_vat_id,
		c.receipt_number AS corrected_number, c.issued_at AS corrected_at
	FROM `tabBilling Receipt` r LEFT JOIN `tabBilling Receipt` c ON c.name = r.corrects
"""
_PAGE = """
	WHERE r.company = %(company)s AND (r.issued_us, r.name) < (%(issued_us)s, %(name)s)
	ORDER BY r.issued_us DESC, r.name DESC LIMIT %(limit)s
"""

_OF_ENTRIES = (
	("Balance Topup", True, "receipt"),
	("Billing Refund", False, "credit_note"),
	("Billing Refund", True, "reversal"),
)
"""Which document belongs to an entry: by its reference, and by whether it gives (True) or takes."""


def find(name: str) -> frappe._dict:
	"""Return a receipt, credit note or reversal, amounts as Decimal. Raises UnknownReceipt."""
	found = _read(f"{_ROW} WHERE r.name = %(name)s", {"name": name})
	if not found:
		raise unknown()
	return found[0]


def unknown() -> UnknownReceipt:
	"""Return the refusal for a receipt that is not there, or not the user's: the answers are alike."""
	return UnknownReceipt(_("There is no such receipt."))


def page(company: str, before: tuple[int, str], limit: int) -> list[frappe._dict]:
	"""Return at most ``limit`` documents of a company, newest first, that stand before (issued_us, name).

	By time, because live mode and test mode have numbers of their own.
	"""
	issued_us, name = before
	return _read(_ROW + _PAGE, {"company": company, "issued_us": issued_us, "name": name, "limit": limit})


def file_name(receipt: frappe._dict) -> str:
	"""Return the name of the PDF's file: the number, in characters that every system takes."""
	return f"{receipt.receipt_number.replace('/', '-')}.pdf"


def pdf(name: str) -> bytes:
	"""Return a receipt, credit note or reversal as a PDF, in the language it was issued in.

	Takes a second; never called inside a lock. Raises UnknownReceipt.
	"""
	receipt = find(name)
	with print_language(receipt.language):
		html = frappe.render_template("prepaid_billing/templates/billing/receipt.html", _shown(receipt))
	margins = {f"margin-{side}": "0mm" for side in ("top", "right", "bottom", "left")}
	return get_pdf(html, {"page-size": "A4", "title": receipt.receipt_number, **margins})


def of_entries(entries: Sequence[frappe._dict]) -> dict[tuple[str, bool], frappe._dict]:
	"""Return the documents that were issued, by the reference of their entry and whether it gives or takes."""
	found: dict[tuple[str, bool], frappe._dict] = {}
	for doctype, gives, field in _OF_ENTRIES:
		names = [
			entry.reference_name
			for entry in entries
			if entry.reference_doctype == doctype and (entry.amount > 0) == gives
		]
		if names:
			query = f"""
				SELECT o.name AS owner, r.name, r.kind, r.livemode, r.receipt_number
				FROM `tab{doctype}` o JOIN `tabBilling Receipt` r ON r.name = o.`{field}` WHERE o.name IN %s
			"""
			found |= {(row.owner, gives): row for row in frappe.db.sql(query, (names,), as_dict=True)}
	return found


def title(receipt: frappe._dict) -> str:
	"""Return what a document is, by its kind and mode, in the user's language."""
	live = {
		RECEIPT: _("Receipt"),
		CREDIT_NOTE: _("Credit note"),
		REVERSAL: _("Reversal of a credit note"),
	}
	test = {
		RECEIPT: _("Test receipt"),
		CREDIT_NOTE: _("Test credit note"),
		REVERSAL: _("Test of a reversal"),
	}
	return (live if receipt.livemode else test)[receipt.kind]


def _read(query: str, values: dict[str, object]) -> list[frappe._dict]:
	found = frappe.db.sql(query, values, as_dict=True)
	for row in found:
		row |= {column: from_database(row[column]) for column in _AMOUNTS}
	return found


def _shown(receipt: frappe._dict) -> dict[str, object]:
	"""Return what the template shows: texts alone."""

	def money(amount: Decimal) -> str:
		return display.money(amount, receipt.currency, receipt.language)

	return {
		"receipt": receipt,
		"title": title(receipt),
		"item": _item(receipt),
		"issued_on": display.day_of(receipt.issued_at, receipt.language),
		"paid_on": display.day_of(receipt.paid_at, receipt.language),
		"net": money(receipt.net),
		"tax": money(receipt.tax),
		"gross": money(receipt.gross),
		"vat_rate": display.percentage(receipt.vat_rate, receipt.language),
	}


def _item(receipt: frappe._dict) -> str:
	if receipt.kind == RECEIPT:
		return _("Prepaid balance for calls")
	on = display.day_of(receipt.corrected_at, receipt.language)
	if receipt.kind == CREDIT_NOTE:
		return _("Refund, for receipt {0} of {1}").format(receipt.corrected_number, on)
	return _("The refund failed: credit note {0} of {1} is void").format(receipt.corrected_number, on)
