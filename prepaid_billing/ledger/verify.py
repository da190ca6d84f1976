"""The books prove themselves: every standing invariant of DESIGN.md section 6, in set-based SQL.

Each check returns the rows that break it; no row is good news.
"""

from dataclasses import dataclass

import frappe
from frappe import _

from prepaid_billing.exceptions import OpenTransaction
from prepaid_billing.ledger import chain, constraints, transaction
from prepaid_billing.ledger.balance import IS_LOW

_FIRST_BAD = 20


@dataclass(frozen=True, slots=True)
class Finding:
	"""One row that breaks an invariant: where, what was expected and what stands there."""

	check: str
	subject: str
	expected: str
	found: str


@dataclass(frozen=True, slots=True)
class Check:
	"""A named query that returns (subject, expected, found) for each row that breaks an invariant."""

	name: str
	query: str


_REPLAY = f"""
	SELECT CONCAT(balance, ' #', sequence, ' (', name, ')') AS subject, problem, expected, found FROM (
		SELECT name, balance, sequence,
			CASE
				WHEN sequence != n THEN 'sequence'
				WHEN balance_after != running THEN 'balance_after'
				WHEN NOT entry_hash <=> expected_hash THEN 'entry_hash'
			END AS problem,
			CASE WHEN sequence != n THEN n WHEN balance_after != running THEN running ELSE expected_hash END AS expected,
			CASE WHEN sequence != n THEN sequence WHEN balance_after != running THEN balance_after ELSE entry_hash END AS found
		FROM (
			SELECT chained.*, {chain.sql_hash("previous_hash")} AS expected_hash FROM (
				SELECT entries.*,
					ROW_NUMBER() OVER by_sequence AS n,
					SUM(amount) OVER (PARTITION BY balance ORDER BY sequence ROWS UNBOUNDED PRECEDING) AS running,
					COALESCE(LAG(entry_hash) OVER by_sequence, '') AS previous_hash
				FROM `tabBalance Transaction` entries
				WINDOW by_sequence AS (PARTITION BY balance ORDER BY sequence)
			) chained
		) hashed
	) judged WHERE problem IS NOT NULL ORDER BY balance, sequence LIMIT {_FIRST_BAD}
"""

# The block of an entry is how many checkpoints lie before it. Counted in one pass: a join of a million entries with
# the stretches between checkpoints takes hours.
_IN_BLOCKS = """
	SELECT balance, sequence, transaction_type, amount,
		COUNT(checkpoint) OVER (PARTITION BY balance ORDER BY sequence, checkpoint ROWS UNBOUNDED PRECEDING) AS block
	FROM (
		SELECT t.balance, t.sequence, t.transaction_type, t.amount, NULL AS checkpoint FROM `tabBalance Transaction` t
		JOIN (SELECT company, MAX(sequence) AS newest FROM `tabLedger Checkpoint` GROUP BY company) c
			ON c.company = t.balance AND t.sequence <= c.newest
		UNION ALL
		SELECT DISTINCT company, sequence, NULL, NULL, sequence FROM `tabLedger Checkpoint`
	) in_order
"""
_USED = "c.status IN ('Charged', 'Expired') AND c.duration_sec > 0"
_QUARTER = "c.started_us DIV 900000000"
_COUNTED = (
	*("calls", "amount", "duration_sec", "billed_sec"),
	*("up_to_30s", "up_to_1m", "up_to_3m", "up_to_10m", "up_to_30m", "longer"),
)

_CLAIMS = """
	SELECT 'Billing Refund' AS kind, name, topup, company, currency, booked_amount, bookings, livemode
	FROM `tabBilling Refund`
	UNION ALL
	SELECT 'Billing Dispute', name, topup, company, currency, booked_amount, bookings, livemode
	FROM `tabBilling Dispute`
"""


