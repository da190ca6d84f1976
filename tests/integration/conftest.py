"""Every test here works on the real site; after each one the books must be whole."""

import socket
from collections.abc import Iterator

import frappe
import pytest
from aiosmtpd.controller import Controller

from prepaid_billing.ledger.verify import verify
from tests import factories, site
from tests.client import Api
from tests.inbox import Inbox


@pytest.fixture(scope="session", autouse=True)
def connection() -> Iterator[None]:
	"""Connect the session to the site."""
	with site.connected():
		name_the_seller()
		yield


@pytest.fixture(scope="session", autouse=True)
def installed_configuration(connection: None) -> frappe._dict:
	"""The site's configuration as the install left it: no test has run yet."""
	return frappe.conf.copy()


def name_the_seller() -> None:
	"""Give the settings what every receipt must name."""
	doc = frappe.get_doc("Prepaid Billing Settings")
	doc.update({"seller_name": "Tidenfunk GmbH", "seller_address": "Am Sandtorkai 1\n20457 Hamburg"})
	doc.save()
	frappe.db.commit()


@pytest.fixture(autouse=True)
def books_are_whole(connection: None) -> Iterator[None]:
	"""Start each test in a fresh transaction as Administrator, and check every invariant after it."""
	site.fresh()
	frappe.set_user("Administrator")
	yield
	site.fresh()
	frappe.set_user("Administrator")
	frappe.clear_messages()
	assert verify() == []


@pytest.fixture(scope="session")
def gateway(connection: None) -> Api:
	"""The call gateway, with its API key."""
	return Api(factories.make_gateway_key())


@pytest.fixture(scope="session")
def guest() -> Api:
	"""Somebody who has not logged in."""
	return Api()


@pytest.fixture(scope="session")
def inbox() -> Iterator[Inbox]:
	"""A real SMTP server on loopback that the site sends its mails to.

	One for all: Frappe keeps its connection to the mail server as long as it keeps the settings.
	"""
	with socket.create_server(("127.0.0.1", 0)) as free:
		port = free.getsockname()[1]
	inbox = Inbox()
	controller = Controller(inbox, hostname="127.0.0.1", port=port)
	controller.start()
	frappe.conf.update(
		mail_server="127.0.0.1",
		mail_port=port,
		auto_email_id="billing@example.com",
		disable_mail_smtp_authentication=1,
	)
	yield inbox
	controller.stop()
