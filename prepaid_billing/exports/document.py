"""Printed pages: a template as PDF, by the engine that Frappe prints with."""

from __future__ import annotations

import frappe
from frappe.utils.pdf import get_pdf
from werkzeug.wrappers import Response

from prepaid_billing.exports import attachment

_PAGE = {
	"page-size": "A4",
	"margin-top": "18mm",
	"margin-bottom": "18mm",
	"margin-left": "16mm",
	"margin-right": "16mm",
	"footer-font-size": "8",
	"footer-right": "[page] / [topage]",
}


def response(filename: str, template: str, context: dict[str, object]) -> Response:
	"""Return a template as a PDF to download."""
	html = frappe.render_template(template, {**context, "lang": frappe.local.lang})
	answer = Response(
		get_pdf(html, {**_PAGE, "footer-left": str(context["footer"])}), mimetype="application/pdf"
	)
	answer.headers["Content-Disposition"] = attachment(f"{filename}.pdf")
	answer.headers["Cache-Control"] = "private, no-store"
	return answer
