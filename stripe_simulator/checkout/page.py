"""/c/pay/<session>, /c/authenticate/<intent> and /c/portal/<session>: what a customer sees of Stripe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from stripe_simulator.bank_accounts import GROUPED_TEST_ACCOUNTS
from stripe_simulator.cards import GROUPED_TEST_CARDS
from stripe_simulator.checkout.form import PaymentForm, chosen_method, read_form
from stripe_simulator.checkout.money import format_amount
from stripe_simulator.checkout.portal import saved_methods
from stripe_simulator.checkout.texts import TEXTS, language_of
from stripe_simulator.delivery import Deliverer
from stripe_simulator.flows import payments, setups
from stripe_simulator.flows.checkout import pay
from stripe_simulator.flows.time import run_due
from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject
from stripe_simulator.store import Operation, Store

_HEADERS = {
	"Cache-Control": "no-store",
	"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
	"base-uri 'none'; frame-ancestors 'none'",
	"Referrer-Policy": "no-referrer",
	"X-Content-Type-Options": "nosniff",
}


def checkout_blueprint(store: Store, deliverer: Deliverer) -> Blueprint:
	"""Return the pages and their static files."""
	pages = Blueprint(
		"checkout", __name__, url_prefix="/c", template_folder="templates", static_folder="static"
	)

	def answer(handler: Callable[[Operation, str], BaseResponse], id: str) -> BaseResponse:
		operation = Operation(store, new_id("req_", 14))
		with store.lock:
			run_due(operation)
			response = handler(operation, id)
			deliverer.announce(operation.events)
		response.headers.update(_HEADERS)
		response.call_on_close(lambda: deliverer.send(operation.events))
		return response

	for path, method, handler in (
		("/pay/<id>", "GET", _view),
		("/pay/<id>", "POST", _submit),
		("/authenticate/<id>", "GET", _ask),
		("/authenticate/<id>", "POST", _decide),
		("/portal/<id>", "GET", _show_portal),
	):
		pages.add_url_rule(
			path,
			f"{method} {path}",
			lambda id, handler=handler: answer(handler, id),
			methods=[method],
		)
	return pages


def _view(operation: Operation, id: str) -> BaseResponse:
	store = operation.store
	session = store.find("checkout.session", id)
	if session is None:
		return _closed("missing", store, None, 404)
	if session["status"] == "open":
		return _form(store, session, decline=_refused_authentication(store, session))
	return _closed(session["status"], store, session, 200 if session["status"] == "complete" else 410)


def _submit(operation: Operation, id: str) -> BaseResponse:
	"""Pay once: a second submit of a paid session, as after a double click, only sends the customer on."""
	store = operation.store
	session = store.find("checkout.session", id)
	if session is None or session["status"] == "expired":
		return _view(operation, id)
	if session["status"] == "open":
		types = session["payment_method_types"]
		form = read_form(request.form, _known_email(session), store.clock.now(), types)
		if form.instrument is None:
			return _form(store, session, form, status=422)
		intent = pay(operation, session, form.instrument, {"name": form.name, "email": form.email})
		if intent["last_payment_error"]:
			return _form(store, session, form, intent["last_payment_error"]["decline_code"], status=402)
		if intent["next_action"]:
			return redirect(intent["next_action"]["redirect_to_url"]["url"], 303)
	return redirect(_success_url(session), 303)


def _ask(operation: Operation, id: str) -> BaseResponse:
	"""Show what the customer's bank asks as part of 3-D Secure."""
	store = operation.store
	intent = _intent(store, id)
	if intent is None or intent["status"] != "requires_action":
		return _closed("missing", store, None, 404)
	language, texts = _language(store.session_of(intent))
	is_payment = intent["object"] == "payment_intent"
	amount = format_amount(intent["amount"], intent["currency"], language) if is_payment else ""
	question = texts["authenticate_text" if is_payment else "authenticate_setup_text"]
	return _render(
		"checkout/authenticate.html",
		200,
		language=language,
		text=texts,
		merchant=store.settings.business_name,
		question=question.format(store.settings.business_name, amount),
		confirm=texts["authenticate_confirm" if is_payment else "authenticate_setup_confirm"],
	)


