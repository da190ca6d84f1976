"""The hash chain over the entries of a balance: SHA-256 over the previous hash and every business column.

The same text is built here in Python when an entry is written and in SQL when the books are verified. Each
field is written as its length in bytes, a colon and its bytes, so no two entries have the same text.
"""

import hashlib
from datetime import datetime
from decimal import Decimal

START = ""
"""The hash before the first entry of a balance."""

FIELDS = (
	"name",
	"balance",
	"currency",
	"sequence",
	"transaction_type",
	"amount",
	"balance_after",
	"reference_doctype",
	"reference_name",
	"idempotency_key",
	"description",
	"actor",
	"booked_us",
	"booked_at",
)


def entry_hash(previous: str, entry: dict[str, object]) -> str:
	"""Return the hash of an entry (a dict with FIELDS) that follows the hash ``previous``; 64 hex digits."""
	parts = (previous, *(_text(entry[field]) for field in FIELDS))
	encoded = (part.encode() for part in parts)
	return hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in encoded)).hexdigest()


def sql_hash(previous: str) -> str:
	"""Return the SQL expression of entry_hash over the columns, ``previous`` being an SQL expression too."""
	parts = ", ".join(_sql_part(field) for field in (previous, *(f"`{field}`" for field in FIELDS)))
	return f"SHA2(CONCAT({parts}), 256)"


def _text(value: object) -> str:
	if value is None:
		return ""
	if isinstance(value, Decimal):
		return f"{value:.9f}"
	if isinstance(value, datetime):
		return f"{value:%Y-%m-%d %H:%M:%S.%f}"
	return str(value)


def _sql_part(column: str) -> str:
	# As bytes: the columns have different collations, which CONCAT refuses to mix.
	value = f"CAST(COALESCE(CAST({column} AS CHAR), '') AS BINARY)"
	return f"LENGTH({value}), ':', {value}"