def _rolled_up(which: str) -> str:
	"""Return the query that puts each quarter into the day or month that began last before it, in one pass."""
	rolled_up = ", ".join(f"-SUM({column})" for column in _COUNTED)
	differs = " OR ".join(f"SUM({column}) != 0" for column in _COUNTED)
	return f"""
		SELECT CONCAT(company, ' quarters ', MIN(quarter), ' to ', MAX(quarter)), SUM(GREATEST(calls, 0)), SUM(GREATEST(-calls, 0))
		FROM (
			SELECT everything.*, COUNT(begins) OVER (
				PARTITION BY company ORDER BY quarter, begins IS NULL ROWS UNBOUNDED PRECEDING
			) AS part
			FROM (
				SELECT u.company, u.quarter, NULL AS begins, {", ".join(f"u.{column}" for column in _COUNTED)}
				FROM `tabCall Usage` u JOIN `tabCall Usage State` s ON s.company = u.company AND s.time_zone IS NOT NULL
				UNION ALL
				SELECT company, first_quarter, 1, {rolled_up} FROM `tabCall Usage Rollup` WHERE {which}
				GROUP BY company, first_quarter
			) everything
		) placed GROUP BY company, part HAVING {differs} LIMIT {_FIRST_BAD}
	"""


# What each document must say, and what it says; what it belongs to points back to it.
_RECEIPTS = """
	SELECT r.receipt_number,
		CONCAT_WS(' ', t.name, t.company, t.currency, t.amount_paid, t.tax, t.vat_rate, t.livemode) AS expected,
		CONCAT_WS(' ', r.topup, r.company, r.currency, r.gross, r.tax, r.vat_rate, r.livemode) AS found
	FROM `tabBilling Receipt` r LEFT JOIN `tabBalance Topup` t ON t.receipt = r.name WHERE r.kind = 'Receipt'
	UNION ALL
	SELECT r.receipt_number, CONCAT_WS(' ', b.name, b.topup, b.company, b.currency, -b.amount, t.livemode),
		CONCAT_WS(' ', r.refund, r.topup, r.company, r.currency, r.gross, r.livemode)
	FROM `tabBilling Receipt` r LEFT JOIN `tabBilling Refund` b ON b.credit_note = r.name
	LEFT JOIN `tabBalance Topup` t ON t.name = b.topup WHERE r.kind = 'Credit Note'
	UNION ALL
	SELECT r.receipt_number, CONCAT_WS(' ', b.name, b.topup, c.company, c.currency, -c.gross, -c.tax, c.livemode),
		CONCAT_WS(' ', r.refund, r.topup, r.company, r.currency, r.gross, r.tax, r.livemode)
	FROM `tabBilling Receipt` r LEFT JOIN `tabBilling Refund` b ON b.reversal = r.name
	LEFT JOIN `tabBilling Receipt` c ON c.name = b.credit_note WHERE r.kind = 'Reversal'
"""

