"""The site that a test run was given, by the environment of `make test`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import frappe

NAME = os.environ.get("PB_SITE", "")
WEB_URL = os.environ.get("PB_WEB_URL", "")
SITE_URL = os.environ.get("PB_SITE_URL", "")
SIMULATOR_URL = os.environ.get("PB_SIMULATOR_URL", "")
WEBHOOK_SECRET = os.environ.get("PB_WEBHOOK_SECRET", "")

# Frappe finds its assets and logs relative to the sites folder, as bench runs it there; v16 opens a log when it is imported.
os.chdir(os.environ["PB_SITES_PATH"])


@contextmanager
def connected() -> Iterator[None]:
	"""Connect this thread to the site as Administrator, with real commits, and disconnect at the end."""
	frappe.init(site=NAME, sites_path=".", force=True)
	frappe.connect()
	frappe.set_user("Administrator")
	try:
		yield
	finally:
		frappe.destroy()


def fresh() -> None:
	"""End the open transaction, so that the next read sees what others have committed."""
	frappe.db.rollback()


@contextmanager
def later(seconds: int) -> Iterator[None]:
	"""Let this connection's database clock, which decides every instant of the product, run ahead."""
	fresh()
	frappe.db.sql("SET SESSION timestamp = UNIX_TIMESTAMP() + %s", (seconds,))
	try:
		yield
	finally:
		frappe.db.sql("SET SESSION timestamp = DEFAULT")
