"""Records that people cannot change, rename or delete, by any road.

Permissions alone do not do it: Administrator passes them all, and deletion with force skips some checks.
"""

import frappe
from frappe import _
from frappe.model.document import Document


class KeptForEver(Document):
	"""A record that is never deleted and never renamed."""

	def on_trash(self) -> None:
		"""Refuse deletion; Frappe calls this also when deleting with force."""
		self._refuse(_("{0} records are kept for ever.").format(_(self.doctype)))

	def before_rename(self, old: str, new: str, merge: bool = False) -> None:
		"""Refuse renaming and merging."""
		self._refuse(_("{0} records keep their name.").format(_(self.doctype)))

	def _refuse(self, message: str) -> None:
		frappe.throw(message, exc=frappe.PermissionError, title=_("Not possible"))


class WrittenByUs(KeptForEver):
	"""A record that our own code makes once and then changes by SQL under a lock: no form saves it."""

	def validate(self) -> None:
		"""Refuse every save but the first."""
		if not self.is_new():
			self._refuse(_("{0} records are not edited.").format(_(self.doctype)))


class WrittenByTheLedger(WrittenByUs):
	"""A record that does not even begin as a document: it is inserted under the balance lock."""

	def before_insert(self) -> None:
		"""Refuse insertion by desk, REST, import or console alike."""
		self._refuse(_("{0} records are written by the ledger alone.").format(_(self.doctype)))
