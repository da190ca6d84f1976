"""Real commits of real processes and threads; the books must be whole after each test here too."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import frappe
import pymysql
import pytest

from tests.integration.conftest import books_are_whole, connection, gateway, guest  # noqa: F401

FULL = os.environ.get("SCALE") == "full"
"""`make proof`: the same tests at full size."""


@contextmanager
def server() -> Iterator[pymysql.cursors.Cursor]:
	"""A connection to the test database server as root."""
	connected = pymysql.connect(
		host="127.0.0.1",
		port=int(os.environ["PB_DB_PORT"]),
		user="root",
		password=os.environ["PB_DB_ROOT_PASSWORD"],
		autocommit=True,
	)
	with connected, connected.cursor() as cursor:
		yield cursor


@pytest.fixture(params=["OFF", "ON"], ids=["snapshot isolation off", "snapshot isolation on"])
def snapshot_isolation(request: pytest.FixtureRequest, connection: None) -> Iterator[bool]:  # noqa: F811
	"""Let every new connection to the server run with innodb_snapshot_isolation OFF, then ON."""
	isolate(request.param)
	yield request.param == "ON"
	isolate("OFF")


def isolate(value: str) -> None:
	"""Set the server's variable and go on with a new connection, the old one closed: it would keep its locks."""
	with server() as cursor:
		cursor.execute(f"SET GLOBAL innodb_snapshot_isolation = {value}")
	frappe.db.close()
	frappe.db.connect()
