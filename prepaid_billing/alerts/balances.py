"""What a warning is decided from: a balance, its mark, and who wants to be told, in one indexed query."""

from collections.abc import Sequence

import frappe
from frappe import _

from prepaid_billing import settings
from prepaid_billing.alerts.addresses import once
from prepaid_billing.alerts.decide import DAY_US, Standing, WarningState, level_of
from prepaid_billing.calls import pricing
from prepaid_billing.exceptions import UnknownCompany
from prepaid_billing.ledger import BalanceView, clock
from prepaid_billing.rating.money import from_database
from prepaid_billing.rating.price import Rate

_STANDING = f"""
	{clock.NOW} AS now_us, b.name, b.currency, CAST(b.available AS CHAR) AS available,
		CAST(b.balance AS CHAR) AS balance, CAST(b.low_balance_threshold AS CHAR) AS threshold, {pricing.VALID_RATES}
"""
_STANDINGS = f"SELECT {_STANDING} FROM `tabPrepaid Balance` b WHERE b.name IN %s"
_COLUMNS = f"""
	SELECT {_STANDING}, b.warning_level, b.last_warning_us,
		c.status, c.prepaid_billing_enabled, c.mail_low, c.mail_critical, c.mail_empty, c.billing_emails, (
			SELECT GROUP_CONCAT(u.email ORDER BY p.idx SEPARATOR ' ') FROM `tabBilling Company User` p
			JOIN `tabUser` u ON u.name = p.user
			WHERE p.parent = b.name AND p.parenttype = 'Billing Company' AND p.gets_warnings = 1 AND u.enabled = 1
		) AS users, (
			SELECT COUNT(*) FROM `tabLow Balance Warning` w
			WHERE w.company = b.name AND w.decided_us > {clock.NOW} - {DAY_US} AND w.status IN ('Pending', 'Queued')
		) AS warnings_today, (
			SELECT COALESCE(o.reason, '') FROM `tabLow Balance Warning` o
			WHERE o.company = b.name AND o.status = 'Pending' ORDER BY o.decided_us DESC LIMIT 1
		) AS pending
	FROM `tabPrepaid Balance` b {{index}} JOIN `tabBilling Company` c ON c.name = b.name
"""
ALL_LOW = f"""{_COLUMNS.format(index="FORCE INDEX (pb_balance_low)")}
	WHERE b.is_low = 1 AND c.prepaid_billing_enabled = 1 AND c.status = 'Active' ORDER BY b.name
"""
_ONE = f"{_COLUMNS.format(index='')} WHERE b.name = %(company)s"
_LEVELS = {"Low": "mail_low", "Critical": "mail_critical", "Empty": "mail_empty"}


def low() -> list[frappe._dict]:
	"""Return every company that is billed and whose balance is low. Amounts are in major units."""
	return _read(ALL_LOW, {})


def one(company: str) -> frappe._dict:
	"""Return a company, low or not. Raises UnknownCompany."""
	found = _read(_ONE, {"company": company})
	if not found:
		raise UnknownCompany(_("There is no such company."))
	return found[0]


def interval_us() -> int:
	"""Return how long the same level is not told again, in microseconds."""
	return settings.number("warning_interval") * 3600 * clock.SECOND


def blocked(row: frappe._dict) -> str:
	"""Return why a company is not warned whatever its balance, or nothing."""
	if row.status != "Active":
		return "The company is suspended."
	return "" if row.prepaid_billing_enabled else "Prepaid billing is switched off for the company."


def state_of(row: frappe._dict) -> WarningState:
	"""Return what the decision knows of a company."""
	return WarningState(
		row.warning_level or "",
		row.last_warning_us or 0,
		row.warnings_today,
		standing_of(row),
		tuple(level for level, fieldname in _LEVELS.items() if row[fieldname]),
	)


def standing_of(row: frappe._dict) -> Standing:
	"""Return what the level of a company follows from."""
	return Standing(row.available, row.balance, row.threshold, pricing.least_of(row))


def level_now(view: BalanceView, rate: Rate | None) -> str:
	"""Return the level of a balance at the rate that its calls have now."""
	return level_of(
		Standing(view.available, view.balance, view.threshold, pricing.least(rate) if rate else None)
	)


def levels(companies: Sequence[str]) -> dict[str, tuple[str, bool]]:
	"""Return the level of each company's balance and whether its calls have a price, by one query for all of them."""
	found = {}
	for row in _exact(frappe.db.sql(_STANDINGS, (companies,), as_dict=True)):
		standing = standing_of(row)
		found[row.name] = (level_of(standing), standing.least is not None)
	return found


def _read(query: str, values: dict[str, object]) -> list[frappe._dict]:
	found = _exact(frappe.db.sql(query, values, as_dict=True))
	for row in found:
		row.recipients = once([*(row.billing_emails or "").split(), *(row.users or "").split()])
	return found


def _exact(found: list[frappe._dict]) -> list[frappe._dict]:
	for row in found:
		for column in ("available", "balance", "threshold"):
			row[column] = from_database(row[column])
	return found
