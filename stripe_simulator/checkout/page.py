"""/c/pay/<session>: show the form, take the payment, send the customer back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from stripe_simulator.cards import GROUPED_TEST_CARDS
from stripe_simulator.checkout.form import CardForm, read_form
from stripe_simulator.checkout.money import format_amount
from stripe_simulator.checkout.texts import TEXTS, language_of
from stripe_simulator.delivery import Deliverer
from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject
from stripe_simulator.payment import expire_overdue, pay
from stripe_simulator.store import Operation, Store

_HEADERS = {
	"Cache-Control": "no-store",
	"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
	"base-uri 'none'; frame-ancestors 'none'",
	"Referrer-Policy": "no-referrer",
	"X-Content-Type-Options": "nosniff",
}


def checkout_blueprint(store: Store, deliverer: Deliverer) -> Blueprint:
	"""Return the page and its static files."""
	page = Blueprint(
		"checkout", __name__, url_prefix="/c", template_folder="templates", static_folder="static"
	)

	@page.get("/pay/<id>")
	def show(id: str) -> BaseResponse:
		operation = Operation(store)
		with store.lock:
			expire_overdue(operation)
			deliverer.announce(operation.events)
			response = _view(store, id)
		return _finished(response, operation)

	@page.post("/pay/<id>")
	def submit(id: str) -> BaseResponse:
		operation = Operation(store, new_id("req_", 14))
		with store.lock:
			expire_overdue(operation)
			response = _submit(operation, id)
			deliverer.announce(operation.events)
		return _finished(response, operation)

	def _finished(response: BaseResponse, operation: Operation) -> BaseResponse:
		response.headers.update(_HEADERS)
		response.call_on_close(lambda: deliverer.send(operation.events))
		return response

	return page


def _view(store: Store, id: str) -> BaseResponse:
	session = store.find("checkout.session", id)
	if session is None:
		return _closed("missing", store, None, 404)
	if session["status"] == "open":
		return _form(store, session)
	return _closed(session["status"], store, session, 200 if session["status"] == "complete" else 410)


def _submit(operation: Operation, id: str) -> BaseResponse:
	"""Pay once: a second submit of a paid session, as after a double click, only sends the customer on."""
	store = operation.store
	session = store.find("checkout.session", id)
	if session is None or session["status"] == "expired":
		return _view(store, id)
	if session["status"] == "open":
		form = read_form(request.form, _known_email(session), store.clock.now())
		if form.card is None:
			return _form(store, session, form, status=422)
		decline = pay(operation, session, form.card, form.name, form.email)
		if decline:
			return _form(store, session, form, decline.decline_code, status=402)
	return redirect(_success_url(session), 303)


def _form(
	store: Store,
	session: StripeObject,
	form: CardForm | None = None,
	decline_code: str = "",
	status: int = 200,
) -> BaseResponse:
	language, texts = _language(session)
	checkout = store.checkouts[session["id"]]
	lines = [
		{
			"name": line["description"],
			"description": product.get("description", ""),
			"amount": format_amount(line["amount_total"], session["currency"], language),
			"quantity": line["quantity"],
			"unit": format_amount(line["price"]["unit_amount"], session["currency"], language),
		}
		for line, product in zip(checkout.line_items, checkout.products, strict=True)
	]
	errors = {input: texts[error] for input, error in form.errors.items()} if form else {}
	return _render(
		"checkout/pay.html",
		status,
		language=language,
		text=texts,
		merchant=store.business_name,
		back_url=session["cancel_url"],
		lines=lines,
		total=format_amount(session["amount_total"], session["currency"], language),
		known_email=_known_email(session),
		values=request.form,
		errors=errors,
		focus=next(iter(errors), ""),
		decline=texts[decline_code] if decline_code else "",
		test_cards=list(
			zip(GROUPED_TEST_CARDS, ("card_pays", "card_insufficient_funds", "card_declined"), strict=True)
		),
	)


def _closed(state: str, store: Store, session: StripeObject | None, status: int) -> BaseResponse:
	language, texts = _language(session)
	url = ""
	if session:
		url = _success_url(session) if state == "complete" else session["cancel_url"] or ""
	link = texts["complete_continue" if state == "complete" else "back_to"].format(store.business_name)
	return _render(
		"checkout/closed.html",
		status,
		language=language,
		text=texts,
		merchant=store.business_name,
		state=state,
		heading=texts[f"{state}_heading"],
		message=texts[f"{state}_text"],
		url=url,
		link=link,
	)


def _render(template: str, status: int, **context: Any) -> BaseResponse:
	return Response(render_template(template, **context), status)


def _language(session: StripeObject | None) -> tuple[str, dict[str, str]]:
	accepted = request.accept_languages.best_match(("en", "de"))
	language = language_of(session["locale"] if session else None, accepted)
	return language, TEXTS[language]


def _known_email(session: StripeObject) -> str | None:
	details = session["customer_details"]
	return details["email"] if details else None


def _success_url(session: StripeObject) -> str:
	url: str = session["success_url"]
	return url.replace("{CHECKOUT_SESSION_ID}", session["id"])
