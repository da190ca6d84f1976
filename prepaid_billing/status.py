"""The state of the product in words, for `prepaid-billing status`: why a payment, a charge or a mail is missing."""

from datetime import datetime

import frappe
from frappe.utils import get_system_timezone, now_datetime
from frappe.utils.scheduler import is_scheduler_inactive

from prepaid_billing import ledger, mode
from prepaid_billing.calls import stops
from prepaid_billing.calls.pricing import rate_for
from prepaid_billing.calls.settle import REVIEWS
from prepaid_billing.exceptions import BillingError, NoRate, UnknownCall
from prepaid_billing.ledger import clock, constraints
from prepaid_billing.payments import heard, issuing, keys, limits, topups
from prepaid_billing.rating.money import as_text, from_database
from prepaid_billing.rating.price import max_seconds

Section = tuple[str, list[str]]

_WEEK = 7 * 86_400
_TEST_MONEY = """
	SELECT currency, COUNT(DISTINCT company), CAST(SUM(credited - taken_back) AS CHAR) FROM `tabBalance Topup`
	WHERE livemode = 0 AND credited > taken_back GROUP BY currency
"""


def overview() -> list[Section]:
	"""Return the jobs with their last run, how payments are set up, and what waits for a person."""
	return [
		(f"Scheduled jobs (all times in {get_system_timezone()})", _jobs()),
		("Payments", _payments()),
		("Waiting", _waiting()),
		("Database", _database()),
	]


def company(name: str) -> Section:
	"""Return what decides whether calls of a company are authorised and charged. Raises UnknownCompany."""
	view = ledger.balance_of(name)
	found = frappe.db.get_value("Billing Company", name, ["status", "prepaid_billing_enabled"])
	return f"Company {name}", [
		f"status {found[0]}, prepaid billing {'on' if found[1] else 'OFF: no call is authorised'}",
		f"balance {as_text(view.balance)} {view.currency} ({view.status}), in calls {as_text(view.reserved)}, "
		f"available {as_text(view.available)}, threshold {as_text(view.threshold)}",
		_rate(name, view.currency),
		*_refused(name, view),
	]


def _refused(name: str, view: ledger.BalanceView) -> list[str]:
	"""Say what refuses new calls of a company, where the lines above do not."""
	if stop := stops.stop_of(name, view.status):
		return [f"new calls are REFUSED: {stop}"]
	try:
		rate = rate_for(name, view.currency, clock.now_us()).rate
	except NoRate:
		return ["new calls are REFUSED: no rate"]
	pays_for_nothing = not max_seconds(rate, view.available, 1)
	return ["new calls are REFUSED: what is available pays for none"] if pays_for_nothing else []


def _rate(company: str, currency: str) -> str:
	try:
		priced = rate_for(company, currency, clock.now_us())
	except NoRate as error:
		return f"{error.code}: {error}"
	return (
		f"rate {priced.name} ({'own' if priced.company else 'default price list'}): "
		f"{as_text(priced.rate.rate_per_minute)} a minute, increment {priced.rate.billing_increment} s"
	)


def call(call_id: str) -> Section:
	"""Return what became of a call, and its entries in the ledger. Raises UnknownCall."""
	row = frappe.db.get_value(
		"Call Charge",
		{"call_id": call_id},
		[
			"name",
			"company",
			"status",
			"duration_sec",
			"billed_sec",
			"amount",
			"reserved_amount",
			"currency",
			"overrun",
			"duration_from",
			"refunded_amount",
			"refund_reason",
			"review",
		],
		as_dict=True,
	)
	if not row:
		raise UnknownCall(
			f"There is no call {call_id}: it was never authorised here. Look for the refusal in logs/prepaid_billing.log."
		)
	lines = [
		f"{row.company}: {row.status}, {row.duration_sec} s real, {row.billed_sec} s billed"
		+ (f", as told by {row.duration_from}" if row.duration_from else ""),
		f"charged {_money(row.amount)} {row.currency}, held {_money(row.reserved_amount)}"
		+ (", overrun" if row.overrun else ""),
	]
	if row.refunded_amount:
		lines.append(f"given back {_money(row.refunded_amount)} {row.currency}: {row.refund_reason}")
	if row.review:
		lines.append(f"stands in the queue: {row.review}")
	if row.status in ("Authorized", "Active"):
		lines.append("Not charged yet: the gateway has not called calls.end for it.")
	return f"Call {call_id}", lines + _entries([row.name])


