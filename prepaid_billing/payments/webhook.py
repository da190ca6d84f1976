"""Stripe's events: stored once, acted on once, whatever the order, the number and the timing.

Two transactions: the event row by its id, committed; then balance, effect and "Processed" together. An
answer of 2xx leaves only after the second.
"""

import json
from dataclasses import replace

import frappe
from frappe import _
from rq.timeouts import JobTimeoutException

from prepaid_billing import settings
from prepaid_billing.batch import each
from prepaid_billing.exceptions import BillingError, InvalidInput, TryAgain, UnknownEvent
from prepaid_billing.ledger import clock, rows, transaction
from prepaid_billing.log import log
from prepaid_billing.payments import gateway, keys, refunds, topups
from prepaid_billing.payments.decide import Decision
from prepaid_billing.payments.facts import PaymentFacts, Unclear, check_kind, id_of, of_intent, of_session
from prepaid_billing.payments.takeback import Claim, of_dispute, of_refund

MAX_BODY = 256 * 1024
ATTEMPTS = 5
RESENT_BY_THEN = 3600 * clock.SECOND
"""After that long, an event that has failed is tried by ourselves as well."""
OWN_TRIES = 10
"""How often an event that is parked for a passing failure is tried again: after 1, 2, 4, 8, 16 hours and then daily.

Stripe, answered with a success, sends it no more; these six days are longer than the three for which it would.
"""
TOLD_AFTER = ATTEMPTS + 5
"""Failures after which the managers are told though it is still tried again: by then it has failed for more than a day."""

SESSION_EVENTS = (
	"checkout.session.completed",
	"checkout.session.async_payment_succeeded",
	"checkout.session.async_payment_failed",
	"checkout.session.expired",
)
INTENT_EVENTS = (
	"payment_intent.succeeded",
	"payment_intent.processing",
	"payment_intent.payment_failed",
	# Stripe sends no event of this name; set-up guides of the system before us told people to select it.
	"payment_intent.failed",
)
REFUND_EVENTS = ("refund.created", "refund.updated", "refund.failed", "charge.refund.updated")
# Its object is the charge, which does not say which refunds it had.
CHARGE_EVENTS = ("charge.refunded",)
DISPUTE_EVENTS = (
	"charge.dispute.created",
	"charge.dispute.updated",
	"charge.dispute.closed",
	"charge.dispute.funds_withdrawn",
	"charge.dispute.funds_reinstated",
)
PAYMENT_EVENTS = SESSION_EVENTS + INTENT_EVENTS
CLAIM_EVENTS = REFUND_EVENTS + CHARGE_EVENTS + DISPUTE_EVENTS


_TWIN = "SELECT name FROM `tabStripe Event` WHERE event_id = %s FOR UPDATE"
_AS_IT_STANDS = "SELECT status, attempts, next_try_us FROM `tabStripe Event` WHERE name = %s FOR UPDATE"
_OF_TOPUP = "UPDATE `tabStripe Event` SET topup = %s WHERE name = %s AND COALESCE(topup, '') = ''"
_NO_NEXT_TRY = {"next_try_us": 0, "next_try_at": None}
_EVENT = """
	SELECT e.event_id, e.event_type, e.status, e.error, e.topup, p.payload
	FROM `tabStripe Event` e LEFT JOIN `tabStripe Event Payload` p ON p.name = e.name WHERE e.name = %s
"""
_WAITING = """
	SELECT name FROM `tabStripe Event`
	WHERE status = 'Received' AND received_at < %(resent)s OR status = 'Parked' AND next_try_us BETWEEN 1 AND %(now)s
	ORDER BY received_at LIMIT 1000
"""


def receive(body: bytes, signature: str | None) -> None:
	"""Store and act on the event in a webhook body.

	Raises InvalidWebhook (nothing stored) where it is not validly signed, TryAgain where acting on it
	failed and Stripe shall send it again.
	"""
	event = gateway.verified_event(body, signature)
	name = _store(event, body)
	if _status(name)["status"] == "Received":
		with gateway.hurried():
			process(name, event)


