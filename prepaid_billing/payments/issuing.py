"""Receipts, credit notes and their reversals, numbered without gaps; live mode and test mode each have a series a year.

Each in a transaction of its own, after the money was booked and never inside of it: the lock of the year's
row is one for all companies. What has no document yet is found by the sweep of every minute.

A refund that reached the card gets a credit note. When it fails later, the credit note was wrong and is
reversed by a document of its own, because what was issued is never changed and a number is never taken back.
A dispute gets none: the bank takes the money, but what was sold stays sold.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import frappe

from prepaid_billing import settings
from prepaid_billing.batch import each
from prepaid_billing.ledger import clock, rows, transaction
from prepaid_billing.log import log
from prepaid_billing.payments import topups
from prepaid_billing.payments.vat import tax_of_part
from prepaid_billing.rating.money import from_database

RECEIPT, CREDIT_NOTE, REVERSAL = "Receipt", "Credit Note", "Reversal"
TEST_PREFIX = "TEST-"
"""What a number of test mode begins with: no money moved."""

_NEWS_US = 30 * 86_400 * clock.SECOND
"""How long after its payment or refund a document is still mailed. A site that names its seller after years mails none of
those years; they stand in the portal."""

_WITHOUT_RECEIPT = """
	SELECT name, livemode FROM `tabBalance Topup` WHERE receipt IS NULL AND paid_us > 0 ORDER BY paid_us, name LIMIT 1000
"""
_WITHOUT_CREDIT_NOTE = """
	SELECT r.name, t.livemode FROM `tabBilling Refund` r JOIN `tabBalance Topup` t ON t.name = r.topup
	WHERE r.credit_note IS NULL AND r.status = 'Succeeded' AND t.receipt IS NOT NULL
	ORDER BY r.creation, r.name LIMIT 1000
"""
_WITHOUT_REVERSAL = """
	SELECT r.name, t.livemode FROM `tabBilling Refund` r JOIN `tabBalance Topup` t ON t.name = r.topup
	WHERE r.credit_note > '' AND r.status IN ('Failed', 'Cancelled') AND r.reversal IS NULL
	ORDER BY r.creation LIMIT 1000
"""
_REFUND = """
	SELECT topup, status, CAST(amount AS CHAR) AS amount, credit_note, reversal, creation
	FROM `tabBilling Refund` WHERE name = %s FOR UPDATE
"""
_ISSUED = """
	SELECT COALESCE(SUM(gross), 0), COALESCE(SUM(tax), 0) FROM `tabBilling Receipt` WHERE topup = %s
"""
_COPIED = """
	SELECT topup, company, currency, CAST(vat_rate AS CHAR) AS vat_rate, CAST(net AS CHAR) AS net,
		CAST(tax AS CHAR) AS tax, CAST(gross AS CHAR) AS gross, language, seller_name, seller_address,
		seller_vat_id, buyer_name, buyer_address, buyer_vat_id
	FROM `tabBilling Receipt` WHERE name = %s
"""
_LOCK_SERIES = "SELECT last_sequence FROM `tabBilling Receipt Year` WHERE name = %s FOR UPDATE"


def issue_missing() -> int:
	"""Issue every document that is due, the oldest first, and return how many.

	None while the settings do not name a seller: a receipt without one is none, and could not be mended.
	"""
	if not seller_is_known():
		return 0
	letterhead = _letterhead()

	def issue_all(kind: tuple[str, Callable[["_Series", str], str | None]]) -> int:
		due, issue = kind
		return sum(each(frappe.db.sql(due), lambda row: _run(issue, *row, letterhead)))

	kinds = (
		(_WITHOUT_RECEIPT, _receipt),
		(_WITHOUT_CREDIT_NOTE, _credit_note),
		(_WITHOUT_REVERSAL, _reversal),
	)
	return sum(each(kinds, issue_all))


def seller_is_known() -> bool:
	"""Whether the settings hold what every receipt must name."""
	return bool(settings.get("seller_name") and settings.get("seller_address"))


def waiting() -> int:
	"""Return how many paid top-ups have no receipt yet."""
	return frappe.db.sql("SELECT COUNT(*) FROM `tabBalance Topup` WHERE receipt IS NULL AND paid_us > 0")[0][
		0
	]


@dataclass(frozen=True, slots=True)
class _Letterhead:
	"""What the settings give to every document, read before the lock."""

	prefix: str
	language: str
	seller: dict[str, object]


def _letterhead() -> _Letterhead:
	return _Letterhead(
		str(settings.get("receipt_prefix") or ""),
		frappe.db.get_default("lang") or "en",
		{name: settings.get(name) for name in ("seller_name", "seller_address", "seller_vat_id")},
	)


def _run(
	issue: Callable[["_Series", str], str | None], name: str, livemode: int, letterhead: _Letterhead
) -> bool:
	"""Number one document in a transaction of its own; False where somebody else has done it meanwhile."""
	document = transaction.run(lambda: issue(_Series(livemode, letterhead), name))
	if document:
		log("receipt issued", receipt=document, source=name)
	return bool(document)


class _Series:
	"""The numbers of this year in one mode, locked by this transaction until it ends."""

	def __init__(self, livemode: int, letterhead: _Letterhead) -> None:
		self.livemode = livemode
		self.prefix = ("" if livemode else TEST_PREFIX) + letterhead.prefix
		self.letterhead = letterhead
		self.now_us = clock.now_us()
		self.year = clock.site_time(self.now_us).year
		self.name = f"{'' if livemode else TEST_PREFIX}{self.year}"
		self.last = self._lock()
		# It may have waited for the lock, and so out of the old year.
		now_us = clock.now_us()
		if clock.site_time(now_us).year == self.year:
			self.now_us = now_us

	def _lock(self) -> int:
		"""Lock the series and return its last number. Two first documents of a year deadlock once, and retry."""
		found = frappe.db.sql(_LOCK_SERIES, (self.name,))
		if found:
			return found[0][0]
		first = {"name": self.name, "year": self.year, "livemode": self.livemode, "last_sequence": 0}
		rows.insert("Billing Receipt Year", self.now_us, first)
		return 0

	def is_news(self, moment: datetime) -> bool:
		"""Whether what happened at a moment of the site's clocks is told by a mail when its document is issued now."""
		return moment > clock.site_time(self.now_us - _NEWS_US)

	def write(self, key: str, columns: dict[str, object]) -> str:
		"""Insert a document under the next number and return its name."""
		name, sequence = rows.new_name(), self.last + 1
		own = {
			"name": name,
			"receipt_number": f"{self.prefix}{self.year}-{sequence:05d}",
			"livemode": self.livemode,
			"series": self.name,
			"year": self.year,
			"sequence": sequence,
			"issued_at": clock.site_time(self.now_us),
			"issued_us": self.now_us,
			"document_key": key,
		}
		rows.insert("Billing Receipt", self.now_us, own | columns)
		rows.update("Billing Receipt Year", self.name, {"last_sequence": sequence})
		return name


