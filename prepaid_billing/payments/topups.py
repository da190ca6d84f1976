"""Top-ups: begin one, and bring one up to date with what Stripe says about its payment.

Browser return, webhook and poll all end in :func:`apply`, which credits at most once.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import frappe
from frappe import _
from frappe.utils import get_url

from prepaid_billing import ledger, settings
from prepaid_billing.batch import each
from prepaid_billing.display import money
from prepaid_billing.exceptions import (
	AccountBlocked,
	Duplicate,
	InvalidAmount,
	PaymentRefused,
	UnknownTopup,
)
from prepaid_billing.ledger import LockedBalance, clock, rows, transaction
from prepaid_billing.log import log
from prepaid_billing.payments import attempts, customers, gateway, installation, keys, limits, vat
from prepaid_billing.payments.attempts import Caps
from prepaid_billing.payments.decide import Decision, TopupState, decide
from prepaid_billing.payments.facts import NotRepresentable, PaymentFacts, to_minor
from prepaid_billing.payments.limits import Limits
from prepaid_billing.rating.money import from_database

SESSION_SECONDS = attempts.OPEN_FOR // clock.SECOND
"""How long a customer may take at Checkout."""

_WINDOW_US = 1200 * clock.SECOND
"""How long one page is asked for with one key at Stripe; its sessions live at least 30 minutes from their creation."""


def create(company: str, amount: Decimal, key: str | None = None) -> dict[str, str | None]:
	"""Begin a top-up of ``amount`` and return ``{"topup", "status", "checkout_url"}``, None where nothing is to be paid.

	Our row is committed first, then Stripe is called outside of any lock, with the row's name in the key.
	The same ``key`` again returns the same top-up as it stands, whatever has become of the company and the limits.
	Only where no page was opened, and none can be any more by asking Stripe for the same, it is begun again: as a new one.

	Raises InvalidAmount, RateLimited, Duplicate, UnknownCompany, AccountBlocked, TryAgain where nobody knows whether
	a page was opened, and PaymentRefused where none was: then it has failed.
	"""
	# Named before the transaction, so that a repeat after a lost COMMIT finds it.
	attempt = _Attempt(
		rows.new_name(),
		amount,
		f"topup:{company}:{key}" if key else None,
		keys.is_live(),
		limits.of(frappe.db.get_value("Billing Company", company, "currency")),
		attempts.caps(),
		settings.amount("vat_rate"),
		settings.get("credited_part") == "Net",
		installation.own(),
	)

	def work() -> frappe._dict:
		with ledger.locked(company) as account:
			topup = _known(attempt, company)
			if not topup:
				return _insert(account, attempt)
			return _begin_again(account, attempt, topup) if _is_over_unopened(account, topup) else topup

	with attempts.one_of_user():
		topup = transaction.run(work)
	if topup.status == "Created" and not topup.checkout_session_id:
		_open_session(topup)
		topup = find(topup.name)
	log("top-up begun", company=company, topup=topup.name, status=topup.status, amount=amount)
	return {"topup": topup.name, "status": topup.status, "checkout_url": page_of(topup)}


def page_of(topup: frappe._dict) -> str | None:
	"""Return where a top-up can still be paid, or None."""
	ends_us = topup.created_us + SESSION_SECONDS * clock.SECOND
	return topup.checkout_url if topup.status == "Created" and clock.now_us() < ends_us else None


def refresh(name: str) -> None:
	"""Ask Stripe how the payment of a top-up stands, and act on it. Raises UnknownTopup and TryAgain."""
	topup = find(name)
	if topup.checkout_session_id and topup.status in ("Created", "Processing"):
		apply(name, gateway.session_facts(topup.checkout_session_id))


def cancel(name: str) -> str:
	"""Close the page at Stripe of a top-up that was not paid, and return how it stands then; safe to repeat.

	What was paid before is credited instead. Raises UnknownTopup and TryAgain.
	"""
	topup = find(name)
	if topup.status != "Created":
		return topup.status
	if topup.checkout_session_id and not gateway.expire_session(topup.checkout_session_id):
		refresh(name)
	else:
		transaction.run(lambda: _mark_cancelled(topup))
	return find(name).status


def _mark_cancelled(topup: frappe._dict) -> None:
	with ledger.locked(topup.company):
		now = lock(topup.name)
		# Stripe's event of the closing may have come first; another call may have opened a page meanwhile.
		if now.status in ("Created", "Expired") and now.checkout_session_id == topup.checkout_session_id:
			over = {"status": "Cancelled", "failure_reason": "", "checkout_params": None}
			rows.update("Balance Topup", topup.name, over)


def find(name: str) -> frappe._dict:
	"""Return a top-up, amounts as Decimal. Raises UnknownTopup."""
	topup = _row("name = %s", name)
	if not topup:
		raise unknown()
	return topup


def lock(name: str) -> frappe._dict:
	"""Lock a top-up and return it. Its balance must be locked before: balance, then top-up."""
	return _row("name = %s FOR UPDATE", name)


def unknown() -> UnknownTopup:
	"""Return the refusal for a top-up that is not there, or not the user's: the answers are alike."""
	return UnknownTopup(_("There is no such top-up."))


