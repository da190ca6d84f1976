"""Answers kept by idempotency key, so that a repeated POST does nothing twice."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from stripe_simulator.clock import Clock
from stripe_simulator.errors import ApiError

KEY_LIFETIME = 24 * 60 * 60
"""Seconds after which a key counts as new again (docs.stripe.com/api/idempotent_requests)."""
MAX_KEY_LENGTH = 255


@dataclass(frozen=True)
class Answer:
	"""Status and body as they left, with the id of the request that made them."""

	status: int
	body: str
	request_id: str


@dataclass
class _Entry:
	params: dict[str, Any]
	started: int
	answer: Answer | None = None


class IdempotencyStore:
	"""Keys are separate per path, and an entry without an answer is a request still in flight.

	Its own lock is held for moments only, so that a second request is told 409 while the first one still works.
	"""

	def __init__(self, clock: Clock) -> None:
		self._clock = clock
		self._lock = threading.Lock()
		self._entries: dict[tuple[str, str], _Entry] = {}

	def begin(self, key: str, path: str, params: dict[str, Any]) -> Answer | None:
		"""Claim the key and return None, or return the answer that it already got.

		Raises ApiError: 400 for a key used with other parameters, 409 for one still in flight.
		"""
		if len(key) > MAX_KEY_LENGTH:
			raise ApiError(f"Idempotency keys must be at most {MAX_KEY_LENGTH} characters long.")
		with self._lock:
			entry = self._entries.get((key, path))
			now = self._clock.now()
			if entry is None or (entry.answer and now - entry.started >= KEY_LIFETIME):
				self._entries[key, path] = _Entry(params, now)
				return None
			if entry.params != params:
				raise _other_parameters(key)
			if entry.answer is None:
				raise _in_flight(key)
			return entry.answer

	def keep(self, key: str, path: str, answer: Answer) -> None:
		"""Keep the answer of a claimed key for every later request."""
		with self._lock:
			if entry := self._entries.get((key, path)):
				entry.answer = answer

	def release(self, key: str, path: str) -> None:
		"""Forget a claimed key whose request failed validation, so that it may be used again."""
		with self._lock:
			self._entries.pop((key, path), None)

	def is_in_flight(self, key: str, path: str) -> bool:
		"""Tell whether a request with this key has begun and not ended."""
		with self._lock:
			entry = self._entries.get((key, path))
			return entry is not None and entry.answer is None

	def clear(self) -> None:
		"""Forget all keys."""
		with self._lock:
			self._entries.clear()


def _other_parameters(key: str) -> ApiError:
	return ApiError(
		"Keys for idempotent requests can only be used with the same parameters they were first used with. "
		f"Try using a key other than '{key}' if you meant to execute a different request.",
		type="idempotency_error",
	)


def _in_flight(key: str) -> ApiError:
	return ApiError(
		f"There is currently another in-progress request using the idempotency key '{key}'. Please try again later.",
		status=409,
		code="idempotency_key_in_use",
	)
