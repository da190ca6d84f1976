"""The operator's name where Frappe's own would stand: on the customer's pages and on the way in to them.

What the operator has set in Website Settings stays; only what is Frappe's default gives way.
"""

from __future__ import annotations

import frappe
from frappe import _
from frappe.translate import get_language
from frappe.utils import escape_html

from prepaid_billing import settings

LOGO = "/assets/prepaid_billing/images/logo.svg"
PAGES = ("business/billing", "login", "update-password", "me")
"""Where a customer comes by, pages below them included; other pages of the site are none of ours."""

_FRAMEWORK = "Frappe"
"""What Frappe calls a site that nobody has named."""


def speak_as_the_browser() -> None:
	"""Let these pages speak a guest's language: called by Frappe before each request.

	Frappe asks for it before it has a session, takes everybody for logged in there, and so shows each guest the site's
	own language. Asked again, it reads the guest's cookie and what their browser accepts.
	"""
	if frappe.session.user == "Guest" and _is_ours():
		frappe.local.lang = get_language()


def update_website_context(context: frappe._dict) -> dict[str, object]:
	"""Return what a page shows instead of Frappe's defaults; called by Frappe for every page of the site."""
	if not _is_ours():
		return {}
	name = escape_html(operator())
	own = frappe.get_cached_doc("Website Settings")
	shown: dict[str, object] = {
		"app_name": name,
		"footer_powered": context.footer_powered or name,
		"favicon": own.favicon or LOGO,
	}
	if not own.app_logo and not frappe.db.get_single_value("Navbar Settings", "app_logo", cache=True):
		shown["logo"] = LOGO
	if not context.banner_image:
		shown["brand_html"] = context.brand_html or f"<span>{name}</span>"
	return shown


def _is_ours() -> bool:
	path = frappe.request.path.strip("/") if frappe.request else ""
	return any(path == page or path.startswith(f"{page}/") for page in PAGES)


def operator() -> str:
	"""Return who sells the calls: the site's name in Website Settings, else the seller on receipts."""
	named = frappe.get_website_settings("app_name")
	if named and named != _FRAMEWORK:
		return named
	return str(settings.get("seller_name") or _("Prepaid balance"))
