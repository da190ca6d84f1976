"""Stripe's keys, what they are good for, and which Stripe they are for.

While the signing secret of a webhook endpoint is rolled, old and new one stand in its place, with a blank between.
"""

import ipaddress
from urllib.parse import urlsplit

import frappe
from frappe import _
from frappe.model.document import Document

from prepaid_billing import mode, settings
from prepaid_billing.exceptions import TryAgain


def secret_key() -> str:
	"""Return the secret API key. Raises TryAgain where none is set."""
	return _required("stripe_secret")


def that_counts(doc: Document) -> str:
	"""Return the secret API key as it counts once these settings are saved, or nothing where none is set."""
	return settings.secret("stripe_secret", doc)


def webhook_secrets() -> list[str]:
	"""Return the valid signing secrets of the webhook endpoint. Raises TryAgain where none is set.

	Never an empty one: anybody can sign with that.
	"""
	return _required("stripe_webhook_secret").split()


def is_live() -> bool:
	"""Whether the secret key moves real money. Raises TryAgain where none is set."""
	return mode.is_live_key(secret_key())


def api_base() -> str | None:
	"""Return the address of a local Stripe, or None for the real one. Raises TryAgain on a base
	that is not on this machine or goes with a live key."""
	base = frappe.conf.get("stripe_api_base") or frappe.db.get_single_value(
		"Prepaid Billing Settings", "stripe_api_base"
	)
	if not base:
		return None
	check_api_base(base, secret_key())
	return base


def check_api_base(base: str, key: str) -> None:
	"""Refuse, with TryAgain, an API base that is not on this machine, and any with a live key."""
	if mode.is_live_key(key):
		raise TryAgain(_("A live Stripe key is only used with Stripe itself. Empty the API Base."))
	parts = urlsplit(base)
	if parts.scheme not in ("http", "https") or not _is_loopback(parts.hostname or ""):
		raise TryAgain(_("The API Base must be an address of this machine, such as http://127.0.0.1:9101."))


def _is_loopback(host: str) -> bool:
	if host == "localhost":
		return True
	try:
		return ipaddress.ip_address(host).is_loopback
	except ValueError:
		return False


def _required(name: str) -> str:
	value = settings.secret(name)
	if not value:
		raise TryAgain(
			_("Payments are not set up: {0} is missing. Nothing was charged.").format(name.upper())
		)
	return value