def topup(name: str) -> Section:
	"""Return what became of a top-up: our row, the events that came for it, its entry, and those of its refunds
	and disputes. Raises UnknownTopup."""
	row = topups.find(name)
	lines = [
		f"{row.company}: {row.status}, asked {as_text(row.amount)} {row.currency}, credited {as_text(row.credited)}",
		f"checkout session {row.checkout_session_id or 'none: Stripe was not reached'}, payment intent {row.payment_intent_id or 'none yet'}",
	]
	if row.paid_us:
		lines.append(
			f"paid {as_text(row.amount_paid)}, of it tax {as_text(row.tax)}, taken back {as_text(row.taken_back)}, "
			f"receipt {row.receipt or 'none yet'}"
		)
	if row.failure_reason:
		lines.append(f"last failure: {row.failure_reason}")
	events = frappe.get_all(
		"Stripe Event", {"topup": name}, ["event_type", "status", "error"], order_by="creation"
	)
	lines += [f"event {event.event_type}: {event.status} {event.error or ''}".rstrip() for event in events]
	if not events and row.status == "Created":
		lines.append(
			"No event of Stripe has arrived for it: check the webhook address and its signing secret."
		)
	claims = [
		claim
		for doctype in ("Billing Refund", "Billing Dispute")
		for claim in frappe.get_all(doctype, {"topup": name}, pluck="name")
	]
	return f"Top-up {name}", lines + _entries([name, *claims])


def _entries(references: list[str]) -> list[str]:
	"""Return the entries of records of ours, whose names are random and so tell their kind too."""
	entries = frappe.get_all(
		"Balance Transaction",
		{"reference_name": ["in", references]},
		["transaction_type", "amount", "currency", "booked_at"],
		order_by="booked_us, sequence",
	)
	return [
		f"booked {_money(entry.amount)} {entry.currency} as {entry.transaction_type} at {_time(entry.booked_at)}"
		for entry in entries
	]


def _time(moment: datetime) -> str:
	return f"{moment:%Y-%m-%d %H:%M:%S}"


def _money(stored: float) -> str:
	return as_text(from_database(stored))


def _jobs() -> list[str]:
	jobs = frappe.get_all(
		"Scheduled Job Type",
		{"method": ["like", "prepaid_billing.%"]},
		["method", "cron_format", "frequency", "last_execution", "stopped", "creation"],
		order_by="method",
	)
	lines = [
		f"{job.method.rsplit('.', 1)[1]:<28} {job.cron_format or job.frequency:<14} last run {_time(job.last_execution) if job.last_execution else 'never'}"
		+ (" STOPPED" if job.stopped else "")
		+ _waits(job)
		for job in jobs
	]
	if not is_scheduler_inactive(verbose=False):
		return lines
	return [*lines, "The scheduler is OFF for this site: bench --site SITE enable-scheduler"]


def _waits(job: frappe._dict) -> str:
	"""Say where the scheduler waits for a time that is only ahead because the site's time zone was changed."""
	since = job.last_execution or job.creation
	return f" WAITS for {_time(since)}: it was made in another time zone" if since > now_datetime() else ""


def _payments() -> list[str]:
	lines = []
	of_mode = ", of live mode" if mode.is_live() else ", of test mode"
	for label, read, kind in (
		("secret key", keys.secret_key, of_mode),
		("webhook secret", keys.webhook_secrets, ""),
	):
		try:
			read()
			lines.append(f"{label} is set{kind}")
		except BillingError as error:
			lines.append(f"{label} is MISSING: {error}")
	last = frappe.get_all(
		"Stripe Event", fields=["event_type", "status", "received_at"], order_by="creation desc", limit=1
	)
	lines.append(
		f"last event {last[0].event_type} ({last[0].status}) at {_time(last[0].received_at)}"
		if last
		else "no event has arrived yet"
	)
	return [*lines, *_unheard(), *_test_money(), _comparison()]


