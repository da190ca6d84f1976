"""What a real SMTP server was handed by the site."""

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
