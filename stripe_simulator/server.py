"""One running simulator: its state, its HTTP server and its deliveries."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from types import TracebackType
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.serving import WSGIRequestHandler, make_server

from stripe_simulator.app import create_app
from stripe_simulator.delivery import Deliverer
from stripe_simulator.faults import Faults
from stripe_simulator.idempotency import IdempotencyStore
from stripe_simulator.loopback import BIND_ADDRESS
from stripe_simulator.settings import Settings
from stripe_simulator.store import Store

POLL_INTERVAL = 0.02
"""Seconds within which the server notices that it shall stop."""


_ANSWER = "stripe_simulator.answer"


class _RequestHandler(WSGIRequestHandler):
	def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
		"""Write no access log; errors are still logged."""

	def connection_dropped(self, error: BaseException, environ: WSGIEnvironment | None = None) -> None:
		"""Close the answer to a request that was broken off, as after a double click: its events are sent then.

		werkzeug doesn't, where the connection breaks while it reads what is left of the request.
		"""
		if environ and _ANSWER in environ:
			environ[_ANSWER].close()


def _kept(app: WSGIApplication) -> WSGIApplication:
	"""Return an application that keeps its answer at hand until it is closed."""

	def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
		environ[_ANSWER] = app(environ, start_response)
		return environ[_ANSWER]

	return answer


class Simulator:
	"""A simulator that serves from the moment it is made until `stop`; also a context manager.

	Where the port is taken, werkzeug says so and raises SystemExit.
	"""

	def __init__(self, settings: Settings) -> None:
		self.settings = settings
		self.store = Store(settings)
		self.idempotency = IdempotencyStore(self.store.clock)
		self.deliverer = Deliverer(self.store)
		self.faults = Faults()
		self.app = create_app(settings, self.store, self.idempotency, self.deliverer, self.faults)
		self._server = make_server(
			BIND_ADDRESS, settings.port, _kept(self.app), threaded=True, request_handler=_RequestHandler
		)
		self.store.base_url = self.url
		self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_INTERVAL,), daemon=True)
		self.deliverer.start()
		self._thread.start()

	@property
	def url(self) -> str:
		"""The address it is served at, with the real port where 0 was asked for."""
		return f"http://{BIND_ADDRESS}:{self._server.server_port}"

	def stop(self) -> None:
		"""Stop serving and delivering, at once."""
		self.deliverer.stop()
		self.faults.clear()
		self._server.shutdown()
		self._server.server_close()
		self._thread.join()

	def __enter__(self) -> Simulator:
		return self

	def __exit__(
		self, type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
	) -> None:
		self.stop()
