"""Where Frappe's own handling of a request does not fit our API: before it and after it."""

import json
import re

import frappe
from frappe import _
from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

METHODS = re.compile(r"/api/(?:v[12]/)?method/(prepaid_billing\.api\.[^/]*)")
WEBHOOK = "/api/stripe/webhook"
CODES = {
	401: "NOT_AUTHENTICATED",
	403: "NOT_PERMITTED",
	404: "UNKNOWN_METHOD",
	405: "METHOD_NOT_ALLOWED",
	413: "INVALID_INPUT",
	429: "RATE_LIMITED",
	503: "TRY_AGAIN",
}


def before_request() -> None:
	"""Keep a body's ``cmd`` from choosing another method, and make the short webhook address known."""
	if not _is_ours(frappe.request.path):
		return
	frappe.form_dict.pop("cmd", None)
	if frappe.request.path.rstrip("/") == WEBHOOK:
		_add_short_path()


def after_request(response: Response | None, request: Request) -> None:
	"""Keep out of caches what is one customer's or in one browser's language; give refusals of our API the form of ours."""
	if response is not None and (_is_of_a_customer(request.path) or frappe.flags.speaks_as_the_browser):
		response.headers["Cache-Control"] = "private, no-store"
	if response is None or response.status_code < 400 or not _is_ours(request.path):
		return
	if response.is_json and "code" in (response.get_json(silent=True) or {}):
		return
	status, error = _translated(response.status_code, request)
	response.status_code = status
	response.content_type = "application/json"
	response.set_data(json.dumps({"code": CODES.get(status, "INVALID_INPUT"), "error": error}))


def _is_of_a_customer(path: str) -> bool:
	"""Whether an answer may hold a customer's data.

	Pages say it themselves: Frappe shows one under more addresses than its own, such as those with blanks or slashes.
	"""
	named = frappe.form_dict.get("cmd") if frappe.form_dict else None
	is_method = str(named or "").startswith("prepaid_billing.api.")
	return is_method or _is_ours(path) or bool(frappe.flags.shows_a_customer)


def _is_ours(path: str) -> bool:
	return bool(METHODS.match(path)) or path.rstrip("/") == WEBHOOK


def _add_short_path() -> None:
	"""Add our rule to Frappe's public URL map of this process: no hook exists for routes below /api.

	The map is shared by all sites of the process, so a site without the app is checked for here: hooks run
	for installed apps only, and the rule's endpoint is refused by Frappe elsewhere.
	"""
	from frappe.api import API_URL_MAP

	from prepaid_billing.api.stripe import short_path

	if not any(rule.rule == WEBHOOK for rule in API_URL_MAP.iter_rules()):
		API_URL_MAP.add(Rule(WEBHOOK, endpoint=short_path))


def _translated(status: int, request: Request) -> tuple[int, str]:
	if _is_broken_json(request):
		return (400 if "stripe" in request.path else 422), _(
			"The body is not valid JSON. Nothing was changed."
		)
	if _is_wrong_verb(request):
		return 405, _("This address does not take {0} requests.").format(request.method)
	if status == 401 or (status == 403 and frappe.session.user == "Guest"):
		return 401, _("Log in or send an API key. Nothing was changed.")
	if status == 403:
		return 403, _("Your user may not use this. Nothing was changed.")
	if _is_unknown(request):
		return 404, _("There is no method of this name. Nothing was changed.")
	if status in (404, 413, 429, 503):
		return status, _("The request was refused. Nothing was changed.")
	if status < 500:
		return 422, _("The request was not understood. Nothing was changed.")
	return 503, _("Something failed on our side. Send the same request again; nothing is booked twice.")


def _is_broken_json(request: Request) -> bool:
	if not request.is_json or not (body := request.get_data(as_text=True)):
		return False
	try:
		return not isinstance(json.loads(body), dict)
	except (ValueError, RecursionError):
		return True


def _is_unknown(request: Request) -> bool:
	"""Whether nothing has the name that was called; Frappe answers that with 417, as it does much else."""
	found = METHODS.match(request.path)
	try:
		return bool(found) and not frappe.get_attr(found[1])
	except Exception:
		return True


def _is_wrong_verb(request: Request) -> bool:
	found = METHODS.match(request.path)
	method = found[1] if found else "prepaid_billing.api.stripe.webhook"
	try:
		allowed = frappe.allowed_http_methods_for_whitelisted_func.get(frappe.get_attr(method))
	except Exception:
		return False  # no such method: Frappe's own status stands
	return allowed is not None and request.method not in allowed
