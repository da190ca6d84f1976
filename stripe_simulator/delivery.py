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
from stripe_simulator.signing import signature_header
from stripe_simulator.store import Store

THREADS = 4
"""Several events of one payment arrive at once, as from Stripe, and a slow answer holds nobody else up."""
UNKNOWN_SECRET = "whsec_of_somebody_else"
STALE_AGE = 10 * 60
"""Seconds by which an old stamp is behind; receivers accept five minutes."""


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


@dataclass(eq=False)
class Delivery:
	"""An event on its way to one endpoint: announced, pending, then delivered or failed.

	`body` never changes, so every attempt posts the same bytes. It goes out when the clock shows
	`due` (seconds), counted from its announcement, whenever it is sent. `drops` attempts are still to get lost, then
	`forged` to be signed with a wrong secret and `stale` to bear an old stamp.
	"""

	event: StripeObject
	endpoint: str
	body: bytes
	due: float = 0
	drops: int = 0
	forged: int = 0
	stale: int = 0
	state: str = "announced"
	tries_left: int = 0
	attempts: list[Attempt] = field(default_factory=list)

	def as_json(self) -> dict[str, Any]:
		"""Return what the control surface shows."""
		return {
			"event": self.event["id"],
			"type": self.event["type"],
			"endpoint": self.endpoint,
			"state": self.state,
			"attempts": [asdict(attempt) for attempt in self.attempts],
		}