def _test_money() -> list[str]:
	"""Say where balances hold what was paid in test mode, once the key is live: calls would be paid from it."""
	if not mode.is_live():
		return []
	found = frappe.db.sql(_TEST_MONEY)
	return [
		f"TEST MONEY: {as_text(from_database(amount))} {currency} was credited in test mode to {companies} companies; "
		"what of it was not taken off by adjustments pays for calls"
		for currency, companies, amount in found
	]


def _unheard() -> list[str]:
	"""Say where payments were credited of which no event came: then the endpoint of the webhook is dead or incomplete."""
	try:
		found = heard.of_last(_WEEK)
	except BillingError:
		return []  # no key, which stands above
	if not found.unheard:
		return []
	return [
		f"NO EVENT came of {found.unheard} of {found.payments} payments credited in 7 days, the last of these at "
		f"{_time(found.last_unheard_at)}: check the endpoint in Stripe's dashboard"
	]


def _comparison() -> str:
	"""Say how the last comparison with Stripe ended, and what of earlier ones still needs a person; of the mode in use."""
	of_mode = {"livemode": int(mode.is_live())}
	last = frappe.get_all(
		"Billing Reconciliation", of_mode, ["status", "started_at"], order_by="started_us desc", limit=1
	)
	if not last:
		return "never compared with Stripe: bench --site SITE prepaid-billing reconcile"
	line = f"last comparison with Stripe {last[0].status} at {_time(last[0].started_at)}"
	open_ones = frappe.db.count("Billing Reconciliation", {"is_open": 1, **of_mode})
	return f"{line}, {open_ones} OPEN: bench --site SITE prepaid-billing reconcile" if open_ones else line


def _receipts() -> str:
	unknown = "" if issuing.seller_is_known() else ": the settings name no SELLER"
	return f"{'top-ups without a receipt':<44} {issuing.waiting():>6}{unknown}"


def _waiting() -> list[str]:
	# What the other mode has left unfinished nobody goes on with in this one.
	of_mode = {"livemode": int(mode.is_live())}
	counts = (
		("top-ups not finished", "Balance Topup", {"status": ["in", ["Created", "Processing"]], **of_mode}),
		("refunds that Stripe has yet to take", "Billing Refund", {"status": "Planned", **of_mode}),
		("events parked for a person", "Stripe Event", {"status": "Parked", "next_try_us": 0}),
		(
			"events parked and tried again by themselves",
			"Stripe Event",
			{"status": "Parked", "next_try_us": [">", 0]},
		),
		("events not processed", "Stripe Event", {"status": "Received"}),
		("adjustments that wait for a second person", "Balance Adjustment", {"status": "Waiting"}),
		("calls in progress", "Call Charge", {"status": ["in", ["Authorized", "Active"]]}),
		("calls that need a person", "Call Charge", {"review": ["in", REVIEWS]}),
		("mails that wait in the Email Queue", "Email Queue", {"status": ["in", ["Not Sent", "Sending"]]}),
		("mails that could not be sent", "Email Queue", {"status": "Error"}),
	)
	lines = [f"{label:<44} {frappe.db.count(doctype, filters):>6}" for label, doctype, filters in counts]
	return [*lines, _receipts(), _without_owner(), *_without_limits()]


def _without_limits() -> list[str]:
	"""Say in which currencies nobody can top up, because the settings do not say how little and how much."""
	currencies = limits.without()
	if not currencies:
		return []
	return [f"no TOP-UPS in {', '.join(currencies)}: give them a row under Other Currencies in the settings"]


def _without_owner() -> str:
	"""Say how many companies have nobody who can change their settings, and which comes first."""
	found = frappe.db.sql_list(
		"""
		SELECT parent FROM `tabBilling Company User` WHERE parenttype = 'Billing Company'
		GROUP BY parent HAVING MAX(is_owner) = 0 ORDER BY parent
		"""
	)
	return f"{'companies whose users have no owner':<44} {len(found):>6}" + (f": {found[0]}" if found else "")


def _database() -> list[str]:
	missing = constraints.missing()
	return [f"MISSING: {name}. Run bench --site SITE migrate" for name in missing] or [
		"all constraints are there"
	]
