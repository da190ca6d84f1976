"""A webhook endpoint for the tests: a real HTTP server that verifies with the genuine library."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import stripe

DEADLINE = 10.0
"""Seconds after which a test gives up waiting."""


@dataclass
class Received:
	"""One POST that arrived, verified."""

	event: dict[str, Any]
	path: str
	body: bytes
	headers: dict[str, str]


@dataclass
class Receiver:
	"""Collects verified events; `answers` are the statuses to answer with before it turns to 200."""

	secret: str
	answers: list[int] = field(default_factory=list)
	received: list[Received] = field(default_factory=list)
	refused: list[str] = field(default_factory=list)

	def __post_init__(self) -> None:
		self._change = threading.Condition()
		self.gate = threading.Event()
		self.gate.set()
		self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
		threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

	@property
	def port(self) -> int:
		"""The port it listens on."""
		return int(self._server.server_address[1])

	def stop(self) -> None:
		"""Listen no longer; a delivery is refused from now on."""
		self.gate.set()
		self._server.shutdown()
		self._server.server_close()

	def types(self) -> list[str]:
		"""Return the types of the events that came, in their order."""
		return [received.event["type"] for received in self.received]

	def wait_for(self, *types: str) -> list[Received]:
		"""Wait until each type has arrived once and return them in this order."""
		self.wait_until(lambda: set(types) <= set(self.types()), f"{types}")
		return [next(r for r in self.received if r.event["type"] == type) for type in types]

	def wait_until(self, condition: Any, what: str) -> None:
		"""Wait for a condition on what has been received, or fail at the deadline."""
		with self._change:
			if not self._change.wait_for(condition, DEADLINE):
				raise AssertionError(f"waited for {what}, received {self.types()}, refused {self.refused}")

	def _handler(self) -> type[BaseHTTPRequestHandler]:
		receiver = self

		class Handler(BaseHTTPRequestHandler):
			def do_POST(self) -> None:
				body = self.rfile.read(int(self.headers["Content-Length"]))
				status = receiver._take(self.path, body, dict(self.headers))
				receiver.gate.wait(DEADLINE)
				self.send_response(status)
				if status in (302, 307):
					self.send_header("Location", f"http://127.0.0.1:{receiver.port}/elsewhere")
				self.end_headers()

			def log_message(self, format: str, *args: Any) -> None:
				"""Stay silent."""

		return Handler

	def _take(self, path: str, body: bytes, headers: dict[str, str]) -> int:
		with self._change:
			try:
				event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], self.secret)
				self.received.append(Received(event.to_dict(), path, body, headers))
				return self.answers.pop(0) if self.answers else 200
			except (ValueError, stripe.SignatureVerificationError) as error:
				self.refused.append(str(error))
				return 400
			finally:
				self._change.notify_all()


def wait_until(condition: Any, what: str) -> None:
	"""Poll until a condition holds that nothing can announce, or fail at the deadline."""
	deadline = time.monotonic() + DEADLINE
	while not condition():
		if time.monotonic() > deadline:
			raise AssertionError(f"waited in vain for {what}")
		time.sleep(0.005)
