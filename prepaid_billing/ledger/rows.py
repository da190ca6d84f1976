"""Writing rows of our own records by SQL, under a lock. The ledger's own two tables are balance.py's alone.

Documents would do it with a chain of hooks and queries, and refuse to: see closed.py.
"""

import frappe

from prepaid_billing.ledger import clock


def new_name() -> str:
	"""Return a name for a row: 80 random bits, so that a million a day do not meet."""
	return frappe.generate_hash(length=20)


_THE_LEDGERS_OWN = ("Balance Transaction", "Prepaid Balance")


def insert(doctype: str, now_us: int, *rows: dict[str, object], keep_twins: bool = False) -> None:
	"""Insert rows, in one statement; ``name`` is among their columns, which are alike in all of them.

	With ``keep_twins`` a row whose unique key is there already is left out.
	"""
	_refuse_the_ledgers_own(doctype)
	now, user = clock.site_time(now_us), frappe.session.user
	made = {"creation": now, "modified": now, "owner": user, "modified_by": user}
	columns = ", ".join(f"`{column}`" for column in (*made, *rows[0]))
	places = ", ".join(["%s"] * (len(made) + len(rows[0])))
	verb = "INSERT IGNORE" if keep_twins else "INSERT"
	frappe.db.sql(
		f"{verb} INTO `tab{doctype}` ({columns}) VALUES {', '.join([f'({places})'] * len(rows))}",
		[value for row in rows for value in (*made.values(), *(row[column] for column in rows[0]))],
	)


def update(doctype: str, name: str, columns: dict[str, object]) -> None:
	"""Set columns of the row with this name."""
	_refuse_the_ledgers_own(doctype)
	setters = ", ".join(f"`{column}` = %s" for column in columns)
	frappe.db.sql(f"UPDATE `tab{doctype}` SET {setters} WHERE name = %s", (*columns.values(), name))


def _refuse_the_ledgers_own(doctype: str) -> None:
	if doctype in _THE_LEDGERS_OWN:
		raise ValueError(f"{doctype} is written by ledger/balance.py alone")