class Deliverer:
	"""Posts events to every endpoint that wants them, again after each configured delay until one answer is 2xx.

	Delays are simulated time, so moving the clock makes retries due. Its own lock may be taken while the store's is
	held, and never the other way round.
	"""

	def __init__(self, store: Store) -> None:
		self._store = store
		self._settings = store.settings
		self._change = threading.Condition()
		self._queue: list[tuple[float, int, Delivery]] = []
		self._deliveries: dict[str, list[Delivery]] = {}
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
		"""Take new events without sending them yet: the answer to the request that caused them leaves first.

		The caller holds the store's lock.
		"""
		with self._change:
			for event in events:
				if deliveries := self._deliveries_of(event):
					self._deliveries[event["id"]] = deliveries

	def send(self, events: Iterable[StripeObject]) -> None:
		"""Deliver announced events, begun in this order; those sent before or forgotten since are left out."""
		with self._change:
			for event in events:
				announced = [
					delivery
					for delivery in self._deliveries.get(event["id"], ())
					if delivery.state == "announced"
				]
				for delivery in announced:
					self._schedule(delivery, delivery.due)

	def resend(self, event_id: str) -> bool:
		"""Post an event once more to each endpoint with a fresh round of retries; False for one that is not known."""
		with self._change:
			deliveries = self._deliveries.get(event_id, ())
			for delivery in {delivery.endpoint: delivery for delivery in reversed(deliveries)}.values():
				self._schedule(delivery, self._store.clock.elapsed())
			return bool(deliveries)

	def pause(self) -> None:
		"""Begin no attempt until resumed; events queue up."""
		with self._change:
			self._paused = True

	def resume(self) -> None:
		"""Deliver what has queued up, and go on."""
		with self._change:
			self._paused = False
			self._change.notify_all()

	def look_at_the_clock(self) -> None:
		"""Find out what has become due because the clock was moved."""
		with self._change:
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
			return [delivery.as_json() for of_event in self._deliveries.values() for delivery in of_event]

	def is_delivered(self, event_id: str) -> bool:
		"""Tell whether every endpoint has accepted the event (`delivery_success` of Stripe's events list)."""
		with self._change:
			return not _waiting(self._deliveries.get(event_id, ()))

	def _deliveries_of(self, event: StripeObject) -> list[Delivery]:
		"""Make a delivery for each endpoint that wants the event, and as many more as chaos wants."""
		endpoints = [
			endpoint["id"]
			for endpoint in self._store.objects["webhook_endpoint"].values()
			if endpoint["status"] == "enabled" and {"*", event["type"]} & set(endpoint["enabled_events"])
		]
		event["pending_webhooks"] = len(endpoints)
		body = json.dumps(event, indent=2).encode()
		chaos, now = self._store.chaos, self._store.clock.elapsed()
		if not chaos.touches(event["type"]):
			return [Delivery(event, endpoint, body, now) for endpoint in endpoints]
		return [
			Delivery(event, endpoint, body, now + chaos.lateness(), chaos.drops, chaos.forged, chaos.stale)
			for endpoint in endpoints
			for _ in range(1 + chaos.duplicates)
		]

	def _schedule(self, delivery: Delivery, due: float) -> None:
		delivery.state = "pending"
		delivery.tries_left = 1 + len(self._settings.retry_delays)
		self._push(delivery, due)

	def _push(self, delivery: Delivery, due: float) -> None:
		heapq.heappush(self._queue, (due, next(self._counter), delivery))
		self._change.notify()

	def _work(self) -> None:
		while delivery := self._next():
			attempt = self._attempt(delivery)
			with self._change:
				self._record(delivery, attempt)

	def _next(self) -> Delivery | None:
		"""Wait for the next delivery that is due, or return None once stopped."""
		with self._change:
			while not self._stopped:
				wait = None
				if self._queue and not self._paused:
					wait = self._queue[0][0] - self._store.clock.elapsed()
					if wait <= 0:
						return heapq.heappop(self._queue)[2]
				self._change.wait(wait)
			return None

	def _record(self, delivery: Delivery, attempt: Attempt) -> None:
		delivery.attempts.append(attempt)
		if attempt.succeeded:
			delivery.state = "delivered"
			delivery.event["pending_webhooks"] = len(_waiting(self._deliveries.get(delivery.event["id"], ())))
			return
		delivery.tries_left -= 1
		delays = self._settings.retry_delays
		if delivery.tries_left <= 0:
			delivery.state = "failed"
		elif delivery in self._deliveries.get(delivery.event["id"], ()):
			self._push(delivery, self._store.clock.elapsed() + delays[-delivery.tries_left])

	def _attempt(self, delivery: Delivery) -> Attempt:
		"""Post to the endpoint as it is now, or lose the attempt where chaos wants that."""
		if delivery.drops:
			delivery.drops -= 1
			return Attempt(time.time(), None, "dropped")
		with self._store.lock:
			endpoint = self._store.find("webhook_endpoint", delivery.endpoint)
			if endpoint is None or endpoint["status"] != "enabled":
				return Attempt(time.time(), None, "the endpoint is gone or disabled")
			url, secrets = endpoint["url"], self._store.valid_secrets(delivery.endpoint)
		stamp = int(time.time())
		if delivery.forged:
			delivery.forged -= 1
			secrets = [UNKNOWN_SECRET]
		elif delivery.stale:
			delivery.stale -= 1
			stamp -= STALE_AGE
		return self._post(delivery.body, url, signature_header(delivery.body, secrets, stamp))

	def _post(self, body: bytes, address: str, signature: str) -> Attempt:
		"""Post once. The stamp of the signature is real time, because receivers compare it with theirs."""
		now, url = time.time(), urlsplit(address)
		connection = http.client.HTTPConnection(
			connect_address(url.hostname or ""), url.port or 80, timeout=self._settings.webhook_timeout
		)
		path = (url.path or "/") + (f"?{url.query}" if url.query else "")
		headers = {
			"Host": url.netloc.rpartition("@")[2],
			"Content-Type": "application/json; charset=utf-8",
			"User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
			"Stripe-Signature": signature,
		}
		try:
			connection.request("POST", path, body, headers)
			return Attempt(now, connection.getresponse().status, None)
		except (OSError, http.client.HTTPException) as error:
			return Attempt(now, None, str(error) or type(error).__name__)
		finally:
			connection.close()


def _waiting(deliveries: Iterable[Delivery]) -> set[str]:
	"""Return the endpoints that have not accepted the event yet."""
	delivered = {delivery.endpoint for delivery in deliveries if delivery.state == "delivered"}
	return {delivery.endpoint for delivery in deliveries} - delivered
