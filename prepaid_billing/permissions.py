"""Who may see and do what: one seam for the API, the portal and the desk.

Another company's record answers exactly like a missing one.
"""

import frappe
from frappe import _
from frappe.core.doctype.user_permission.user_permission import get_user_permissions
from frappe.model.document import Document

from prepaid_billing.exceptions import InvalidInput, NotPermitted, UnknownCompany

MANAGER = "Prepaid Billing Manager"
STAFF = "Prepaid Billing User"
CUSTOMER = "Prepaid Billing Customer"
GATEWAY = "Call Gateway"


def has_role(*roles: str) -> bool:
	"""Whether the session user has one of the roles. Administrator has them all."""
	return bool(set(roles) & set(frappe.get_roles()))


def is_enabled() -> bool:
	"""Whether the session user is not disabled. Frappe's v15 lets the API key of a disabled user in."""
	return bool(frappe.db.sql("SELECT enabled FROM `tabUser` WHERE name = %s", (frappe.session.user,))[0][0])


def own_companies(user: str | None = None) -> list[str]:
	"""Return the companies that a user belongs to, the one that they have belonged to longest first.

	So nobody's pages are about another company than before because somebody added them to one.
	"""
	return frappe.db.sql_list(
		"""
		SELECT parent FROM `tabBilling Company User`
		WHERE user = %s AND parenttype = 'Billing Company' ORDER BY creation, parent
		""",
		(user or frappe.session.user,),
	)


def visible_company(company: str | None, *roles: str) -> str:
	"""Return the company that the user may look at: any with one of ``roles``, else an own one.

	A user of a single company need not name it. Raises UnknownCompany, alike for "not yours" and "not there".
	"""
	if has_role(*roles):
		return _existing(company)
	own = own_companies()
	if company is None and len(own) == 1:
		return own[0]
	if company is None or company not in own:
		raise UnknownCompany(_("There is no such company."))
	return company


def payable_company(company: str | None) -> str:
	"""Return the company that the user may top up. Raises UnknownCompany and NotPermitted."""
	name = visible_company(company, MANAGER, STAFF)
	if not has_role(MANAGER, STAFF) and not may_top_up(name):
		raise NotPermitted(
			_("You may look at this balance, but not top it up. Ask your company for the right.")
		)
	return name


def managed_company(company: str | None) -> str:
	"""Return the company whose settings and users the user may change. Raises UnknownCompany and NotPermitted."""
	name = visible_company(company, MANAGER, STAFF)
	if not is_owner(name):
		raise NotPermitted(_("Only an owner of the company can change this. Nothing was changed."))
	return name


def is_owner(company: str) -> bool:
	"""Whether the session user is an owner of a company that they belong to."""
	return bool(_right("is_owner", company))


def may_top_up(company: str) -> bool:
	"""Whether the session user has the pay right at a company that they belong to."""
	return bool(_right("may_top_up", company))


def _right(fieldname: str, company: str) -> int | None:
	place = {"parent": company, "parenttype": "Billing Company", "user": frappe.session.user}
	return frappe.db.get_value("Billing Company User", place, fieldname)


def _existing(company: str | None) -> str:
	if not company:
		raise InvalidInput(_("{0} is missing.").format("company"))
	# MariaDB's default collation finds "Acme" for "acme "; a company has exactly one name.
	found = frappe.db.sql("SELECT name FROM `tabBilling Company` WHERE name = %s", (company,))
	if not found or found[0][0] != company:
		raise UnknownCompany(_("There is no such company."))
	if has_role(MANAGER, STAFF) and not frappe.has_permission("Billing Company", "read", company):
		raise UnknownCompany(_("There is no such company."))
	return company


def is_staff() -> bool:
	"""Whether the app is shown to the session user on the apps screen."""
	return has_role(MANAGER, STAFF, "System Manager")


def entries_condition(user: str | None = None) -> str:
	"""Return the SQL that keeps lists of ledger entries to the companies of a user's User Permissions.

	Frappe applies these to records with a link to Billing Company; an entry links its balance alone.
	"""
	companies = kept_to(user)
	return f"`tabBalance Transaction`.balance IN ({_listed(companies)})" if companies else ""


def may_see_entry(doc: Document, user: str | None = None, **_asked: object) -> bool:
	"""Whether User Permissions leave an entry to a user."""
	companies = kept_to(user)
	return not companies or doc.balance in companies


def events_condition(user: str | None = None) -> str:
	"""Return the SQL that keeps lists of Stripe's events to those companies; one about no top-up may be about any."""
	companies = kept_to(user)
	if not companies:
		return ""
	own = f"SELECT name FROM `tabBalance Topup` WHERE company IN ({_listed(companies)})"
	return f"`tabStripe Event`.topup IN ({own})"


def may_see_event(doc: Document, user: str | None = None, **_asked: object) -> bool:
	"""Whether User Permissions leave an event to a user."""
	companies = kept_to(user)
	return not companies or frappe.db.get_value("Balance Topup", doc.topup, "company") in companies


def payloads_condition(user: str | None = None) -> str:
	"""Return the SQL that keeps lists of what Stripe's events said to the events that the user may see."""
	own = events_condition(user)
	return (
		f"`tabStripe Event Payload`.stripe_event IN (SELECT name FROM `tabStripe Event` WHERE {own})"
		if own
		else ""
	)


def may_see_payload(doc: Document, user: str | None = None, **_asked: object) -> bool:
	"""Whether User Permissions leave what an event said to a user."""
	return not kept_to(user) or may_see_event(frappe.get_doc("Stripe Event", doc.stripe_event), user)


def of_all_companies_condition(user: str | None = None) -> str:
	"""Return the SQL that hides records about all companies at once from whom User Permissions keep to some."""
	return "1 = 0" if kept_to(user) else ""


def may_see_all_companies(user: str | None = None, **_asked: object) -> bool:
	"""Whether a user may see a record about all companies at once: no User Permission keeps them to some."""
	return not kept_to(user)


def kept_to(user: str | None = None) -> list[str]:
	"""Return the companies that User Permissions keep a user to, also where for Billing Company alone; none: all are open."""
	rules = get_user_permissions(user or frappe.session.user).get("Billing Company", [])
	return [rule.doc for rule in rules if rule.applicable_for in (None, "", "Billing Company")]


def _listed(companies: list[str]) -> str:
	return ", ".join(frappe.db.escape(company) for company in companies)
