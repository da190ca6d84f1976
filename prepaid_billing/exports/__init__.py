"""Files that customers take away: tables for programs and for Excel, statements to print."""

from __future__ import annotations

from frappe.website.utils import cleanup_page_name

from prepaid_billing.ledger.period import Period


def file_name(company: str, what: str, period: Period) -> str:
	"""Return the name of a file without its ending: whose it is, what it holds in the user's words, and of which days."""
	return f"{cleanup_page_name(f'Prepaid Billing {company} {what}')}-{period.first}-{period.last}"
