"""Everything the simulator knows, in memory and under one lock."""

from __future__ import annotations

import copy
import heapq
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from stripe_simulator.clock import Clock
from stripe_simulator.errors import resource_missing
from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.event import build_event


@dataclass
class Checkout:
	"""What a Checkout Session needs and does not show: its lines, and what its PaymentIntent will be made of."""

	line_items: list[StripeObject]
	products: list[StripeObject]
	payment_intent_data: dict[str, Any]


class Store:
	"""Objects by kind and id, oldest first. Hold `lock` for every read and every change."""

	def __init__(self, business_name: str) -> None:
		self.lock = threading.RLock()
		self.clock = Clock()
		self.business_name = business_name
		self.base_url = ""
		self.clear()

	def clear(self) -> None:
		"""Forget every object and return to real time."""
		self.objects: dict[str, dict[str, StripeObject]] = defaultdict(dict)
		self.checkouts: dict[str, Checkout] = {}
		self._expiries: list[tuple[int, str]] = []
		self.clock.reset()

	def add(self, thing: StripeObject) -> StripeObject:
		"""Put a new object in and return it."""
		self.objects[thing["object"]][thing["id"]] = thing
		return thing

	def find(self, kind: str, id: str | None) -> StripeObject | None:
		"""Return the object itself (not a copy), or None."""
		return self.objects[kind].get(id or "")

	def require(self, kind: str, id: str, param: str, status: int = 404) -> StripeObject:
		"""Return the object itself, or raise `resource_missing` naming the parameter."""
		thing = self.find(kind, id)
		if thing is None:
			raise resource_missing(kind, id, param, status)
		return thing

	def newest_first(self, kind: str) -> list[StripeObject]:
		"""Return all objects of a kind in the order of Stripe's lists."""
		return list(reversed(self.objects[kind].values()))

	def open_checkout(self, session: StripeObject, checkout: Checkout) -> None:
		"""Add a Checkout Session and remember when it ends."""
		self.add(session)
		self.checkouts[session["id"]] = checkout
		heapq.heappush(self._expiries, (session["expires_at"], session["id"]))

	def pop_overdue_sessions(self) -> list[StripeObject]:
		"""Return the sessions whose `expires_at` has passed, each one once."""
		overdue = []
		while self._expiries and self._expiries[0][0] <= self.clock.now():
			_, id = heapq.heappop(self._expiries)
			overdue.append(self.objects["checkout.session"][id])
		return overdue


@dataclass
class Operation:
	"""One API request or one page submit: what it may touch, and the events it causes.

	The events go out only after the answer has left, which is for the caller to see to.
	"""

	store: Store
	request_id: str | None = None
	idempotency_key: str | None = None
	events: list[StripeObject] = field(default_factory=list)

	def emit(self, type: str, thing: StripeObject, automatic: bool = False) -> None:
		"""Record an event with the object as it is now; `automatic` for one that no request asked for."""
		event = build_event(
			type=type,
			data=copy.deepcopy(thing),
			created=self.store.clock.now(),
			request_id=None if automatic else self.request_id,
			idempotency_key=None if automatic else self.idempotency_key,
		)
		self.events.append(self.store.add(event))
