"""What the database itself refuses: CHECK constraints, unique indexes and binary keys.

Applied by ``after_install`` and ``after_migrate``, because patches do not run on a fresh site and DocTypes
cannot express them. Idempotent: what is there is left alone.
"""

import frappe

from prepaid_billing.ledger.balance import IS_LOW

# What is there is recognised by its name: a clause that changes gets a new one.
CHECKS = (
	("Prepaid Balance", "pb_balance_reserved", "reserved_balance >= 0"),
	("Prepaid Balance", "pb_balance_available", "available = balance - reserved_balance"),
	("Prepaid Balance", "pb_balance_is_low_or_small", f"is_low = ({IS_LOW})"),
	("Prepaid Balance", "pb_balance_limit", "ABS(balance) < 1000000000"),
	("Prepaid Balance", "pb_balance_available_limit", "ABS(available) < 1000000000"),
	("Prepaid Balance", "pb_balance_threshold", "low_balance_threshold >= 0"),
	("Balance Transaction", "pb_entry_amount", "amount <> 0 AND ABS(amount) < 1000000000"),
	("Balance Transaction", "pb_entry_scale", "amount = ROUND(amount, 6)"),
	("Balance Transaction", "pb_entry_sequence", "sequence > 0"),
	("Balance Transaction", "pb_entry_key", "idempotency_key IS NOT NULL AND CHAR_LENGTH(entry_hash) = 64"),
	# A CHECK that is NULL passes, so the one above lets a missing hash through.
	("Balance Transaction", "pb_entry_hashed", "entry_hash IS NOT NULL"),
	("Call Charge", "pb_call_money", "reserved_amount >= 0 AND amount >= 0"),
	(
		"Call Charge",
		"pb_call_open_hold",
		"reserved_amount = 0 OR status IN ('Authorized', 'Active')",
	),
	("Balance Topup", "pb_topup_amount", "amount > 0 AND amount_paid >= 0 AND credited >= 0"),
	("Balance Topup", "pb_topup_refunded", "amount_refunded >= 0 AND amount_refunded <= amount_paid"),
	("Balance Topup", "pb_topup_taken_back", "taken_back >= 0 AND taken_back <= credited"),
	("Balance Topup", "pb_topup_tax", "tax >= 0 AND tax <= amount_paid"),
	("Balance Topup", "pb_topup_credit", "credited = amount_paid - IF(credits_net, tax, 0)"),
	("Billing Receipt", "pb_receipt_sum", "gross = net + tax AND gross <> 0"),
	("Billing Refund", "pb_refund_amount", "amount > 0"),
	("Billing Dispute", "pb_dispute_amount", "amount > 0"),
	("Billing Rate", "pb_rate_parts", "rate_per_minute >= 0 AND connection_fee >= 0 AND minimum_charge >= 0"),
	("Billing Rate", "pb_rate_increment", "billing_increment >= 1 AND minimum_duration >= 0"),
)

UNIQUE = (
	("Balance Transaction", "pb_entry_once", ("balance", "sequence")),
	("Ledger Checkpoint", "pb_checkpoint_once", ("company", "sequence", "transaction_type")),
	("Call Usage", "pb_usage_once", ("company", "quarter")),
	("Call Usage Rollup", "pb_rollup_once", ("company", "first_quarter", "hour")),
	("Billing Receipt", "pb_receipt_in_series", ("series", "sequence")),
)

INDEXES = (
	("Balance Transaction", "pb_entry_moment", ("balance", "booked_us", "sequence")),
	("Balance Transaction", "pb_entry_type", ("balance", "transaction_type", "sequence", "amount")),
	("Call Charge", "pb_call_began", ("company", "started_us")),
	("Call Charge", "pb_call_settled", ("company", "settled_sequence", "started_us")),
	("Balance Adjustment", "pb_adjustment_day", ("asked_by", "asked_us")),
	("Balance Topup", "pb_topup_attempts", ("company", "created_us")),
	("Balance Topup", "pb_topup_user", ("initiated_by", "created_us")),
	("Balance Topup", "pb_topup_receipt", ("receipt", "paid_us")),
	("Billing Refund", "pb_refund_credit_note", ("credit_note", "status")),
	("Billing Receipt", "pb_receipt_page", ("company", "issued_us", "name")),
	("Billing Receipt", "pb_receipt_to_mail", ("is_to_mail", "issued_us")),
	("Prepaid Balance", "pb_balance_low", ("is_low", "name")),
	("Balance Topup", "pb_topup_paid", ("paid_us",)),
	("Balance Topup", "pb_topup_state", ("status", "created_us")),
	("Billing Refund", "pb_refund_planned", ("status", "planned_us")),
	("Billing Refund", "pb_refund_reversal", ("status", "reversal", "credit_note")),
	("Billing Refund", "pb_refund_made", ("creation",)),
	("Billing Dispute", "pb_dispute_made", ("creation",)),
	("Call Charge", "pb_call_open", ("company", "status", "started_us")),
	("Billing Dispute", "pb_dispute_open", ("company", "status")),
	("Stripe Event Payload", "pb_payload_made", ("creation",)),
	("Low Balance Warning", "pb_warning_day", ("company", "decided_us")),
)