CHECKS = (
	Check(
		"The entries of a balance follow each other: sequence, balance_after and hash chain",
		f"SELECT CONCAT(subject, ' ', problem), expected, found FROM ({_REPLAY}) replay",
	),
	Check(
		"A balance is the sum of its entries, and ends where they end",
		f"""
		SELECT b.name,
			CONCAT_WS(', ', COALESCE(e.total, 0), COALESCE(e.last, 0), COALESCE(t.entry_hash, ''), COALESCE(t.booked_us, 0)),
			CONCAT_WS(', ', b.balance, b.last_sequence, COALESCE(b.last_hash, ''), COALESCE(b.last_booked_us, 0))
		FROM `tabPrepaid Balance` b
		LEFT JOIN (
			SELECT balance, SUM(amount) AS total, MAX(sequence) AS last FROM `tabBalance Transaction` GROUP BY balance
		) e ON e.balance = b.name
		LEFT JOIN `tabBalance Transaction` t ON t.balance = e.balance AND t.sequence = e.last
		WHERE b.balance != COALESCE(e.total, 0) OR b.last_sequence != COALESCE(e.last, 0)
			OR COALESCE(b.last_hash, '') != COALESCE(t.entry_hash, '') OR COALESCE(b.last_booked_us, 0) != COALESCE(t.booked_us, 0)
		LIMIT {_FIRST_BAD}
		""",
	),
	Check(
		"What is reserved is the sum of the open holds, and only open calls hold",
		f"""
		SELECT b.name, COALESCE(h.held, 0), b.reserved_balance FROM `tabPrepaid Balance` b
		LEFT JOIN (
			SELECT company, SUM(reserved_amount) AS held FROM `tabCall Charge`
			WHERE status IN ('Authorized', 'Active') GROUP BY company
		) h ON h.company = b.name
		WHERE b.reserved_balance != COALESCE(h.held, 0) OR b.reserved_balance < 0 LIMIT {_FIRST_BAD}
		""",
	),
	Check(
		"Available and is_low say what balance, reserved and threshold say",
		f"""
		SELECT name, balance - reserved_balance, available FROM `tabPrepaid Balance`
		WHERE available != balance - reserved_balance OR is_low != ({IS_LOW})
		LIMIT {_FIRST_BAD}
		""",
	),
	Check(
		"A call is charged once, and its entries say what it cost",
		f"""
		SELECT CONCAT('call ', c.call_id), -c.amount, COALESCE(e.total, 0) FROM `tabCall Charge` c
		LEFT JOIN (
			SELECT reference_name, SUM(amount) AS total, COUNT(*) AS entries,
				SUM(transaction_type = 'Call Charge') AS charges
			FROM `tabBalance Transaction`
			WHERE reference_doctype = 'Call Charge' AND transaction_type IN ('Call Charge', 'Call Correction')
			GROUP BY reference_name
		) e ON e.reference_name = c.name
		WHERE COALESCE(e.total, 0) != -c.amount OR COALESCE(e.charges, 0) > 1 OR COALESCE(e.entries, 0) != c.bookings
			OR (c.amount != 0 AND c.status NOT IN ('Charged', 'Expired')) LIMIT {_FIRST_BAD}
		""",
	),
	Check(
		"A top-up is credited once, with what it says, and only when paid",
		f"""
		SELECT CONCAT('top-up ', t.name), t.credited, COALESCE(e.total, 0) FROM `tabBalance Topup` t
		LEFT JOIN (
			SELECT reference_name, SUM(amount) AS total, COUNT(*) AS credits FROM `tabBalance Transaction`
			WHERE reference_doctype = 'Balance Topup' AND transaction_type = 'Top-up' GROUP BY reference_name
		) e ON e.reference_name = t.name
		WHERE COALESCE(e.total, 0) != t.credited OR COALESCE(e.credits, 0) > 1
			OR (t.credited != 0 AND t.payment_intent_id IS NULL)
			OR (t.credited != 0) != (t.status IN ('Paid', 'Partly Refunded', 'Refunded', 'Disputed')) LIMIT {_FIRST_BAD}
		""",
	),
	Check(
		"Refunds and disputes have taken back what they say, and never more than was credited",
		f"""
		SELECT CONCAT('top-up ', t.name), t.taken_back, COALESCE(-e.total, 0) FROM `tabBalance Topup` t
		LEFT JOIN (
			SELECT c.topup, SUM(x.amount) AS total
			FROM ({_CLAIMS}) c JOIN `tabBalance Transaction` x
				ON x.reference_doctype = c.kind AND x.reference_name = c.name
			GROUP BY c.topup
		) e ON e.topup = t.name
		WHERE COALESCE(-e.total, 0) != t.taken_back OR t.taken_back < 0 OR t.taken_back > t.credited
		LIMIT {_FIRST_BAD}
		""",
	),
	Check(
		"The entries of a refund or dispute are those that it says",
		f"""
		SELECT CONCAT(c.kind, ' ', c.name), CONCAT_WS(' in ', -c.booked_amount, c.bookings),
			CONCAT_WS(' in ', COALESCE(e.total, 0), COALESCE(e.entries, 0))
		FROM ({_CLAIMS}) c
		LEFT JOIN (
			SELECT reference_doctype, reference_name, SUM(amount) AS total, COUNT(*) AS entries
			FROM `tabBalance Transaction` WHERE reference_doctype IN ('Billing Refund', 'Billing Dispute')
			GROUP BY reference_doctype, reference_name
		) e ON e.reference_doctype = c.kind AND e.reference_name = c.name
		WHERE COALESCE(e.total, 0) != -c.booked_amount OR COALESCE(e.entries, 0) != c.bookings LIMIT {_FIRST_BAD}
		""",
	),
	Check(
		"A refund or dispute is of the mode of its payment",
		f"""
		SELECT CONCAT(c.kind, ' ', c.name), IF(t.livemode, 'live', 'test'), IF(c.livemode, 'live', 'test')
		FROM ({_CLAIMS}) c JOIN `tabBalance Topup` t ON t.name = c.topup
		WHERE c.livemode != t.livemode LIMIT {_FIRST_BAD}
		""",
	),
	Check(
		"A refund that failed and a dispute that was won have taken nothing, but for a rounding",
		f"""
		SELECT CONCAT('refund ', name), 0, booked_amount FROM `tabBilling Refund`
		WHERE status IN ('Failed', 'Cancelled') AND ABS(booked_amount) > 0.00001
		UNION ALL
		SELECT CONCAT('dispute ', name), 0, booked_amount FROM `tabBilling Dispute`
		WHERE status IN ('Won', 'Inquiry') AND ABS(booked_amount) > 0.00001 LIMIT {_FIRST_BAD}
		""",
	),
	Check(
		"An adjustment is booked once, with what it says, and only when decided",
		f"""
		SELECT CONCAT('adjustment ', a.name), IF(a.status = 'Booked', a.amount, 0), COALESCE(e.total, 0)
		FROM `tabBalance Adjustment` a
		LEFT JOIN (
			SELECT reference_name, SUM(amount) AS total, COUNT(*) AS bookings FROM `tabBalance Transaction`
			WHERE reference_doctype = 'Balance Adjustment' GROUP BY reference_name
		) e ON e.reference_name = a.name
		WHERE COALESCE(e.total, 0) != IF(a.status = 'Booked', a.amount, 0) OR COALESCE(e.bookings, 0) > 1
			OR (a.status = 'Booked' AND a.confirmed_by = a.asked_by) LIMIT {_FIRST_BAD}
		""",
	),
	Check(
		"Checkpoints are the sums of the entries before them",
		f"""
		SELECT CONCAT(company, ' #', MAX(sequence), ' ', transaction_type), SUM(booked), SUM(noted) FROM (
			SELECT company, block, sequence, transaction_type, 0 AS booked, amount - COALESCE(LAG(amount) OVER w, 0) AS noted,
				COALESCE(LAG(entries) OVER w, 0) - entries AS entries
			FROM (
				SELECT checkpoints.*, DENSE_RANK() OVER (PARTITION BY company ORDER BY sequence) - 1 AS block
				FROM `tabLedger Checkpoint` checkpoints
			) numbered WINDOW w AS (PARTITION BY company, transaction_type ORDER BY sequence)
			UNION ALL
			SELECT balance, block, MAX(sequence), transaction_type, SUM(amount), 0, COUNT(*) FROM ({_IN_BLOCKS}) placed
			WHERE transaction_type IS NOT NULL GROUP BY balance, block, transaction_type
		) both_sides GROUP BY company, block, transaction_type
		HAVING SUM(booked) != SUM(noted) OR SUM(entries) != 0 LIMIT {_FIRST_BAD}
		""",
	),
	Check(
		"Checkpoints leave no type out: an entry for every number of the sequence",
		f"""
		SELECT CONCAT(company, ' #', sequence), sequence, SUM(entries) FROM `tabLedger Checkpoint`
		GROUP BY company, sequence HAVING SUM(entries) != sequence LIMIT {_FIRST_BAD}
		""",
	),
	Check(
		"Usage is counted as the calls are, but for quarters of an hour with a call settled since",
		f"""
		SELECT CONCAT(d.company, ' quarter ', d.quarter), CONCAT_WS(', ', d.wanted_calls, d.wanted), CONCAT_WS(', ', d.counted_calls, d.counted)
		FROM (
			SELECT company, quarter, SUM(wanted_calls) AS wanted_calls, SUM(wanted) AS wanted, SUM(calls) AS counted_calls,
				SUM(amount) AS counted
			FROM (
				SELECT company, quarter, 0 AS wanted_calls, 0 AS wanted, calls, amount, duration_sec, billed_sec,
					up_to_30s + up_to_1m + up_to_3m + up_to_10m + up_to_30m + longer AS lengths,
					up_to_30s + 2 * up_to_1m + 3 * up_to_3m + 4 * up_to_10m + 5 * up_to_30m + 6 * longer AS weighed
				FROM `tabCall Usage`
				UNION ALL
				SELECT c.company, {_QUARTER}, 1, c.amount, 0, 0, -c.duration_sec, -c.billed_sec, -1,
					-1 - (c.duration_sec > 30) - (c.duration_sec > 60) - (c.duration_sec > 180) - (c.duration_sec > 600)
						- (c.duration_sec > 1800)
				FROM `tabCall Charge` c JOIN `tabCall Usage State` s ON s.company = c.company AND s.counted_sequence >= 0
				WHERE {_USED}
			) both_sides
			GROUP BY company, quarter
			HAVING SUM(wanted_calls) != SUM(calls) OR SUM(wanted) != SUM(amount) OR SUM(duration_sec) != 0 OR SUM(billed_sec) != 0
				OR SUM(lengths) != 0 OR SUM(weighed) != 0
		) d
		WHERE NOT EXISTS (
			SELECT 1 FROM `tabCall Charge` c JOIN `tabCall Usage State` s ON s.company = c.company
			WHERE c.company = d.company AND c.settled_sequence >= s.counted_sequence AND {_QUARTER} = d.quarter
		) LIMIT {_FIRST_BAD}
		""",
	),
	Check("Usage is rolled up by days as it is counted by quarters of an hour", _rolled_up("hour < 0")),
	Check("Usage is rolled up by hours of a month as it is counted", _rolled_up("hour >= 0")),
	Check(
		"Receipts are numbered without gaps in each series, that of a year in live mode and that in test mode",
		f"""
		SELECT CONCAT('receipts of ', y.name), y.last_sequence, CONCAT(COALESCE(r.documents, 0), ' numbers up to ', COALESCE(r.last, 0))
		FROM `tabBilling Receipt Year` y
		LEFT JOIN (
			SELECT series, COUNT(*) AS documents, MIN(sequence) AS first, MAX(sequence) AS last FROM `tabBilling Receipt` GROUP BY series
		) r ON r.series = y.name
		WHERE y.last_sequence != COALESCE(r.documents, 0) OR y.last_sequence != COALESCE(r.last, 0) OR COALESCE(r.first, 1) != 1
		LIMIT {_FIRST_BAD}
		""",
	),
	Check(
		"Each receipt stands in the series of its year and mode; test mode in a live one only up to where it had none",
		f"""
		SELECT CONCAT('receipt ', r.receipt_number), CONCAT_WS(' ', r.year, IF(r.livemode, 'live', 'test')),
			CONCAT_WS(' ', r.series, '#', r.sequence)
		FROM `tabBilling Receipt` r LEFT JOIN `tabBilling Receipt Year` y ON y.name = r.series
		WHERE y.name IS NULL OR r.year != y.year OR r.livemode > y.livemode
			OR (r.livemode < y.livemode AND r.sequence > y.mixed_until) LIMIT {_FIRST_BAD}
		""",
	),
	Check(
		"A receipt says what was paid, a credit note what went back, and each stands where it belongs",
		f"""
		SELECT CONCAT('receipt ', r.receipt_number), r.expected, r.found FROM ({_RECEIPTS}) r
		WHERE NOT r.expected <=> r.found LIMIT {_FIRST_BAD}
		""",
	),
	Check(
		"The documents of a top-up add up to what of it was paid and has not gone back",
		f"""
		SELECT CONCAT('top-up ', t.name), t.amount_paid - COALESCE(b.refunded, 0), r.gross FROM `tabBalance Topup` t
		JOIN (
			SELECT topup, SUM(gross) AS gross, SUM(tax) AS tax FROM `tabBilling Receipt` GROUP BY topup
		) r ON r.topup = t.name
		LEFT JOIN (
			SELECT topup, SUM(amount) AS refunded FROM `tabBilling Refund`
			WHERE credit_note IS NOT NULL AND reversal IS NULL GROUP BY topup
		) b ON b.topup = t.name
		WHERE r.gross != t.amount_paid - COALESCE(b.refunded, 0) OR r.tax NOT BETWEEN 0 AND t.tax
			OR (r.gross = 0 AND r.tax != 0) LIMIT {_FIRST_BAD}
		""",
	),
	Check(
		"No row joins two companies or two currencies",
		f"""
		SELECT CONCAT('entry ', t.name), CONCAT_WS(' ', b.name, b.currency), CONCAT_WS(' ', COALESCE(c.company, p.company, a.company, k.company, t.balance), t.currency)
		FROM `tabBalance Transaction` t
		LEFT JOIN `tabPrepaid Balance` b ON b.name = t.balance
		LEFT JOIN `tabCall Charge` c ON t.reference_doctype = 'Call Charge' AND c.name = t.reference_name
		LEFT JOIN `tabBalance Topup` p ON t.reference_doctype = 'Balance Topup' AND p.name = t.reference_name
		LEFT JOIN `tabBalance Adjustment` a ON t.reference_doctype = 'Balance Adjustment' AND a.name = t.reference_name
		LEFT JOIN ({_CLAIMS}) k ON k.kind = t.reference_doctype AND k.name = t.reference_name
		WHERE b.name IS NULL OR b.currency != t.currency
			OR (t.reference_doctype IN ('Billing Refund', 'Billing Dispute') AND (k.name IS NULL OR k.company != t.balance OR k.currency != t.currency))
			OR (t.reference_doctype = 'Balance Adjustment' AND (a.name IS NULL OR a.company != t.balance OR a.currency != t.currency))
			OR (t.reference_doctype = 'Call Charge' AND (c.name IS NULL OR c.company != t.balance OR c.currency != t.currency))
			OR (t.reference_doctype = 'Balance Topup' AND (p.name IS NULL OR p.company != t.balance OR p.currency != t.currency))
		LIMIT {_FIRST_BAD}
		""",
	),
)


def verify() -> list[Finding]:
	"""Run every check in one snapshot and return what breaks an invariant, first bad rows first.

	Raises OpenTransaction when the caller has uncommitted writes.
	"""
	if not transaction.is_free():
		raise OpenTransaction(_("Something is not saved yet. Save it first, then verify the books."))
	frappe.db.rollback()
	findings = [
		Finding(check.name, *(str(value) for value in row))
		for check in CHECKS
		for row in frappe.db.sql(check.query)
	]
	return findings + [
		Finding("The database itself refuses what must not be", name, "there", "missing")
		for name in constraints.missing()
	]