def process(name: str, event: dict) -> None:
	"""Act on a stored event. Raises TryAgain when it failed; after ATTEMPTS it is parked instead, and tried by ourselves."""
	try:
		_process(name, event)
	except JobTimeoutException:
		raise
	except Exception as error:
		frappe.db.rollback()
		_count_failure(name, error)


def replay(name: str) -> dict[str, object]:
	"""Act once more on a stored event, whatever became of it before, and return how it stands; repeatable.

	Raises UnknownEvent, InvalidInput where what it said was removed, and TryAgain where it failed again: then it is
	parked, or waits as before.
	"""
	event = _stored(name)
	if event.status == "Settled":
		_said(event)
		transaction.run(lambda: _reopen(name))
	_act_again(name)
	return _told(_stored(name))


def settle(name: str, reason: str) -> dict[str, object]:
	"""Close a parked event that a person has judged, with their reason, and return how it stands; nothing is booked.

	It is tried no more, waits for nobody and is not told of. One that is settled stays as it is, with its first reason.
	Raises UnknownEvent, and InvalidInput without a reason and for an event that is not parked.
	"""
	if not reason.strip():
		raise InvalidInput(_("To settle an event takes a reason. Nothing was changed."))

	def work() -> None:
		_stored(name)
		[(status, *_more)] = frappe.db.sql(_AS_IT_STANDS, (name,))
		if status == "Settled":
			return
		if status != "Parked":
			raise InvalidInput(_("Only a parked event can be settled. Nothing was changed."))
		now = clock.site_time(clock.now_us())
		who = {"settled_by": frappe.session.user, "settled_at": now, "settled_because": reason}
		rows.update("Stripe Event", name, {"status": "Settled", **who, **_NO_NEXT_TRY})

	transaction.run(work)
	log("event settled", stripe_event=name, by=frappe.session.user)
	return _told(_stored(name))


def process_waiting() -> int:
	"""Act on events that Stripe may have stopped sending again; the hourly job. Returns how many there were.

	Those that a person has to judge are none of them: they would be parked again.
	"""
	now_us = clock.now_us()
	moments = {"now": now_us, "resent": clock.site_time(now_us - RESENT_BY_THEN)}
	waiting = frappe.db.sql_list(_WAITING, moments)
	return len(each(waiting, _act_again))


def _act_again(name: str) -> None:
	"""Act once more on a stored event, unless it was acted on or settled by now."""
	event = _stored(name)
	if event.status not in ("Processed", "Settled"):
		(process if event.status == "Received" else _process_again)(name, _said(event))
	log("event replayed", stripe_event=name, before=event.status, after=_status(name).status)


def _reopen(name: str) -> None:
	if frappe.db.sql(_AS_IT_STANDS, (name,))[0][0] == "Settled":
		rows.update("Stripe Event", name, {"status": "Parked"})


def _told(event: frappe._dict) -> dict[str, object]:
	return {key: event[key] or "" for key in ("event_id", "event_type", "status", "error", "topup")}


def _stored(name: str) -> frappe._dict:
	found = frappe.db.sql(_EVENT, (name,), as_dict=True)
	if not found:
		raise UnknownEvent(_("There is no such event."))
	return found[0]


def _said(event: frappe._dict) -> dict:
	if not event.payload:
		raise InvalidInput(
			_(
				"What this event said was removed after {0} days, so it cannot be replayed. Nothing was booked; the comparison with Stripe books what is missing."
			).format(settings.get("keep_payloads_days"))
		)
	return json.loads(event.payload)


def _process_again(name: str, event: dict) -> None:
	try:
		_process(name, event)
	except JobTimeoutException:
		raise
	except Exception as error:
		frappe.db.rollback()
		reason = _reason(error)
		transaction.run(lambda: _note_failure(name, reason, ("Parked", "Ignored")))
		_log_crash(name, error)
		raise TryAgain(_("It failed again: {0}").format(reason)) from error


