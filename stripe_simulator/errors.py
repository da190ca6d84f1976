"""The errors of Stripe's API, in Stripe's words and shape."""

from __future__ import annotations

import copy
from typing import Any

from stripe_simulator.behaviour import Decline
from stripe_simulator.objects import StripeObject

DOC_URL = "https://stripe.com/docs/error-codes/"


class ApiError(Exception):
	"""An answer other than 200.

	`executed` tells whether the endpoint had begun its work: only then is the answer kept for its idempotency key,
	as in Stripe's API, so that a corrected request may use the same key.
	"""

	def __init__(
		self,
		message: str,
		*,
		status: int = 400,
		type: str = "invalid_request_error",
		code: str | None = None,
		param: str | None = None,
		executed: bool = False,
		**details: Any,
	) -> None:
		super().__init__(message)
		self.status = status
		self.executed = executed
		self.error: dict[str, Any] = {"message": message, "type": type, **details}
		if code:
			self.error |= {"code": code, "doc_url": DOC_URL + code.replace("_", "-")}
		if param:
			self.error["param"] = param

	def body(self) -> dict[str, Any]:
		"""Return the JSON body of the answer."""
		return {"error": self.error}


def parameter_missing(param: str) -> ApiError:
	return ApiError(f"Missing required param: {param}.", code="parameter_missing", param=param)


def parameter_unknown(param: str) -> ApiError:
	return ApiError(f"Received unknown parameter: {param}", code="parameter_unknown", param=param)


def parameter_invalid(param: str, message: str, code: str | None = None) -> ApiError:
	return ApiError(message, code=code, param=param)


def resource_missing(kind: str, id: str, param: str, status: int = 404) -> ApiError:
	return ApiError(f"No such {kind}: '{id}'", status=status, code="resource_missing", param=param)


def unexpected_state(message: str, intent: StripeObject) -> ApiError:
	kind = intent["object"]
	details = {kind: copy.deepcopy(intent)}
	return ApiError(message, code=f"{kind}_unexpected_state", executed=True, **details)


def failure(code: str, message: str, type: str = "invalid_request_error", **details: object) -> StripeObject:
	"""Return why an attempt of an intent failed, as the intent shows it from then on."""
	return {
		"code": code,
		"doc_url": DOC_URL + code.replace("_", "-"),
		"message": message,
		"type": type,
		**details,
	}


def decline_failure(decline: Decline, method: StripeObject) -> StripeObject:
	"""Return why a card was declined, as the intent shows it."""
	optional = {"advice_code": decline.advice_code, "network_decline_code": decline.network_decline_code}
	return failure(
		decline.code,
		decline.message,
		type="card_error",
		decline_code=decline.decline_code,
		payment_method=method,
		**{name: value for name, value in optional.items() if value},
	)


def attempt_failed(intent: StripeObject) -> ApiError:
	"""Return the answer to an attempt that failed: the intent's last error, with the intent as it is now."""
	kind = intent["object"]
	last = copy.deepcopy(intent["last_payment_error" if kind == "payment_intent" else "last_setup_error"])
	del last["doc_url"]
	last[kind] = copy.deepcopy(intent)
	return ApiError(last.pop("message"), status=402, executed=True, **last)


def rate_limited() -> ApiError:
	return ApiError(
		"Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
		status=429,
		code="rate_limit",
	)


def unknown_route(method: str, path: str) -> ApiError:
	return ApiError(
		f"Unrecognized request URL ({method}: {path}). If you are trying to list objects, remove the trailing slash. "
		"This simulator knows only a part of Stripe's API.",
		status=404,
	)


def internal_error(executed: bool = True) -> ApiError:
	return ApiError("An unknown error occurred", status=500, type="api_error", executed=executed)
