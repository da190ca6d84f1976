"""Everything the simulator knows, in memory and under one lock."""

from __future__ import annotations

import copy
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from stripe_simulator import API_VERSION
from stripe_simulator.bank_accounts import BankAccount
from stripe_simulator.cards import Card
from stripe_simulator.chaos import Chaos
from stripe_simulator.clock import Clock
from stripe_simulator.errors import resource_missing
from stripe_simulator.objects import StripeObject
from stripe_simulator.objects.event import build_event, previous_attributes
from stripe_simulator.objects.webhook_endpoint import build_webhook_endpoint
from stripe_simulator.schedule import Schedule
from stripe_simulator.settings import Settings


@dataclass
class Checkout:
	"""What a Checkout Session needs and does not show: its lines, and what its PaymentIntent will be made of."""

	line_items: list[StripeObject]
	descriptions: list[str]
	payment_intent_data: dict[str, Any]


@dataclass
class SigningSecret:
	"""A secret of a webhook endpoint, valid until a simulated moment or for good."""

	value: str
	valid_until: int | None = None


class Store:
	"""Objects by kind and id, oldest first. Hold `lock` for every read and every change."""

	def __init__(self, settings: Settings) -> None:
		self.lock = threading.RLock()
		self.clock = Clock()
		self.settings = settings
		self.base_url = ""
		self.clear()

	def clear(self) -> None:
		"""Forget every object, return to real time and begin with the webhook endpoint of the settings."""
		self.objects: dict[str, dict[str, StripeObject]] = defaultdict(dict)
		self.checkouts: dict[str, Checkout] = {}
		self.session_of_intent: dict[str, str] = {}
		self.instruments: dict[str, Card | BankAccount] = {}
		self.set_up: set[str] = set()
		self.signing_secrets: dict[str, list[SigningSecret]] = {}
		self.schedule = Schedule()
		self.chaos = Chaos()
		self.clock.reset()
		if self.settings.webhook_url:
			params = {"url": self.settings.webhook_url, "enabled_events": ["*"]}
			endpoint = build_webhook_endpoint(params, self.clock.now())
			self.add_endpoint(endpoint, self.settings.webhook_secret)

	def add(self, thing: StripeObject) -> StripeObject:
		"""Put a new object in and return it."""
		self.objects[thing["object"]][thing["id"]] = thing
		return thing

	def find(self, kind: str, id: str | None) -> StripeObject | None:
		"""Return the object itself (not a copy), or None."""
		return self.objects[kind].get(id or "")

	def find_any(self, id: str) -> StripeObject | None:
		"""Return the object with this id, of whatever kind, or None."""
		return next((things[id] for things in self.objects.values() if id in things), None)

	def require(self, kind: str, id: str, param: str, status: int = 404) -> StripeObject:
		"""Return the object itself, or raise `resource_missing` naming the parameter."""
		thing = self.find(kind, id)
		if thing is None:
			raise resource_missing(kind, id, param, status)
		return thing

	def newest_first(self, kind: str) -> list[StripeObject]:
		"""Return all objects of a kind in the order of Stripe's lists."""
		return list(reversed(self.objects[kind].values()))

	def session_of(self, intent: StripeObject) -> StripeObject | None:
		"""Return the Checkout Session that made a PaymentIntent, or None."""
		return self.find("checkout.session", self.session_of_intent.get(intent["id"]))

	def add_endpoint(self, endpoint: StripeObject, secret: str) -> StripeObject:
		"""Put a webhook endpoint in with the secret it is signed with."""
		self.signing_secrets[endpoint["id"]] = [SigningSecret(secret)]
		return self.add(endpoint)

	def valid_secrets(self, endpoint_id: str) -> list[str]:
		"""Return the secrets an endpoint's events are signed with now, the newest first."""
		now = self.clock.now()
		return [
			secret.value
			for secret in self.signing_secrets[endpoint_id]
			if secret.valid_until is None or secret.valid_until > now
		]


@dataclass
class Operation:
	"""One API request, one page submit or one thing that happens by itself: what it may touch, and its events.

	The events go out only after the answer has left, which is for the caller to see to.
	"""

	store: Store
	request_id: str | None = None
	idempotency_key: str | None = None
	version: str = API_VERSION
	events: list[StripeObject] = field(default_factory=list)

	def emit(
		self, type: str, thing: StripeObject, automatic: bool = False, before: StripeObject | None = None
	) -> None:
		"""Record an event with the object as it is now, and twins of it where chaos wants them.

		`automatic` is for one that no request asked for; `before` is a copy of the object from before its change.
		"""
		previous = None if before is None else previous_attributes(before, thing)
		chaos = self.store.chaos
		for _ in range(1 + (chaos.twins if chaos.touches(type) else 0)):
			event = build_event(
				type=type,
				data=copy.deepcopy(thing),
				created=self.store.clock.now(),
				request_id=None if automatic else self.request_id,
				idempotency_key=None if automatic else self.idempotency_key,
				previous=copy.deepcopy(previous),
			)
			self.events.append(self.store.add(event))