# Keys and ids from outside. Frappe's default collation holds pi_3Abc and pi_3aBC for one key, and every
# collation but a NOPAD one ignores trailing blanks.
BINARY_KEYS = (
	("Balance Transaction", "idempotency_key", 400),
	("Call Charge", "call_id", 140),
	("Balance Topup", "idempotency_key", 400),
	("Balance Topup", "checkout_session_id", 255),
	("Balance Topup", "payment_intent_id", 255),
	("Stripe Event", "event_id", 255),
	("Billing Refund", "stripe_refund_id", 255),
	("Billing Refund", "idempotency_key", 400),
	("Billing Receipt", "receipt_number", 140),
	("Billing Receipt", "document_key", 255),
	("Billing Dispute", "stripe_dispute_id", 255),
	("Balance Adjustment", "idempotency_key", 400),
	("Billing Notice", "notice_key", 255),
)
COLLATION = "utf8mb4_nopad_bin"

_CHECK_NAMES = """
	SELECT constraint_name FROM information_schema.check_constraints WHERE constraint_schema = DATABASE()
"""
_UNIQUE_COLUMNS = """
	SELECT table_name, column_name FROM information_schema.statistics
	WHERE table_schema = DATABASE() AND non_unique = 0 AND seq_in_index = 1
"""
_INDEX_NAMES = "SELECT index_name FROM information_schema.statistics WHERE table_schema = DATABASE()"


def ensure() -> None:
	"""Add every constraint, index and collation that is missing."""
	_ensure_binary_keys()
	_ensure_indexes(UNIQUE, "UNIQUE INDEX")
	_ensure_indexes(INDEXES, "INDEX")
	_ensure_checks()


def missing() -> list[str]:
	"""Return the names of what should be there and is not: for `status` and the tests."""
	checks = _existing(_CHECK_NAMES)
	indexes = _existing(_INDEX_NAMES)
	wanted = [name for _doctype, name, _clause in CHECKS if name not in checks]
	wanted += [name for _doctype, name, _columns in UNIQUE + INDEXES if name not in indexes]
	wanted += [f"unique index of {doctype}.{column}" for doctype, column in _keys_not_unique()]
	return wanted + [f"{doctype}.{column}" for doctype, column, _length in _keys_not_binary()]


def _ensure_checks() -> None:
	existing = _existing(_CHECK_NAMES)
	for doctype, name, clause in CHECKS:
		if name not in existing:
			frappe.db.sql_ddl(f"ALTER TABLE `tab{doctype}` ADD CONSTRAINT `{name}` CHECK ({clause})")


def _ensure_indexes(indexes: tuple[tuple[str, str, tuple[str, ...]], ...], kind: str) -> None:
	existing = _existing(_INDEX_NAMES)
	for doctype, name, columns in indexes:
		if name not in existing:
			listed = ", ".join(f"`{column}`" for column in columns)
			frappe.db.sql_ddl(f"ALTER TABLE `tab{doctype}` ADD {kind} `{name}` ({listed})")


def _ensure_binary_keys() -> None:
	for doctype, column, length in _keys_not_binary():
		frappe.db.sql_ddl(
			f"ALTER TABLE `tab{doctype}` MODIFY `{column}` varchar({length}) CHARACTER SET utf8mb4 COLLATE {COLLATION}"
		)


def _keys_not_binary() -> list[tuple[str, str, int]]:
	rows = frappe.db.sql(
		"SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND collation_name = %s",
		(COLLATION,),
	)
	binary = {(table, column) for table, column in rows}
	return [key for key in BINARY_KEYS if (f"tab{key[0]}", key[1]) not in binary]


def _keys_not_unique() -> list[tuple[str, str]]:
	"""Return the keys without the unique index that their DocType asks for; a migration makes it again."""
	rows = frappe.db.sql(_UNIQUE_COLUMNS)
	unique = {(table, column) for table, column in rows}
	return [
		(doctype, column)
		for doctype, column, _length in BINARY_KEYS
		if (f"tab{doctype}", column) not in unique
	]


def _existing(query: str) -> set[str]:
	return set(frappe.db.sql_list(query))
