"""Top-ups: begin one, and bring one up to date with what Stripe says about its payment.

Browser return, webhook and poll all end in :func:`apply`, which credits at most once.
"""

from collections.abc import Callable
from decimal import Decimal

import frappe
from frappe import _
from frappe.utils import get_url

from prepaid_billing import ledger, settings
from prepaid_billing.display import money
from prepaid_billing.exceptions import (
	AccountBlocked,
	Duplicate,
	InvalidAmount,
	RateLimited,
	TryAgain,
	UnknownTopup,
)
from prepaid_billing.ledger import LockedBalance, clock, transaction
from prepaid_billing.log import log
from prepaid_billing.payments import gateway, keys
from prepaid_billing.payments.decide import Decision, TopupState, decide
from prepaid_billing.payments.facts import NotRepresentable, PaymentFacts, to_minor
from prepaid_billing.rating.money import ZERO, from_database

SESSION_SECONDS = 3600
"""How long a customer may take at Checkout; after that the attempt no longer counts as open."""


def create(company: str, amount: Decimal, key: str | None = None) -> dict[str, str]:
	"""Begin a top-up of ``amount`` and return ``{"topup", "checkout_url"}``.

	Our row is committed first, then Stripe is called outside of any lock, with the row's name as the key.
	The same ``key`` again returns the same top-up.

	Raises InvalidAmount, RateLimited, Duplicate, UnknownCompany, AccountBlocked and TryAgain.
	"""
	livemode = keys.is_live()
	scoped_key = f"topup:{company}:{key}" if key else None

	def work() -> frappe._dict:
		with ledger.locked(company) as account:
			return _known(scoped_key, company, amount) or _insert(account, amount, scoped_key, livemode)

	topup = transaction.run(work)
	if not topup.checkout_url:
		topup.checkout_url = _open_session(topup)
	log("top-up begun", company=company, topup=topup.name, amount=amount)
	return {"topup": topup.name, "checkout_url": topup.checkout_url}


def refresh(name: str) -> None:
	"""Ask Stripe how the payment of a top-up stands, and act on it. Raises UnknownTopup and TryAgain."""
	topup = find(name)
	if topup.checkout_session_id and topup.status in ("Created", "Processing"):
		apply(name, gateway.session_facts(topup.checkout_session_id))


def find(name: str) -> frappe._dict:
	"""Return a top-up, amounts as Decimal. Raises UnknownTopup."""
	topup = _row("name = %s", name)
	if not topup:
		raise unknown()
	return topup


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
			topup = _row("name = %s FOR UPDATE", name)
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

	The hourly job: it heals what a lost webhook left behind.
	"""
	names = frappe.db.sql_list(
		"""
		SELECT name FROM `tabBalance Topup`
		WHERE status IN ('Created', 'Processing') AND checkout_session_id IS NOT NULL
		ORDER BY created_us LIMIT 1000
		"""
	)
	for name in names:
		try:
			refresh(name)
		except TryAgain as error:
			log("top-up not polled", topup=name, reason=str(error))
	return len(names)


def _act(account: LockedBalance, topup: frappe._dict, facts: PaymentFacts, decision: Decision) -> None:
	if decision.action == "credit":
		account.post(
			"Top-up",
			facts.amount,
			key=f"topup:{account.company}:{facts.payment_intent_id}",
			reference=("Balance Topup", topup.name),
			description=_("Top-up"),
		)
		_write(
			topup.name,
			status=decision.status,
			amount_paid=facts.amount,
			credited=facts.amount,
			payment_intent_id=facts.payment_intent_id,
			charge_id=facts.charge_id,
			paid_us=account.now_us,
			failure_reason="",
		)
	elif decision.action == "status":
		_write(topup.name, status=decision.status, failure_reason=decision.reason)
	elif decision.action == "note":
		_write(topup.name, failure_reason=decision.reason)


def _insert(account: LockedBalance, amount: Decimal, key: str | None, livemode: bool) -> frappe._dict:
	_check_amount(amount, account.currency)
	if frappe.db.get_value("Billing Company", account.company, "status") != "Active":
		raise AccountBlocked(_("This company is suspended, so it cannot top up. Please contact us."))
	_check_attempts(account)
	doc = frappe.get_doc(
		{
			"doctype": "Balance Topup",
			"company": account.company,
			"currency": account.currency,
			"status": "Created",
			"amount": amount,
			"idempotency_key": key,
			"initiated_by": frappe.session.user,
			"livemode": int(livemode),
			"created_us": account.now_us,
		}
	)
	doc.insert(ignore_permissions=True)  # written for the customer, who has no right on the doctype itself
	return find(doc.name)


def _check_amount(amount: Decimal, currency: str) -> None:
	smallest, largest = settings.amount("topup_minimum"), settings.amount("topup_maximum")
	if not smallest <= amount <= largest:
		raise InvalidAmount(
			_("A top-up is between {0} and {1}. Nothing was charged.").format(
				money(smallest, currency), money(largest, currency)
			)
		)
	try:
		to_minor(amount, currency)
	except NotRepresentable as error:
		raise InvalidAmount(
			_("{0} cannot be paid that exactly. Nothing was charged.").format(currency)
		) from error


def _check_attempts(account: LockedBalance) -> None:
	"""Count in SQL under the balance lock: Frappe's rate limiter is open while Redis is down."""
	second, day = clock.SECOND, 86400 * clock.SECOND
	counted = frappe.db.sql(
		"""
		SELECT
			COALESCE(SUM(initiated_by = %(user)s AND created_us > %(ten_minutes)s), 0),
			COALESCE(SUM(created_us > %(day)s), 0),
			COALESCE(SUM(status IN ('Created', 'Processing') AND created_us > %(session)s), 0)
		FROM `tabBalance Topup` WHERE company = %(company)s AND created_us > %(day)s
		""",
		{
			"user": frappe.session.user,
			"company": account.company,
			"ten_minutes": account.now_us - 600 * second,
			"day": account.now_us - day,
			"session": account.now_us - SESSION_SECONDS * second,
		},
	)[0]
	limits = ("topups_per_user", "topups_per_company", "open_topups_per_company")
	if any(count >= settings.number(limit) for count, limit in zip(counted, limits, strict=True)):
		raise RateLimited(
			_("Too many top-ups were begun. Nothing was charged; finish one or try again later.")
		)


