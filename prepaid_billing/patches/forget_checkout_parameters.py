"""What Stripe was asked for, with an e-mail address in it, is not kept any longer than until a page is open."""

import frappe


def execute() -> None:
	"""Empty it where nobody will ask for the same again. Running it again changes nothing."""
	frappe.db.sql(
		"""
		UPDATE `tabBalance Topup` SET checkout_params = NULL
		WHERE checkout_params IS NOT NULL AND (checkout_session_id IS NOT NULL OR status <> 'Created')
		"""
	)