def by_session(session_id: str) -> frappe._dict | None:
	"""Return the top-up that a Checkout session was opened for, or None."""
	return _row("checkout_session_id = %s", session_id)


def by_intent(payment_intent_id: str) -> frappe._dict | None:
	"""Return the top-up that was paid by a payment intent, or None."""
	return _row("payment_intent_id = %s", payment_intent_id)


def apply(name: str, facts: PaymentFacts, also: Callable[[Decision], None] | None = None) -> Decision:
	"""Bring a top-up up to date with ``facts`` and credit it where it was paid, in one commit.

	``also(decision)`` runs in the same transaction, after the balance: the webhook marks its event there.
	"""
	company = find(name).company

	def work() -> Decision:
		with ledger.locked(company) as account:
			topup = lock(name)
			decision = decide(_state(topup), facts)
			_act(account, topup, facts, decision)
			if also:
				also(decision)
			return decision

	decision = transaction.run(work)
	if decision.action != "nothing":
		log("top-up", company=company, topup=name, action=decision.action, status=decision.status)
	return decision


def refresh_unfinished() -> int:
	"""Poll Stripe for every top-up that is not finished and return how many were asked for.

	The hourly job: it heals what a lost webhook left behind. What is on its way comes first, and then the oldest.
	"""
	unfinished = "status IN ('Created', 'Processing') AND checkout_session_id IS NOT NULL"
	# A site that takes no payments has no key to ask with either.
	if not frappe.db.sql(f"SELECT 1 FROM `tabBalance Topup` WHERE {unfinished} LIMIT 1"):
		return len(each(_lapsed(), _refresh_or_expire))
	names = frappe.db.sql_list(
		f"""
		SELECT name FROM `tabBalance Topup` WHERE {unfinished} AND livemode = %s
		ORDER BY status = 'Processing' DESC, created_us LIMIT 1000
		""",
		(int(keys.is_live()),),
	)
	return len(each([*_lapsed(), *names], _refresh_or_expire))


def _lapsed() -> list[str]:
	"""Return the top-ups for which no session was ever opened, when nobody can still be at one."""
	return frappe.db.sql_list(
		f"""
		SELECT name FROM `tabBalance Topup` WHERE status = 'Created' AND checkout_session_id IS NULL
			AND created_us < {clock.NOW} - %s ORDER BY created_us LIMIT 1000
		""",
		(SESSION_SECONDS * clock.SECOND,),
	)


def _refresh_or_expire(name: str) -> None:
	topup = find(name)
	reason = _("The payment service could not be reached.")
	if topup.checkout_session_id:
		try:
			return refresh(name)
		except gateway.UnknownObject:
			# Money on its way is not over because a key of another account does not know it.
			if topup.status == "Processing":
				raise
			reason = _("The payment service does not know this checkout page.")

	def work() -> None:
		with ledger.locked(topup.company):
			now = lock(name)
			# Its session may have been opened meanwhile, or its payment have come.
			if now.checkout_session_id == topup.checkout_session_id and now.status == "Created":
				over = {"status": "Expired", "failure_reason": reason, "checkout_params": None}
				rows.update("Balance Topup", name, over)

	transaction.run(work)


def _act(account: LockedBalance, topup: frappe._dict, facts: PaymentFacts, decision: Decision) -> None:
	if decision.action == "credit":
		tax = vat.tax_in(facts.amount, topup.vat_rate, topup.currency)
		credited = facts.amount - tax if topup.credits_net else facts.amount
		account.post(
			"Top-up",
			credited,
			key=f"topup:{account.company}:{facts.payment_intent_id}",
			reference=("Balance Topup", topup.name),
			description=_("Top-up"),
		)
		rows.update(
			"Balance Topup",
			topup.name,
			{
				"status": decision.status,
				"amount_paid": facts.amount,
				"tax": tax,
				"credited": credited,
				"payment_intent_id": facts.payment_intent_id,
				"charge_id": facts.charge_id,
				"paid_us": account.now_us,
				"failure_reason": "",
			},
		)
	elif decision.action == "status":
		columns = {"status": decision.status}
		# Of two events about one failure only one knows why.
		if decision.reason or decision.status != "Failed":
			columns["failure_reason"] = decision.reason
		rows.update("Balance Topup", topup.name, columns)
	elif decision.action == "note":
		rows.update("Balance Topup", topup.name, {"failure_reason": decision.reason})
	elif decision.action == "nothing" and facts.outcome == "paid" and facts.charge_id and not topup.charge_id:
		# A session alone does not name the charge, so what came first may have credited without it.
		rows.update("Balance Topup", topup.name, {"charge_id": facts.charge_id})


