"""Which hosts are this machine and nothing else."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

BIND_ADDRESS = "127.0.0.1"


def is_loopback_host(host: str) -> bool:
	"""True for localhost, any name under .localhost (RFC 6761) and 127.0.0.0/8; never asks a name server."""
	name = host.rstrip(".").lower()
	if name == "localhost" or name.endswith(".localhost"):
		return True
	return _is_loopback_address(name)


def connect_address(host: str) -> str:
	"""Return the address to connect to for a loopback host.

	A name under .localhost goes to 127.0.0.1 directly, because not every resolver knows such names.
	"""
	return host if _is_loopback_address(host) else BIND_ADDRESS


def why_no_webhook_url(url: str) -> str | None:
	"""Return what is wrong with the address of a webhook endpoint, as the rest of a sentence, or None."""
	try:
		parts = urlsplit(url)
		host, _ = parts.hostname or "", parts.port
	except ValueError:
		return "is not a valid URL."
	if parts.scheme != "http":
		return "must start with http://."
	if not is_loopback_host(host):
		return (
			f"points to {host!r}, which is not this machine. "
			"Use 127.0.0.1, localhost or a name that ends in .localhost."
		)
	return None


def _is_loopback_address(host: str) -> bool:
	try:
		return ipaddress.IPv4Address(host).is_loopback
	except ValueError:
		return False
