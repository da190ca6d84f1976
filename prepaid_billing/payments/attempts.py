"""How often top-ups may be begun. Counted in SQL under locks: Frappe's rate limiter is open while Redis is down."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import frappe
from frappe import _

from prepaid_billing import settings
from prepaid_billing.exceptions import RateLimited
from prepaid_billing.ledger import LockedBalance, clock
from prepaid_billing.permissions import MANAGER, STAFF, has_role

OPEN_FOR = 3600 * clock.SECOND
"""How long a top-up that is not finished counts as open: as long as its page at Stripe."""

_WAIT = 5
_DAY, _TEN_MINUTES = 86_400 * clock.SECOND, 600 * clock.SECOND
_OF_COMPANY = """
	SELECT COUNT(*), COALESCE(SUM(status IN ('Created', 'Processing') AND created_us > %(session)s), 0)
	FROM `tabBalance Topup` WHERE company = %(company)s AND created_us > %(day)s AND name <> %(but)s
"""
_OF_USER = """
	SELECT COUNT(*) FROM `tabBalance Topup`
	WHERE initiated_by = %(user)s AND created_us > %(ten_minutes)s AND name <> %(but)s
		AND (%(everywhere)s OR company = %(company)s)
"""


@contextmanager
def one_of_user() -> Iterator[None]:
	"""Let a customer begin one top-up at a time, wherever: many at once would each count none of the others.

	A named lock of the database, held beyond the commit; the lock of one balance says nothing of other companies.
	Staff act for many companies and are counted within each, so its balance is lock enough. Raises RateLimited.
	"""
	if _is_staff():
		yield
		return
	name = hashlib.sha256(f"{frappe.conf.db_name} top-up {frappe.session.user}".encode()).hexdigest()
	if frappe.db.sql("SELECT GET_LOCK(%s, %s)", (name, _WAIT))[0][0] != 1:
		raise too_many()
	try:
		yield
	finally:
		frappe.db.sql("SELECT RELEASE_LOCK(%s)", (name,))


@dataclass(frozen=True, slots=True)
class Caps:
	"""How many attempts there may be, read before the lock. ``everywhere``: a user's at all companies count."""

	per_user: int
	per_company: int
	open_at_once: int
	everywhere: bool


def caps() -> Caps:
	"""Return what the settings allow the session user."""
	return Caps(
		settings.number("topups_per_user"),
		settings.number("topups_per_company"),
		settings.number("open_topups_per_company"),
		not _is_staff(),
	)


def check(account: LockedBalance, most: Caps, but: str) -> None:
	"""Refuse one more top-up of the session user, or of the company whose balance is locked. Raises RateLimited.

	``but`` is the top-up that would begin: one that begins again does not stand in its own way.
	"""
	values = {
		"but": but,
		"user": frappe.session.user,
		"everywhere": most.everywhere,
		"company": account.company,
		"ten_minutes": account.now_us - _TEN_MINUTES,
		"day": account.now_us - _DAY,
		"session": account.now_us - OPEN_FOR,
	}
	of_company, open_now = frappe.db.sql(_OF_COMPANY, values)[0]
	of_user = frappe.db.sql(_OF_USER, values)[0][0]
	if of_user >= most.per_user or of_company >= most.per_company or open_now >= most.open_at_once:
		raise too_many()


def too_many() -> RateLimited:
	"""Return the refusal of one attempt too many."""
	return RateLimited(_("Too many top-ups were begun. Nothing was charged; finish one or try again later."))


def _is_staff() -> bool:
	return has_role(MANAGER, STAFF)
