"""What the customer's pages show: who may open one, and the words and figures on it. Money moves in the rooms.

Here is what all pages share; each page has a module beside this one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

import frappe
from frappe import _

from prepaid_billing.display import person
from prepaid_billing.exceptions import BillingError, NotAuthenticated, NotPermitted, UnknownCompany
from prepaid_billing.payments import topups
from prepaid_billing.permissions import (
	MANAGER,
	STAFF,
	has_role,
	is_enabled,
	may_top_up,
	own_companies,
	visible_company,
)
from prepaid_billing.portal import notices, standing

ADDRESS = "/business/billing"
PAGES = ("", "/transactions", "/usage", "/settings")
"""The pages in the navigation, below ADDRESS."""

Context = frappe._dict


def page(show: Callable[[Context], None]) -> Callable[[Context], None]:
	"""Let a page be opened by whoever is logged in; a refusal becomes a page with its own HTTP status.

	Frappe commits what a POST to a page has written even where it fails, so a refusal rolls back.
	"""

	@wraps(show)
	def get_context(context: Context) -> None:
		frappe.flags.shows_a_customer = True
		if frappe.session.user == "Guest":
			raise redirect("/login?" + urlencode({"redirect-to": frappe.request.full_path.rstrip("?")}))
		context.update(no_cache=1, home=ADDRESS)
		try:
			if not is_enabled():
				raise NotAuthenticated(_("This user is disabled. Nothing was changed."))
			_refuse_forms_of_others()
			show(context)
		except BillingError as error:
			frappe.db.rollback()
			context.update(
				template="templates/billing/refused.html",
				title=_("Page not found") if error.http_status_code == 404 else _("Not possible"),
				error=str(error),
				http_status_code=error.http_status_code,
			)
		except frappe.Redirect:
			raise
		except Exception:
			frappe.db.rollback()
			raise

	return get_context


def _refuse_forms_of_others() -> None:
	"""Refuse a form that was not on a page of ours. Frappe compares the token of a session that has one alone."""
	if frappe.request.method == "POST" and not frappe.session.data.csrf_token:
		raise NotPermitted(_("This form is too old. Nothing was changed. Open the page again."))


def redirect(location: str) -> frappe.Redirect:
	"""Return what to raise to send the browser elsewhere: 303, because Frappe's own 301 is kept for ever."""
	frappe.flags.redirect_location = location
	return frappe.Redirect(303)


def remember(name: str, value: str) -> None:
	"""Keep a word for the next page of this session, which shows it once: nobody can put it there by a link."""
	frappe.cache.set_value(_memory(name), value, expires_in_sec=60)


def remembered(name: str) -> str:
	"""Return the word that was kept for this page, or nothing."""
	value = frappe.cache.get_value(_memory(name), expires=True) or ""
	frappe.cache.delete_value(_memory(name))
	return value


def _memory(name: str) -> str:
	return f"prepaid_billing:{name}:{frappe.session.sid}"


def argument(name: str) -> str | None:
	"""Return a field of the address or the form, or None: a JSON body may hold anything else."""
	value = frappe.form_dict.get(name)
	return value if isinstance(value, str) else None


def choose_company(context: Context) -> bool:
	"""Set the company that a page is about: the one in its address, else the user's first.

	Returns False, with a page that says so, for a user without one. Raises UnknownCompany.
	"""
	asked, own = argument("company"), own_companies()
	if asked is None and not own:
		context.update(
			template="templates/billing/no_company.html",
			title=_("Prepaid balance"),
			is_staff=has_role(MANAGER, STAFF),
		)
		return False
	context.company = own[0] if asked is None else visible_company(asked, MANAGER, STAFF)
	here = frappe.request.path.rstrip("/").removeprefix(ADDRESS)
	# Another company is looked at on the same page, where that page is about a company and not about one payment.
	stay = here if here in PAGES else ""
	context.home = _address("", context.company, own)
	standings = standing.of_companies(own) if len(own) > 1 else {}
	context.companies = [
		{
			"name": name,
			"url": _address(stay, name, own),
			"is_current": name == context.company,
			"standing": standings.get(name),
		}
		for name in own
	]
	context.others_not_well = sum(
		not standings[name].is_well for name in own if name in standings and name != context.company
	)
	context.notices = notices.unread(context.company)
	if context.notices:
		context.csrf_token = frappe.sessions.get_csrf_token()
	context.pages = {page: _address(page, context.company, own) for page in PAGES}
	context.here, context.stay = here, stay
	return True


def address(subpage: str, company: str, **query: str) -> str:
	"""Return the address of a page, which names the company only where it is not the user's first."""
	return _address(subpage, company, own_companies(), **query)


def _address(subpage: str, company: str, own: list[str], **query: str) -> str:
	if own[:1] != [company]:
		query["company"] = company
	return f"{ADDRESS}{subpage}" + (f"?{urlencode(query)}" if query else "")


def export_address(method: str, company: str, *names: str) -> str:
	"""Return the address of a page's file in the API, for the filter that the page's address carries."""
	query = {name: value for name in names if (value := argument(name))}
	return f"{method}?" + urlencode({"company": company, **query, "format": argument("export") or ""})


def own_topup(find: Callable[[], frappe._dict | None]) -> frappe._dict:
	"""Return the top-up that ``find`` gives where the user may see it. Raises UnknownTopup, alike for all else."""
	topup = find()
	try:
		visible_company(topup.company if topup else "", MANAGER, STAFF)
	except UnknownCompany as error:
		raise topups.unknown() from error
	return topup


def may_pay(company: str) -> bool:
	"""Whether the user may top up: by the pay right of the company, or as staff."""
	return has_role(MANAGER, STAFF) or may_top_up(company)


def payers(company: str) -> str:
	"""Return the names of those who may top up a company, for a user who may not."""
	return names_with(company, "may_top_up")


def names_with(company: str, right: str) -> str:
	"""Return the names of a company's users who have a right and can log in."""
	names = frappe.db.sql_list(
		f"""
		SELECT u.full_name FROM `tabBilling Company User` c JOIN `tabUser` u ON u.name = c.user
		WHERE c.parent = %s AND c.parenttype = 'Billing Company' AND c.`{right}` = 1 AND u.enabled = 1
		ORDER BY c.idx
		""",
		(company,),
	)
	return ", ".join(map(person, names))
