"""The addresses that a company's mails go to."""

from collections.abc import Iterable

NOBODY_LISTED = "Nobody to tell: no billing e-mail, and no user who gets mails."
NOBODY_REACHED = "Nobody to tell: every address is unsubscribed from this site's mails, or is no address."
NOBODY = (NOBODY_LISTED, NOBODY_REACHED)


def once(addresses: Iterable[str]) -> list[str]:
	"""Return addresses in their order, each once: mailboxes hardly ever tell A@x from a@x."""
	found: dict[str, str] = {}
	for address in addresses:
		found.setdefault(address.lower(), address)
	return list(found.values())