def _process(name: str, event: dict) -> None:
	if event["livemode"] != keys.is_live():
		return _finish(name, "Ignored", _("Test mode and live mode do not mix."))
	if event.get("account"):
		return _finish(name, "Ignored", _("This event is of an account that is connected to ours."))
	if event["type"] not in PAYMENT_EVENTS + CLAIM_EVENTS or gateway.is_thin(event):
		return _finish(name, "Ignored", "")
	topup = None
	try:
		# First whose it is: an object of another product may lack what ours have.
		topup = _topup_of(event)
		if not topup:
			return _finish(name, "Ignored", _("This payment belongs to no top-up of ours."))
		(_process_payment if event["type"] in PAYMENT_EVENTS else _process_claim)(name, event, topup)
	except Unclear as problem:
		frappe.db.rollback()
		reason = _(problem.args[0]).format(*problem.args[1:])
		_finish(name, "Parked", reason, topup=topup.name if topup else None)
	except Exception:
		frappe.db.rollback()
		if topup:
			# Who looks for what became of the payment finds that an event came, and why it failed.
			transaction.run(lambda: frappe.db.sql(_OF_TOPUP, (topup.name, name)))
		raise


def _process_payment(name: str, event: dict, topup: frappe._dict) -> None:
	facts = facts_of(event)

	def mark(decision: Decision) -> None:
		if decision.action == "park":
			_settle(name, "Parked", _(decision.reason).format(*decision.words), topup=topup.name)
		else:
			_settle(name, "Processed", decision.reason, topup=topup.name)

	topups.apply(topup.name, facts, also=mark)


def _process_claim(name: str, event: dict, topup: frappe._dict) -> None:
	if bool(topup.livemode) != event["livemode"]:
		return _finish(name, "Parked", _("Test mode and live mode do not mix."))
	refunds.hear(topup.name, _claims(event), lambda: _settle(name, "Processed", "", topup=topup.name))


def _claims(event: dict) -> list[Claim]:
	payload = event["data"]["object"]
	if event["type"] not in CHARGE_EVENTS:
		return [claim_of(event)]
	check_kind(payload, "charge")
	return gateway.refunds_of(payload["payment_intent"])


def claim_of(event: dict) -> Claim:
	"""Return the refund or dispute that an event of one tells of. Raises Unclear."""
	return (of_dispute if event["type"] in DISPUTE_EVENTS else of_refund)(event["data"]["object"])


def facts_of(event: dict) -> PaymentFacts:
	"""Return what an event of a Checkout session or a payment intent tells of its payment. Raises Unclear."""
	payload = event["data"]["object"]
	if event["type"] not in SESSION_EVENTS:
		return of_intent(payload)
	facts = of_session(payload)
	# The session itself only says "complete, unpaid" then, as it does while the payment is on its way.
	return replace(facts, outcome="failed") if event["type"].endswith("async_payment_failed") else facts


def _topup_of(event: dict) -> frappe._dict | None:
	"""Find our row by the ids that we stored or that Stripe itself links. Metadata is never asked."""
	payload = event["data"]["object"]
	if event["type"] in SESSION_EVENTS:
		return topups.by_session(id_of(payload))
	if event["type"] in INTENT_EVENTS:
		return _topup_of_intent(id_of(payload))
	# A charge that no payment intent made is none of ours.
	return _topup_of_intent(id_of(payload, "payment_intent")) if payload.get("payment_intent") else None


def _topup_of_intent(intent: str) -> frappe._dict | None:
	if known := topups.by_intent(intent):
		return known
	session = gateway.session_of_intent(intent)
	return topups.by_session(session) if session else None


