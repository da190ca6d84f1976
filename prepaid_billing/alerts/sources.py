"""The kinds of mails about money that has moved, and how to find what was not told yet."""

from collections.abc import Callable
from dataclasses import dataclass

from prepaid_billing.alerts import letters
from prepaid_billing.alerts.letters import Letter, Payment

_TOPUP = """
	r.status, CAST(r.amount AS CHAR) AS amount, CAST(r.credited AS CHAR) AS moved, CAST(r.tax AS CHAR) AS tax,
	r.failure_reason AS reason
"""
_CLAIM = """
	r.status, CAST(r.amount AS CHAR) AS amount, CAST(r.booked_amount AS CHAR) AS moved, '0' AS tax, r.reason
"""
_DOCUMENT = """
	'' AS status, CAST(r.gross AS CHAR) AS amount, '0' AS moved, CAST(r.tax AS CHAR) AS tax, '' AS reason
"""
_COLUMNS = {"Balance Topup": _TOPUP, "Billing Receipt": _DOCUMENT}
_DUE = """
	SELECT r.name, r.company, r.currency, {columns}, {document} AS document, {fresh} AS is_fresh
	FROM `tab{doctype}` r LEFT JOIN `tabBilling Notice` n
		ON n.notice_key = CONCAT(%(kind)s, ':', r.name) COLLATE utf8mb4_nopad_bin
	WHERE {happened} AND n.name IS NULL ORDER BY r.creation LIMIT 1000
"""


@dataclass(frozen=True, slots=True)
class Source:
	"""A kind of mail: the company's switch for it, the rows that it tells of, for how many days, and its letter.

	``document`` is the receipt or credit note that belongs to it, and ``fresh`` whether the mail shall wait for that.
	"""

	kind: str
	switch: str
	doctype: str
	happened: str
	days: int
	letter: Callable[[Payment], Letter]
	document: str = "NULL"
	fresh: str = "0"

	@property
	def is_of_topup(self) -> bool:
		"""Whether it tells of a top-up or its receipt, so that who began it is told too."""
		return self.doctype == "Balance Topup" or self.kind == "Receipt"

	@property
	def query(self) -> str:
		"""SQL for what was not told yet."""
		return _DUE.format(
			columns=_COLUMNS.get(self.doctype, _CLAIM),
			document=self.document,
			fresh=self.fresh,
			doctype=self.doctype,
			happened=self.happened,
		)


_MADE = "r.creation > %(since)s AND r.status {}"
# By the day of its first booking: an inquiry may become a dispute after months, and a debit is lost when first heard of.
_TAKEN = """
	r.creation > %(long_since)s AND r.status IN ('Open', 'Lost') AND (
		r.status = 'Open' AND r.creation > %(since)s OR EXISTS (
			SELECT 1 FROM `tabBalance Transaction` e WHERE e.booked_us > %(since_us)s AND e.idempotency_key
				= CONCAT('dispute:', r.company, ':', r.name, ':0') COLLATE utf8mb4_nopad_bin
		)
	)
"""
# What was told before says what happened. Entries do not: a claim has some more where another one of the same money fails.
_TOLD = """
	EXISTS (
		SELECT 1 FROM `tabBilling Notice` o
		WHERE o.notice_key = CONCAT('{}:', r.name) COLLATE utf8mb4_nopad_bin
	)
"""
_STANDS = "(SELECT t.taken_back < t.credited FROM `tabBalance Topup` t WHERE t.name = r.topup)"
_ISSUED = "r.is_to_mail = 1 AND r.issued_us > %(since_us)s AND r.kind {}"
SOURCES = (
	Source(
		"Top-up received",
		"mail_topup",
		"Balance Topup",
		"r.paid_us > %(since_us)s",
		7,
		letters.topup_received,
		"r.receipt",
		"r.paid_us > %(fresh_us)s",
	),
	Source(
		"Payment failed",
		"mail_failed",
		"Balance Topup",
		# What Stripe refused to begin was told at once, to who asked for it.
		"r.status = 'Failed' AND r.checkout_session_id IS NOT NULL AND r.created_us > %(since_us)s",
		21,
		letters.payment_failed,
	),
	Source(
		"Refund",
		"mail_refund",
		"Billing Refund",
		_MADE.format("= 'Succeeded'"),
		30,
		letters.refund,
		"r.credit_note",
		"r.creation > %(fresh)s",
	),
	Source(
		"Refund failed",
		"mail_refund",
		"Billing Refund",
		# What Stripe refused at once was told to who asked for it: no refund was ever under way.
		_MADE.format("IN ('Failed', 'Cancelled') AND r.bookings > 0 AND r.stripe_refund_id IS NOT NULL"),
		60,
		letters.refund_failed,
		"r.reversal",
		"r.creation > %(fresh)s AND r.credit_note > ''",
	),
	Source("Dispute", "mail_dispute", "Billing Dispute", _TAKEN, 30, letters.dispute),
	Source(
		"Dispute won",
		"mail_dispute",
		"Billing Dispute",
		# Of one that had taken something, where that is back: it may be another claim's now.
		_MADE.format("= 'Won'") + f" AND r.bookings > 0 AND {_TOLD.format('Dispute')} AND {_STANDS}",
		180,
		letters.dispute_won,
	),
	Source(
		"Dispute lost",
		"mail_dispute",
		"Billing Dispute",
		# One that was never told to be won was told of when it was opened.
		_MADE.format("= 'Lost'") + f" AND r.booked_amount > 0 AND {_TOLD.format('Dispute won')}",
		180,
		letters.dispute_lost,
	),
	# What no mail about the money took along, because it was issued later. Those of before is_to_mail are not told.
	Source(
		"Receipt",
		"mail_topup",
		"Billing Receipt",
		_ISSUED.format("= 'Receipt'"),
		30,
		letters.document,
		"r.name",
	),
	Source(
		"Credit note",
		"mail_refund",
		"Billing Receipt",
		_ISSUED.format("<> 'Receipt'"),
		30,
		letters.document,
		"r.name",
	),
)
