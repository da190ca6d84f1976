"""Records that people cannot change, rename or delete, by any road.

Permissions alone do not do it: Administrator passes them all, and deletion with force skips some checks.
"""

import frappe
from frappe import _
from frappe.model.document import Document


class NeverRenamed(Document):
	"""A record that others name for ever: a new name would be written into each of them, past their locks."""

	def before_rename(self, old: str, new: str, merge: bool = False) -> None:
		"""Refuse renaming and merging."""
		self._refuse(_("{0} records keep their name.").format(_(self.doctype)))

	def rename(self, *_args: object, **_options: object) -> None:
		"""Refuse Frappe's own method, which anybody with read access may call, and without before_rename."""
		self.before_rename("", "")

	def _refuse(self, message: str) -> None:
		frappe.throw(message, exc=frappe.PermissionError, title=_("Not possible"))


class KeptForEver(NeverRenamed):
	"""A record that is never deleted and never renamed."""

	def on_trash(self) -> None:
		"""Refuse deletion; Frappe calls this also when deleting with force."""
		self._refuse(_("{0} records are kept for ever.").format(_(self.doctype)))

	def before_submit(self) -> None:
		"""Refuse submission: Frappe writes a submitted document without validate and before_save."""
		self._refuse(_("{0} records are not edited.").format(_(self.doctype)))


class WrittenByTheProduct(KeptForEver):
	"""A record that our own code inserts and changes by SQL, under a lock. As a document it is only read.

	Not even its first insertion is a document's: desk, REST, import and console could do that as well.
	"""

	def before_insert(self) -> None:
		"""Refuse insertion by any road."""
		self._refuse(_("{0} records are written by the product alone.").format(_(self.doctype)))

	def validate(self) -> None:
		"""Refuse every save."""
		self._refuse(_("{0} records are not edited.").format(_(self.doctype)))


def keep_currency_of_a_balance(_doc: Document, _event: str, _old: str, new: str, *_merge: object) -> None:
	"""Refuse renaming a currency that balances are kept in: Frappe would rewrite it in every entry.

	After the fact, because Frappe has a road that skips before_rename; the transaction is rolled back.
	"""
	if frappe.db.exists("Prepaid Balance", {"currency": new}):
		message = _("{0} records keep their name.").format(_("Currency"))
		frappe.throw(message, exc=frappe.PermissionError, title=_("Not possible"))
