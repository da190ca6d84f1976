"""What a real SMTP server was handed by the site."""

from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

import frappe
from frappe.email.queue import flush


class Inbox:
	"""What the SMTP server was handed."""

	def __init__(self) -> None:
		self.mails: list[EmailMessage] = []

	async def handle_DATA(self, _server: object, _session: object, envelope) -> str:
		self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
		return "250 OK"

	def to(self, address: str) -> list[EmailMessage]:
		"""Send what waits in Frappe's queue, then return the mails to an address."""
		frappe.db.commit()
		flush()
		frappe.db.commit()
		return [mail for mail in self.mails if address in str(mail["To"])]


@contextmanager
def no_email_account() -> Iterator[None]:
	"""The site as it is before anybody has set up a mail account."""
	kept = {key: frappe.conf.pop(key, None) for key in ("mail_server", "mail_login")}
	frappe.local.outgoing_email_account = {}
	try:
		yield
	finally:
		frappe.conf.update({key: value for key, value in kept.items() if value})
		frappe.local.outgoing_email_account = {}


def unsubscribe(address: str) -> None:
	"""Let somebody be told nothing by this site any more, as its administrator can."""
	doc = {"doctype": "Email Unsubscribe", "email": address, "global_unsubscribe": 1}
	frappe.get_doc(doc).insert()
	frappe.db.commit()