def _decide(operation: Operation, id: str) -> BaseResponse:
	"""Take the customer's answer; one that comes twice changes nothing."""
	store = operation.store
	intent = _intent(store, id)
	if intent is None:
		return _ask(operation, id)
	action = intent["next_action"]
	if action:
		flow = payments if intent["object"] == "payment_intent" else setups
		flow.authenticate(operation, intent, request.form.get("answer") == "confirm")
	session = store.session_of(intent)
	if session:
		done = session["status"] == "complete"
		return redirect(_success_url(session) if done else f"/c/pay/{session['id']}", 303)
	url = action["redirect_to_url"]["return_url"] if action else None
	return redirect(_return_url(url, intent), 303) if url else _ask(operation, id)


def _return_url(url: str, intent: StripeObject) -> str:
	"""Return where a customer goes who has answered for an intent without Checkout."""
	kind = intent["object"]
	outcome = {
		kind: intent["id"],
		f"{kind}_client_secret": intent["client_secret"],
		"redirect_status": "succeeded" if intent["status"] in ("requires_capture", "succeeded") else "failed",
	}
	return f"{url}{'&' if '?' in url else '?'}{urlencode(outcome)}"


def _show_portal(operation: Operation, id: str) -> BaseResponse:
	"""Show what is saved of a customer."""
	store = operation.store
	session = store.find("billing_portal.session", id)
	if session is None:
		return _closed("missing", store, None, 404)
	customer = store.require("customer", session["customer"], "customer")
	language, texts = _language(session, customer["preferred_locales"])
	return _render(
		"checkout/portal.html",
		200,
		language=language,
		text=texts,
		merchant=store.settings.business_name,
		methods=saved_methods(store.newest_first("payment_method"), customer["id"]),
		return_url=session["return_url"],
	)


def _intent(store: Store, id: str) -> StripeObject | None:
	return store.find("payment_intent", id) or store.find("setup_intent", id)


def _form(
	store: Store,
	session: StripeObject,
	form: PaymentForm | None = None,
	decline: str = "",
	status: int = 200,
) -> BaseResponse:
	language, texts = _language(session)
	checkout = store.checkouts[session["id"]]
	types = session["payment_method_types"]
	lines = [
		{
			"name": line["description"],
			"description": description,
			"amount": format_amount(line["amount_total"], session["currency"], language),
			"quantity": line["quantity"],
			"unit": format_amount(line["price"]["unit_amount"], session["currency"], language),
		}
		for line, description in zip(checkout.line_items, checkout.descriptions, strict=True)
	]
	errors = {input: texts[error] for input, error in form.errors.items()} if form else {}
	return _render(
		"checkout/pay.html",
		status,
		language=language,
		text=texts,
		merchant=store.settings.business_name,
		back_url=session["cancel_url"],
		lines=lines,
		total=format_amount(session["amount_total"], session["currency"], language),
		known_email=_known_email(session),
		types=types,
		method=chosen_method(request.form, types),
		values=request.form,
		errors=errors,
		focus=next(iter(errors), ""),
		decline=texts[decline] if decline else "",
		test_numbers=(GROUPED_TEST_CARDS if "card" in types else {})
		| (GROUPED_TEST_ACCOUNTS if "sepa_debit" in types else {}),
	)


def _closed(state: str, store: Store, session: StripeObject | None, status: int) -> BaseResponse:
	language, texts = _language(session)
	merchant = store.settings.business_name
	url = ""
	if session:
		url = _success_url(session) if state == "complete" else session["cancel_url"] or ""
	link = texts["complete_continue" if state == "complete" else "back_to"].format(merchant)
	return _render(
		"checkout/closed.html",
		status,
		language=language,
		text=texts,
		merchant=merchant,
		state=state,
		heading=texts[f"{state}_heading"],
		message=texts[f"{state}_text"],
		url=url,
		link=link,
	)


def _render(template: str, status: int, **context: Any) -> BaseResponse:
	return Response(render_template(template, **context), status)


def _language(session: StripeObject | None, preferred: Sequence[str] = ()) -> tuple[str, dict[str, str]]:
	accepted = preferred[0] if preferred else request.accept_languages.best_match(("en", "de"))
	language = language_of(session["locale"] if session else None, accepted)
	return language, TEXTS[language]


def _known_email(session: StripeObject) -> str | None:
	details = session["customer_details"]
	return details["email"] if details else None


def _refused_authentication(store: Store, session: StripeObject) -> str:
	"""Return the key of the text for a customer who comes back from 3-D Secure without having passed."""
	intent = store.find("payment_intent", session["payment_intent"])
	error = intent["last_payment_error"] if intent else None
	code = "payment_intent_authentication_failure"
	return code if error and error["code"] == code else ""


def _success_url(session: StripeObject) -> str:
	url: str = session["success_url"]
	return url.replace("{CHECKOUT_SESSION_ID}", session["id"])
