"""One request to the API: who asks, what they sent, was it asked before, and the answer."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
import socket
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Request, Response

from stripe_simulator.delivery import Deliverer
from stripe_simulator.errors import ApiError, internal_error, rate_limited
from stripe_simulator.expand import check_expand, expanded
from stripe_simulator.faults import Faults
from stripe_simulator.fields import Group, ListOf, Text
from stripe_simulator.flows.time import run_due
from stripe_simulator.forms import nested_params
from stripe_simulator.idempotency import Answer, IdempotencyStore
from stripe_simulator.ids import new_id
from stripe_simulator.objects import StripeObject
from stripe_simulator.settings import LIVE_KEY_PREFIXES, Settings
from stripe_simulator.store import Operation, Store
from stripe_simulator.versions import ACCOUNT_VERSION

Handler = Callable[..., StripeObject]
"""Does the work of a route, called as (operation, params, **ids) under the lock; returns the object to answer."""


NO_FIELDS = Group()


@dataclass(frozen=True)
class Route:
	"""A method and path of the API, the parameters it takes and the kind of object it answers with."""

	method: str
	path: str
	handler: Handler
	returns: str
	fields: Group = NO_FIELDS
	is_list: bool = False


class Api:
	"""Answers requests for routes, or with errors where there is none."""

	def __init__(
		self,
		settings: Settings,
		store: Store,
		idempotency: IdempotencyStore,
		deliverer: Deliverer,
		faults: Faults,
	) -> None:
		self._settings = settings
		self._store = store
		self._idempotency = idempotency
		self._deliverer = deliverer
		self._faults = faults

	def answer(self, route: Route, request: Request, ids: dict[str, str]) -> Response:
		"""Answer a request, or go wrong as asked for; its events are sent after the answer has left."""
		fault = self._faults.take(request.method, request.path)
		kind = fault.kind if fault else ""
		if fault and kind == "hang_before":
			self._faults.hang(fault.seconds)
		if kind == "cut_before":
			return _cut(request, Response())
		response = self._answer(route, request, ids, kind)
		if fault and kind == "hang_after":
			self._faults.hang(fault.seconds)
		return _cut(request, response) if kind == "cut_after" else response

	def _answer(self, route: Route, request: Request, ids: dict[str, str], fault: str) -> Response:
		operation = Operation(
			self._store,
			new_id("req_", 14),
			request.headers.get("Idempotency-Key"),
			request.headers.get("Stripe-Version", ACCOUNT_VERSION),
		)
		try:
			self._check(request)
			if fault == "rate_limit":
				raise rate_limited()
			if fault == "error_before":
				raise internal_error(executed=False)
			params = _params_of(request)
			if request.method == "POST" and operation.idempotency_key:
				return self._answer_once(route, request, params, operation, ids, fault)
			answer, _ = self._perform(route, params, operation, ids, fault)
		except ApiError as error:
			answer = _error_answer(error, operation)
		return self._respond(request, answer, operation)

	def refuse(self, request: Request, error: ApiError) -> Response:
		"""Answer a request for which there is no route."""
		version = request.headers.get("Stripe-Version", ACCOUNT_VERSION)
		operation = Operation(self._store, new_id("req_", 14), version=version)
		try:
			self._check(request)
		except ApiError as refusal:
			error = refusal
		return self._respond(request, _error_answer(error, operation), operation)

	def _answer_once(
		self,
		route: Route,
		request: Request,
		params: dict[str, Any],
		operation: Operation,
		ids: dict[str, str],
		fault: str,
	) -> Response:
		key, path = operation.idempotency_key or "", request.path
		kept = self._idempotency.begin(key, path, params)
		if kept:
			response = self._respond(request, kept, operation)
			response.headers["Idempotent-Replayed"] = "true"
			response.headers["Original-Request"] = kept.request_id
			return response
		answer, executed = self._perform(route, params, operation, ids, fault)
		if executed:
			self._idempotency.keep(key, path, answer)
		else:
			self._idempotency.release(key, path)
		return self._respond(request, answer, operation)

	def _perform(
		self, route: Route, params: dict[str, Any], operation: Operation, ids: dict[str, str], fault: str
	) -> tuple[Answer, bool]:
		"""Run the handler; return its answer and whether it had begun its work."""
		try:
			with self._store.lock:
				try:
					run_due(operation)
					answer = _run(route, params, operation, ids)
				finally:
					self._deliverer.announce(operation.events)
			if fault == "error_after":
				raise internal_error()
			return answer, True
		except ApiError as error:
			return _error_answer(error, operation), error.executed
		except Exception:
			traceback.print_exc()
			return _error_answer(internal_error(), operation), True

	def _respond(self, request: Request, answer: Answer, operation: Operation) -> Response:
		response = Response(answer.body, answer.status, content_type="application/json")
		response.headers["Request-Id"] = operation.request_id or ""
		response.headers["Stripe-Version"] = operation.version
		if operation.idempotency_key:
			response.headers["Idempotency-Key"] = operation.idempotency_key
		response.call_on_close(lambda: self._deliverer.send(operation.events))
		return response

	def _check(self, request: Request) -> None:
		key = _key_of(request)
		if not key:
			raise ApiError(
				"You did not provide an API key. You need to provide your API key in the Authorization header, "
				"using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
				status=401,
			)
		if key.startswith(LIVE_KEY_PREFIXES):
			raise ApiError("This is a simulator. It refuses live keys; use a test key.", status=401)
		if hmac.compare_digest(key.encode(), self._settings.publishable_key.encode()):
			raise ApiError(
				"This API call cannot be made with a publishable API key. Please use a secret API key.",
				status=401,
				code="secret_key_required",
			)
		if not hmac.compare_digest(key.encode(), self._settings.secret_key.encode()):
			raise ApiError(f"Invalid API Key provided: {key[:8]}****{key[-4:]}", status=401)
		version = request.headers.get("Stripe-Version", ACCOUNT_VERSION)
		if not re.fullmatch(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?", version):
			raise ApiError(f"Invalid Stripe API version: {version}")


def _cut(request: Request, response: Response) -> Response:
	"""Close the connection, so that nothing of the response arrives."""
	request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
	return response


def view_of(api: Api, route: Route, request: Request) -> Callable[..., Response]:
	"""Return the Flask view of a route (`request` is Flask's proxy of the current one)."""
	return lambda **ids: api.answer(route, request, ids)


def _run(route: Route, params: dict[str, Any], operation: Operation, ids: dict[str, str]) -> Answer:
	"""Check the parameters, do the work and write the answer while the objects cannot change."""
	sent = dict(params)
	paths = ListOf(Text()).parse(sent.pop("expand"), "expand") if "expand" in sent else []
	if route.is_list:
		paths = [_inside_list(path) for path in paths]
	check_expand(route.returns, paths)
	result = route.handler(operation, route.fields.parse(sent), **ids)
	if route.is_list:
		result["data"] = [expanded(operation.store, thing, paths) for thing in result["data"]]
	else:
		result = expanded(operation.store, result, paths)
	return Answer(200, json.dumps(result, indent=2), operation.request_id or "")


def _inside_list(path: str) -> str:
	if not path.startswith("data."):
		raise ApiError(
			f"This property cannot be expanded ({path}). You may want to try expanding 'data.{path}' instead.",
			param="expand",
		)
	return path.removeprefix("data.")


def _params_of(request: Request) -> dict[str, Any]:
	if request.method in ("GET", "DELETE"):
		return nested_params(request.args.items(multi=True))
	if request.content_length and request.mimetype != "application/x-www-form-urlencoded":
		raise ApiError(
			"Invalid request (check that your POST content type is application/x-www-form-urlencoded)."
		)
	return nested_params(request.form.items(multi=True))


def _key_of(request: Request) -> str:
	"""Return the key of Bearer or Basic authorization, where it is the user name, or nothing."""
	scheme, _, value = request.headers.get("Authorization", "").partition(" ")
	if scheme.lower() == "bearer":
		return value.strip()
	if scheme.lower() == "basic":
		try:
			return base64.b64decode(value).decode().partition(":")[0]
		except (binascii.Error, UnicodeDecodeError):
			return ""
	return ""


def _error_answer(error: ApiError, operation: Operation) -> Answer:
	return Answer(error.status, json.dumps(error.body(), indent=2), operation.request_id or "")
