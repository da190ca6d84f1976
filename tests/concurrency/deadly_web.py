"""The web server of the app, for tests alone, whose worker kills itself at the step that a request's header names.

Steps are every SQL statement, every commit and every call to Stripe of the money's road, just before each, a call to
Stripe also just after its answer, and the last one just before the answer to the request.
"""

import os
import signal
import threading
from collections.abc import Callable
from functools import wraps

from frappe.database.mariadb.database import MariaDBDatabase

from dev import web
from prepaid_billing.payments import gateway, refunds, topups, webhook

ROADS = ((topups, "create"), (webhook, "receive"), (refunds, "request"))
DEADLY = "HTTP_X_DIE_AT"


class Steps(threading.local):
	"""Counts the steps of a request on the money's road, and kills this worker at one of them."""

	deadly = 0
	done = 0
	on_the_road = False

	def step(self) -> None:
		"""Take a step; the deadly one is the last."""
		if not self.on_the_road:
			return
		self.done += 1
		if self.done == self.deadly:
			os.kill(os.getpid(), signal.SIGKILL)


steps = Steps()


def stepping(call: Callable, *, is_answered: bool = False) -> Callable:
	"""Take a step before a call, and one after it where its answer comes from elsewhere."""

	@wraps(call)
	def counted(*arguments: object, **options: object) -> object:
		steps.step()
		result = call(*arguments, **options)
		if is_answered:
			steps.step()
		return result

	return counted


def road(work: Callable) -> Callable:
	"""Count the steps of one of the money's roads, and one at its end."""

	@wraps(work)
	def counted(*arguments: object, **options: object) -> object:
		steps.on_the_road = True
		try:
			return work(*arguments, **options)
		finally:
			steps.step()
			steps.on_the_road = False

	return counted


def application(site: str) -> Callable[..., object]:
	"""The WSGI application of ``site``, with steps."""
	MariaDBDatabase.sql = stepping(MariaDBDatabase.sql)
	MariaDBDatabase.commit = stepping(MariaDBDatabase.commit)
	gateway._call = stepping(gateway._call, is_answered=True)
	for module, name in ROADS:
		setattr(module, name, road(getattr(module, name)))
	serve = web.application(site)

	def deadly(environ: dict, start_response: Callable) -> object:
		steps.deadly, steps.done = int(environ.get(DEADLY, 0)), 0
		return serve(environ, start_response)

	return deadly
