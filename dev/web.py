"""What gunicorn serves: Frappe and its static files, for one site.

Runs in the bench's environment. In production nginx names the site in a header; here every request is for our site,
so that it answers under 127.0.0.1 too: not every machine resolves names below .localhost for every program.
"""

from collections.abc import Callable

import frappe.app


def application(site: str) -> Callable[..., object]:
	"""The WSGI application of `site`."""
	frappe.app._site = site
	wsgi: Callable[..., object] = frappe.app.application_with_statics()
	return wsgi