def _known(key: str | None, company: str, amount: Decimal) -> frappe._dict | None:
	topup = _row("idempotency_key = %s", key) if key else None
	if topup and (topup.company, topup.amount) != (company, amount):
		raise Duplicate(_("This key was used before for another top-up. Nothing was begun."))
	return topup


def _open_session(topup: frappe._dict) -> str:
	"""Open the Checkout session of a top-up and keep its id. On failure the top-up can be begun again."""
	session = gateway.create_session(_session_params(topup), topup.name)

	def work() -> None:
		with ledger.locked(topup.company):
			_write(topup.name, checkout_session_id=session["id"], checkout_url=session["url"])

	transaction.run(work)
	return session["url"]


def _session_params(topup: frappe._dict) -> dict:
	language, email = frappe.db.get_value("Billing Company", topup.company, ["language", "billing_emails"])
	pages = get_url("/business/billing/topup")
	reference = {"topup": topup.name, "company": topup.company}
	name = _("Prepaid balance")
	params = {
		"mode": "payment",
		"client_reference_id": topup.name,
		"metadata": reference,
		"payment_intent_data": {"metadata": reference, "description": f"{name} {topup.company}"},
		"line_items": [
			{
				"quantity": 1,
				"price_data": {
					"currency": topup.currency.lower(),
					"unit_amount": to_minor(topup.amount, topup.currency),
					"product_data": {"name": name, "description": topup.company},
				},
			}
		],
		"locale": language if language in ("de", "en") else "auto",
		"expires_at": topup.created_us // clock.SECOND + SESSION_SECONDS,
		"success_url": f"{pages}/success?session_id={{CHECKOUT_SESSION_ID}}",
		"cancel_url": f"{pages}/cancel?topup={topup.name}",
	}
	if email:
		params["customer_email"] = email.split()[0]
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


def _write(name: str, **columns: object) -> None:
	table = frappe.qb.DocType("Balance Topup")
	query = frappe.qb.update(table).where(table.name == name)
	for column, value in columns.items():
		query = query.set(table[column], value)
	query.run()


_ROW = """
	SELECT name, company, status, currency, CAST(amount AS CHAR) AS amount,
		CAST(credited AS CHAR) AS credited, livemode, failure_reason, checkout_session_id,
		payment_intent_id, checkout_url, initiated_by, created_us
	FROM `tabBalance Topup` WHERE
"""


def _row(condition: str, value: str) -> frappe._dict | None:
	rows = frappe.db.sql(_ROW + condition, (value,), as_dict=True)
	for row in rows:
		row.amount, row.credited = from_database(row.amount), from_database(row.credited) or ZERO
	return rows[0] if rows else None
