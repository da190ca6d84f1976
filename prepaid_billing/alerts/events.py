"""Managers are told of Stripe's events that wait for a person, each once, and when Stripe's events do not come at all."""

import frappe
from frappe import _
from frappe.utils import get_url, get_url_to_form

from prepaid_billing.alerts import mail
from prepaid_billing.alerts.digest import MOST_LISTED
from prepaid_billing.display import moment
from prepaid_billing.ledger import transaction
from prepaid_billing.log import log
from prepaid_billing.payments import heard
from prepaid_billing.payments.webhook import TOLD_AFTER

_WAITING = """
	SELECT e.name, e.event_type, e.error, e.next_try_at,
		(SELECT t.company FROM `tabBalance Topup` t WHERE t.name = e.topup) AS company
	FROM `tabStripe Event` e
	WHERE e.status = 'Parked' AND e.is_told = 0 AND (e.next_try_us = 0 OR e.attempts >= %s)
	ORDER BY e.received_at
"""
_TOLD = "UPDATE `tabStripe Event` SET is_told = 1 WHERE name IN %s AND is_told = 0"
_DAY = 25 * 3600
"""Seconds of which the daily mail tells, an hour more than there are between two: a job may be late."""


class _ToldMeanwhile(Exception):
	"""Another sweep has told of one of them."""


def tell_of_parked() -> int:
	"""Mail the managers about the parked events that they were not told of yet, in one mail. Returns how many there were.

	Those that were parked for a passing failure count when they have failed for more than a day. Where nobody can be
	mailed, they are told when somebody can.
	"""
	try:
		return transaction.run(_tell_of_parked)
	except _ToldMeanwhile:
		return 0


def _tell_of_parked() -> int:
	waiting = frappe.db.sql(_WAITING, (TOLD_AFTER,), as_dict=True)
	told: set[str] = set()
	for address in mail.reachable(mail.managers()) if waiting else []:
		kept = mail.companies_of(address)
		ours = [event for event in waiting if not kept or event.company in kept]
		if ours and mail.send([address], _subject(len(ours)), "parked_events", _content(ours)):
			told |= {event.name for event in ours}
	if told:
		# Last, because an event that waits for a lock here holds those of its top-up and its balance.
		frappe.db.sql(_TOLD, (list(told),))
		if frappe.db.sql("SELECT ROW_COUNT()")[0][0] != len(told):
			raise _ToldMeanwhile
		log("managers told of parked events", events=len(told))
	return len(told)


def _subject(number: int) -> str:
	return (
		_("1 event from Stripe needs a person")
		if number == 1
		else _("{0} events from Stripe need a person").format(number)
	)


def _content(waiting: list[frappe._dict]) -> dict[str, object]:
	return {
		"site": get_url(),
		"events": [
			(
				event.event_type,
				get_url_to_form("Stripe Event", event.name),
				event.error or "",
				moment(event.next_try_at),
			)
			for event in waiting[:MOST_LISTED]
		],
		"others": len(waiting) - MOST_LISTED,
	}


def tell_of_silence() -> bool:
	"""Mail the managers where payments were credited of which no event came; the daily job, which tells of each on its day.

	Returns whether it had to.
	"""
	found = heard.of_last(_DAY)
	if not found.unheard:
		return False
	content = {
		"site": get_url(),
		"unheard": found.unheard,
		"payments": found.payments,
		"last_unheard": moment(found.last_unheard_at),
		"last_event": moment(found.last_event_at),
	}
	log("no events of payments", payments=found.payments, unheard=found.unheard)
	subject = _("Stripe's events of payments do not arrive")
	transaction.run(lambda: mail.send(mail.managers(), subject, "silent_webhook", content))
	return True