def _receipt(series: _Series, name: str) -> str | None:
	topup = topups.lock(name)
	if topup.receipt:
		return None
	document = series.write(
		f"receipt:{name}",
		{
			"kind": RECEIPT,
			"topup": name,
			"company": topup.company,
			"paid_at": clock.site_time(topup.paid_us),
			"is_to_mail": int(series.is_news(clock.site_time(topup.paid_us))),
			"currency": topup.currency,
			"vat_rate": topup.vat_rate,
			**_amounts(topup.amount_paid, topup.tax),
			**_parties(topup.company, series.letterhead),
		},
	)
	rows.update("Balance Topup", name, {"receipt": document})
	return document


def _credit_note(series: _Series, name: str) -> str | None:
	refund = _locked_refund(name)
	if refund.status != "Succeeded" or refund.credit_note:
		return None
	receipt = topups.find(refund.topup).receipt
	copied = _copy(receipt)
	# The tax of all documents together follows what is left of the payment, so that cents neither stay nor go.
	gross, tax = (from_database(total) for total in frappe.db.sql(_ISSUED, (refund.topup,))[0])
	left = tax_of_part(gross - refund.amount, copied.gross, copied.tax, copied.currency)
	document = series.write(
		f"credit-note:{name}",
		{**copied, "kind": CREDIT_NOTE, "refund": name, "corrects": receipt}
		| {"is_to_mail": int(series.is_news(refund.creation))}
		| _amounts(-refund.amount, left - tax),
	)
	rows.update("Billing Refund", name, {"credit_note": document})
	return document


def _reversal(series: _Series, name: str) -> str | None:
	refund = _locked_refund(name)
	if refund.reversal:
		return None
	copied = _copy(refund.credit_note)
	document = series.write(
		f"reversal:{name}",
		{**copied, "kind": REVERSAL, "refund": name, "corrects": refund.credit_note, "is_to_mail": 1}
		| _amounts(-copied.gross, -copied.tax),
	)
	rows.update("Billing Refund", name, {"reversal": document})
	return document


def _locked_refund(name: str) -> frappe._dict:
	refund = frappe.db.sql(_REFUND, (name,), as_dict=True)[0]
	refund.amount = from_database(refund.amount)
	return refund


def _copy(document: str) -> frappe._dict:
	copied = frappe.db.sql(_COPIED, (document,), as_dict=True)[0]
	copied |= {column: from_database(copied[column]) for column in ("net", "tax", "gross", "vat_rate")}
	return copied


def _amounts(gross: Decimal, tax: Decimal) -> dict[str, Decimal]:
	return {"net": gross - tax, "tax": tax, "gross": gross}


def _parties(company: str, letterhead: _Letterhead) -> dict[str, object]:
	buyer = frappe.db.get_value("Billing Company", company, ["address", "vat_id", "language"], as_dict=True)
	return letterhead.seller | {
		"buyer_name": company,
		"buyer_address": buyer.address,
		"buyer_vat_id": buyer.vat_id,
		"language": buyer.language or letterhead.language,
	}