def _store(event: dict, body: bytes) -> str:
	"""Insert the event, or find it, and return its name; committed either way."""

	def work() -> str:
		now_us, name = clock.now_us(), rows.new_name()
		values = {
			"name": name,
			"event_id": event["id"],
			"event_type": event["type"],
			"api_version": str(event.get("api_version") or "")[:140],
			"livemode": int(event["livemode"]),
			"status": "Received",
			"attempts": 0,
			"received_at": clock.site_time(now_us),
		}
		try:
			rows.insert("Stripe Event", now_us, values)
			said = {"name": name, "stripe_event": name, "payload": body.decode()}
			rows.insert("Stripe Event Payload", now_us, said)
			return name
		except Exception as error:
			if not frappe.db.is_unique_key_violation(error):
				raise
			return frappe.db.sql(_TWIN, (event["id"],))[0][0]

	return transaction.run(work)


def _count_failure(name: str, error: Exception) -> None:
	"""Note that acting on an event failed, unless another delivery of it has succeeded meanwhile."""
	reason = _reason(error)
	transaction.run(lambda: _note_failure(name, reason, ("Received",)))
	after = _status(name)
	log("webhook failed", stripe_event=name, attempts=after.attempts, reason=reason)
	_log_crash(name, error)
	if after.status == "Received":
		raise TryAgain(_("The event could not be processed now. Send it again.")) from error


def _log_crash(name: str, error: Exception) -> None:
	"""Keep what is a fault of ours in Frappe's Error Log, without a traceback: its variables would hold the payload."""
	if not isinstance(error, BillingError):
		reason = _reason(error)
		transaction.run(lambda: frappe.log_error("Stripe webhook failed", reason, "Stripe Event", name))


def _note_failure(name: str, reason: str, statuses: tuple[str, ...]) -> None:
	"""Count a failure of an event that stands in one of these statuses, and say when it is tried again."""
	[(status, attempts, _next_us)] = frappe.db.sql(_AS_IT_STANDS, (name,))
	if status not in statuses:
		return
	columns = {"attempts": attempts + 1, "error": reason}
	if status != "Received" or attempts + 1 >= ATTEMPTS:
		columns |= {"status": "Parked", **_next_try(attempts + 1)}
	rows.update("Stripe Event", name, columns)


def _next_try(attempts: int) -> dict[str, object]:
	"""Return when an event that has failed this often is tried by ourselves, never where that was often enough."""
	tries = max(attempts - ATTEMPTS, 0)
	if tries >= OWN_TRIES:
		# The managers were told that it goes on by itself.
		return {**_NO_NEXT_TRY, **({"is_told": 0} if tries == OWN_TRIES else {})}
	due_us = clock.now_us() + min(2**tries, 24) * 3600 * clock.SECOND
	return {"next_try_us": due_us, "next_try_at": clock.site_time(due_us)}


def _reason(error: Exception) -> str:
	return str(error) if isinstance(error, BillingError) else f"{type(error).__name__}: {error}"[:200]


def _finish(name: str, status: str, reason: str, **columns: object) -> None:
	transaction.run(lambda: _settle(name, status, reason, **columns))


def _settle(name: str, status: str, reason: str, **columns: object) -> None:
	"""Give an event its last status, in the transaction of its effect."""
	processed_at = clock.site_time(clock.now_us())
	[(before, _attempts, next_us)] = frappe.db.sql(_AS_IT_STANDS, (name,))
	# A slower delivery that decided otherwise does not take back what another one has done, or a person.
	if status == "Processed" or before not in ("Processed", "Settled"):
		said = {"status": status, "error": reason, "processed_at": processed_at}
		# The managers may have been told that it goes on by itself, and now it needs one of them.
		told = {"is_told": 0} if status == "Parked" and next_us else {}
		rows.update("Stripe Event", name, {**said, **_NO_NEXT_TRY, **told, **columns})


def _status(name: str) -> frappe._dict:
	return frappe.db.get_value("Stripe Event", name, ["status", "attempts"], as_dict=True)