@dataclass(frozen=True, slots=True)
class _Attempt:
	"""A top-up that somebody asks for."""

	name: str
	amount: Decimal
	key: str | None
	livemode: bool
	limits: Limits | None
	caps: Caps
	vat_rate: Decimal
	credits_net: bool
	installation: str


def _insert(account: LockedBalance, attempt: _Attempt) -> frappe._dict:
	rows.insert(
		"Balance Topup",
		account.now_us,
		{
			"name": attempt.name,
			"company": account.company,
			"currency": account.currency,
			"amount": attempt.amount,
			"idempotency_key": attempt.key,
			"livemode": int(attempt.livemode),
			**_begun(account, attempt, attempt.name),
		},
	)
	return find(attempt.name)


def _is_over_unopened(account: LockedBalance, topup: frappe._dict) -> bool:
	"""Whether a top-up has no page, and asking Stripe with the key of before would not give the one that was lost."""
	if topup.checkout_session_id:
		return False
	is_asked_for = topup.status == "Created" and account.now_us < topup.created_us + _WINDOW_US
	return topup.status in ("Created", "Failed", "Expired") and not is_asked_for


def _begin_again(account: LockedBalance, attempt: _Attempt, topup: frappe._dict) -> frappe._dict:
	"""Let a top-up of before be one that begins now: a session that nobody was told of has lapsed or soon will."""
	rows.update("Balance Topup", topup.name, _begun(account, attempt, topup.name))
	return find(topup.name)


def _begun(account: LockedBalance, attempt: _Attempt, name: str) -> dict[str, object]:
	"""Check that the top-up ``name`` may begin now and return what its row holds of that.

	Raises InvalidAmount, AccountBlocked and RateLimited.
	"""
	_check_amount(attempt.amount, account.currency, attempt.limits)
	status, enabled, language, emails = frappe.db.get_value(
		"Billing Company",
		account.company,
		["status", "prepaid_billing_enabled", "language", "billing_emails"],
	)
	if status != "Active":
		raise AccountBlocked(_("This company is suspended, so it cannot top up. Please contact us."))
	if not enabled:
		raise AccountBlocked(
			_("Prepaid billing is switched off for this company, so it cannot top up. Please contact us.")
		)
	attempts.check(account, attempt.caps, but=name)
	return {
		"status": "Created",
		"failure_reason": "",
		"initiated_by": frappe.session.user,
		"created_us": account.now_us,
		# Kept with the row: what the settings say when it is paid is not what the customer was told.
		"vat_rate": attempt.vat_rate,
		"credits_net": int(attempt.credits_net),
		"checkout_params": json.dumps(_session_params(account, name, attempt, language, emails)),
	}


def _check_amount(amount: Decimal, currency: str, allowed: Limits | None) -> None:
	if not allowed:
		raise limits.not_set_up(currency)
	smallest, largest = allowed.smallest, allowed.largest
	if not smallest <= amount <= largest:
		raise InvalidAmount(
			_("A top-up is between {0} and {1}. Nothing was charged.").format(
				money(smallest, currency), money(largest, currency)
			)
		)
	try:
		to_minor(amount, currency)
	except NotRepresentable as error:
		sentence = f"{limits.steps_in_words(currency)} {_('Nothing was charged.')}"
		raise InvalidAmount(sentence) from error


def _known(attempt: _Attempt, company: str) -> frappe._dict | None:
	topup = _row("idempotency_key = %s", attempt.key) if attempt.key else _row("name = %s", attempt.name)
	if topup and (topup.company, topup.amount, bool(topup.livemode)) != (
		company,
		attempt.amount,
		attempt.livemode,
	):
		raise Duplicate(_("This key was used before for another top-up. Nothing was begun."))
	return topup


