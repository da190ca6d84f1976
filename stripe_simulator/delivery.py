"""Webhooks: a few threads that post events, apart from the requests that caused them."""

from __future__ import annotations

import heapq
import http.client
import itertools
import json
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

from stripe_simulator.loopback import connect_address
from stripe_simulator.objects import StripeObject
from stripe_simulator.settings import Settings
from stripe_simulator.signing import signature_header

THREADS = 4
"""Several events of one payment arrive at once, as from Stripe, and a slow answer holds nobody else up."""


@dataclass(frozen=True)
class Attempt:
	"""One POST: when (real Unix seconds), and the HTTP status or what went wrong instead."""

	at: float
	status: int | None
	error: str | None

	@property
	def succeeded(self) -> bool:
		"""Only a 2xx counts; a redirect isn't followed and is a failure."""
		return self.status is not None and 200 <= self.status < 300


@dataclass
class Delivery:
	"""An event on its way: announced, pending, then delivered or failed.

	`body` never changes, so every attempt posts the same bytes.
	"""

	event: StripeObject
	body: bytes
	state: str = "announced"
	tries_left: int = 0
	attempts: list[Attempt] = field(default_factory=list)

	def as_json(self) -> dict[str, Any]:
		"""Return what the control surface shows."""
		return {
			"event": self.event["id"],
			"type": self.event["type"],
			"state": self.state,
			"attempts": [asdict(attempt) for attempt in self.attempts],
		}


class Deliverer:
	"""Posts events to the one endpoint, again after each configured delay until one answer is 2xx."""

	def __init__(self, settings: Settings) -> None:
		self._settings = settings
		self._change = threading.Condition()
		self._queue: list[tuple[float, int, Delivery]] = []
		self._deliveries: dict[str, Delivery] = {}
		self._counter = itertools.count()
		self._paused = False
		self._stopped = False
		self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(THREADS)]

	def start(self) -> None:
		"""Begin to deliver."""
		for thread in self._threads:
			thread.start()

	def stop(self) -> None:
		"""Begin no further attempt. One in the middle of its answer is left to die with the process."""
		with self._change:
			self._stopped = True
			self._change.notify_all()

	def announce(self, events: Iterable[StripeObject]) -> None:
		"""Take new events without sending them yet: the answer to the request that caused them leaves first."""
		if not self._settings.webhook_url:
			return
		with self._change:
			for event in events:
				event["pending_webhooks"] = 1
				self._deliveries[event["id"]] = Delivery(event, json.dumps(event, indent=2).encode())

	def send(self, events: Iterable[StripeObject]) -> None:
		"""Deliver announced events, begun in this order; those forgotten since are left out."""
		with self._change:
			for event in events:
				if delivery := self._deliveries.get(event["id"]):
					self._schedule(delivery)

	def resend(self, event_id: str) -> bool:
		"""Post an event once more with a fresh round of retries; False for one that is not known."""
		with self._change:
			delivery = self._deliveries.get(event_id)
			if delivery is None:
				return False
			self._schedule(delivery)
			return True

	def pause(self) -> None:
		"""Begin no attempt until resumed; events queue up."""
		with self._change:
			self._paused = True

	def resume(self) -> None:
		"""Deliver what has queued up, and go on."""
		with self._change:
			self._paused = False
			self._change.notify_all()

	def clear(self) -> None:
		"""Forget all events and go on delivering; an attempt in flight isn't retried."""
		with self._change:
			self._queue.clear()
			self._deliveries.clear()
			self._paused = False

	def deliveries(self) -> list[dict[str, Any]]:
		"""Return every delivery with its attempts, oldest first."""
		with self._change:
			return [delivery.as_json() for delivery in self._deliveries.values()]

	def is_delivered(self, event_id: str) -> bool:
		"""Tell whether the endpoint has accepted the event (`delivery_success` of Stripe's events list)."""
		with self._change:
			delivery = self._deliveries.get(event_id)
			return delivery is None or delivery.state == "delivered"

	def _schedule(self, delivery: Delivery) -> None:
		delivery.state = "pending"
		delivery.tries_left = 1 + len(self._settings.retry_delays)
		self._push(delivery, 0)

	def _push(self, delivery: Delivery, delay: float) -> None:
		heapq.heappush(self._queue, (time.monotonic() + delay, next(self._counter), delivery))
		self._change.notify()

	def _work(self) -> None:
		while delivery := self._next():
			attempt = self._post(delivery.body)
			with self._change:
				self._record(delivery, attempt)

	def _next(self) -> Delivery | None:
		"""Wait for the next delivery that is due, or return None once stopped."""
		with self._change:
			while not self._stopped:
				wait = None
				if self._queue and not self._paused:
					wait = self._queue[0][0] - time.monotonic()
					if wait <= 0:
						return heapq.heappop(self._queue)[2]
				self._change.wait(wait)
			return None

	def _record(self, delivery: Delivery, attempt: Attempt) -> None:
		delivery.attempts.append(attempt)
		if attempt.succeeded:
			delivery.state = "delivered"
			delivery.event["pending_webhooks"] = 0
			return
		delivery.tries_left -= 1
		delays = self._settings.retry_delays
		if delivery.tries_left <= 0:
			delivery.state = "failed"
		elif self._deliveries.get(delivery.event["id"]) is delivery:
			self._push(delivery, delays[-delivery.tries_left])

	def _post(self, body: bytes) -> Attempt:
		"""Post once. The stamp is real time, because receivers compare it with theirs."""
		settings, now = self._settings, time.time()
		url = urlsplit(settings.webhook_url)
		connection = http.client.HTTPConnection(
			connect_address(url.hostname or ""), url.port or 80, timeout=settings.webhook_timeout
		)
		path = (url.path or "/") + (f"?{url.query}" if url.query else "")
		headers = {
			"Host": url.netloc.rpartition("@")[2],
			"Content-Type": "application/json; charset=utf-8",
			"User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
			"Stripe-Signature": signature_header(body, settings.webhook_secret, int(now)),
		}
		try:
			connection.request("POST", path, body, headers)
			return Attempt(now, connection.getresponse().status, None)
		except (OSError, http.client.HTTPException) as error:
			return Attempt(now, None, str(error) or type(error).__name__)
		finally:
			connection.close()
