"""The log of this product: logs/prepaid_billing.log, one JSON object a line, no secret ever."""

import json
import logging

import frappe


def log(event: str, level: int = logging.INFO, **facts: object) -> None:
	"""Write one line: what happened, and the company, call or top-up that it happened to."""
	logger = frappe.logger("prepaid_billing", allow_site=True)
	# Frappe's own level is ERROR in production, which would drop every line of this kind.
	logger.setLevel(logging.INFO)
	logger.log(level, json.dumps({"event": event, **facts}, default=str, ensure_ascii=False))