def _open_session(topup: frappe._dict) -> None:
	"""Open the Checkout session of a top-up and keep its id.

	Where the answer is lost, the same is asked for with the same key, so that Stripe gives the session that it may
	have opened.
	"""
	expires = topup.created_us // clock.SECOND + SESSION_SECONDS
	params = {**json.loads(topup.checkout_params), "expires_at": expires}
	try:
		session = _session_for_customer(topup, params, f"{topup.name}-{topup.created_us}")
	except PaymentRefused as error:
		_note_refusal(topup, error.words)
		raise

	def work() -> bool:
		"""Return whether the session is of a top-up that was cancelled meanwhile."""
		with ledger.locked(topup.company):
			# Another call with the same key may have opened one meanwhile, and its payment may be here.
			now = lock(topup.name)
			if now.checkout_session_id:
				return False
			is_cancelled = now.status == "Cancelled"
			opened = {} if is_cancelled else {"status": "Created", "failure_reason": ""}
			kept = {"checkout_session_id": session["id"], "checkout_url": session["url"]}
			# Nobody asks for them again, and an e-mail address is among them.
			rows.update("Balance Topup", topup.name, {**opened, **kept, "checkout_params": None})
			return is_cancelled

	if transaction.run(work):
		gateway.expire_session(session["id"])


def _note_refusal(topup: frappe._dict, reason: str) -> None:
	"""Let a top-up that Stripe refuses for good have failed, so that it is not held for open; it may be begun again."""

	def work() -> None:
		with ledger.locked(topup.company):
			now = lock(topup.name)
			# Another call with the same key may have opened one meanwhile.
			if now.status == "Created" and not now.checkout_session_id:
				over = {"status": "Failed", "failure_reason": reason[:500], "checkout_params": None}
				rows.update("Balance Topup", topup.name, over)

	transaction.run(work)


def _session_for_customer(topup: frappe._dict, params: dict, key: str) -> dict:
	"""Open the session for the company's customer; where that was deleted at Stripe, for a new one."""
	livemode = bool(topup.livemode)
	customer = customers.customer_of(topup.company, livemode)
	try:
		return gateway.create_session({**params, "customer": customer}, f"{key}-{customer}")
	except gateway.UnknownCustomer:
		customer = customers.customer_of(topup.company, livemode, lost=customer)
		return gateway.create_session({**params, "customer": customer}, f"{key}-{customer}")


def _session_params(
	account: LockedBalance, topup: str, attempt: _Attempt, language: str, emails: str | None
) -> dict:
	"""Return what Stripe is asked for; kept with the row until a page is open, so that a repeat asks for the same."""
	pages = get_url("/business/billing/topup")
	reference = {"topup": topup, "company": account.company, installation.MARK: attempt.installation}
	# The company's page, whoever asks for it.
	name = _("Prepaid balance", language)
	params = {
		"mode": "payment",
		"client_reference_id": topup,
		"metadata": reference,
		"payment_intent_data": {"metadata": reference, "description": f"{name} {account.company}"},
		"line_items": [
			{
				"quantity": 1,
				"price_data": {
					"currency": account.currency.lower(),
					"unit_amount": to_minor(attempt.amount, account.currency),
					"product_data": {"name": name, "description": account.company},
				},
			}
		],
		"locale": language if language in ("de", "en") else "auto",
		"success_url": f"{pages}/success?session_id={{CHECKOUT_SESSION_ID}}",
		"cancel_url": f"{pages}/cancel?topup={topup}",
	}
	if emails:
		params["payment_intent_data"]["receipt_email"] = emails.split()[0]
	return params


def _state(topup: frappe._dict) -> TopupState:
	return TopupState(
		status=topup.status,
		amount=topup.amount,
		currency=topup.currency,
		livemode=bool(topup.livemode),
		session_id=topup.checkout_session_id,
		payment_intent_id=topup.payment_intent_id,
	)


_ROW = """
	SELECT name, company, status, currency, CAST(amount AS CHAR) AS amount,
		CAST(amount_paid AS CHAR) AS amount_paid, CAST(tax AS CHAR) AS tax, CAST(credited AS CHAR) AS credited,
		CAST(taken_back AS CHAR) AS taken_back, CAST(vat_rate AS CHAR) AS vat_rate, credits_net, livemode, failure_reason, checkout_session_id,
		payment_intent_id, charge_id, checkout_url, checkout_params, initiated_by, created_us, paid_us, receipt
	FROM `tabBalance Topup` WHERE
"""


def _row(condition: str, value: str) -> frappe._dict | None:
	found = frappe.db.sql(_ROW + condition, (value,), as_dict=True)
	for row in found:
		row |= {
			column: from_database(row[column])
			for column in ("amount", "amount_paid", "tax", "credited", "taken_back", "vat_rate")
		}
	return found[0] if found else None
