"""Files that customers take away: tables for programs and for Excel, statements to print."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from frappe.website.utils import cleanup_page_name
from werkzeug.http import dump_options_header

from prepaid_billing.ledger.period import Period

_LONGEST = 140
"""Bytes of a name in UTF-8: file systems take 255, and who saves it twice adds to it."""


def file_name(company: str, what: str, period: Period) -> str:
	"""Return the name of a file without its ending: whose it is, what it holds in the user's words, and of which days.

	A long name of a company is cut; what tells its files apart is not.
	"""
	told = f"-{cleanup_page_name(what)}-{period.first}-{period.last}"
	whose = cleanup_page_name(f"Prepaid Billing {company}").encode()
	return whose[: _LONGEST - len(told.encode())].decode(errors="ignore").rstrip("-") + told


def attachment(filename: str) -> str:
	"""Return the Content-Disposition of a download, in ASCII: a header holds no other letters.

	Browsers take the name as it is (RFC 6266, ``filename*``); what knows only the plain one gets what ASCII has of it.
	"""
	decomposed = unicodedata.normalize("NFKD", filename).encode("ascii", "ignore").decode()
	plain = re.sub(r"[^A-Za-z0-9.]+", "-", decomposed)
	names = {"filename": plain}
	if plain != filename:
		names["filename*"] = f"UTF-8''{quote(filename, safe='')}"
	return dump_options_header("attachment", names)
