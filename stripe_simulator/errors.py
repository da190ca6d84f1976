"""The errors of Stripe's API, in Stripe's words and shape."""

from __future__ import annotations

import copy
from typing import Any

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
	return ApiError(
		message, code="payment_intent_unexpected_state", executed=True, payment_intent=copy.deepcopy(intent)
	)


def payment_failed(intent: StripeObject) -> ApiError:
	"""Return the answer to an attempt that failed: the intent's last error, with the intent as it is now."""
	last = copy.deepcopy(intent["last_payment_error"])
	del last["doc_url"]
	return ApiError(
		last.pop("message"), status=402, executed=True, payment_intent=copy.deepcopy(intent), **last
	)


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
