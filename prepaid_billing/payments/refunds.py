"""Refunds by staff, and what Stripe tells of refunds and disputes, wherever they were made."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

import frappe
from frappe import _

from prepaid_billing import ledger, mode
from prepaid_billing.batch import each
from prepaid_billing.display import money
from prepaid_billing.exceptions import (
	Duplicate,
	InsufficientBalance,
	InvalidAmount,
	InvalidInput,
	PaymentRefused,
	RefundPlanned,
	TryAgain,
	UnknownRefund,
)
from prepaid_billing.ledger import LockedBalance, balance_of, clock, rows, transaction
from prepaid_billing.log import log
from prepaid_billing.payments import claims, gateway, keys, limits, topups
from prepaid_billing.payments.decide import FINAL
from prepaid_billing.payments.facts import Unclear, to_minor
from prepaid_billing.payments.takeback import REFUND, Claim, Turned, taken_back
from prepaid_billing.rating.money import N_, ZERO, as_text, from_database, payment_decimals

KEY_LASTS = 23 * 3600 * clock.SECOND
"""How long Stripe surely remembers our key (it keeps them a day); until then a request is safe to repeat."""

STOPPABLE_AFTER = 24 * 3600 * clock.SECOND
"""Age of a planned refund from which on it may be stopped: its last request to make it, sent within KEY_LASTS, has ended."""

_READS = 5
"""How often a dispute is read at Stripe while other reports of it come in between."""

_BY_KEY = (
	"SELECT name, topup, CAST(amount AS CHAR), reason FROM `tabBilling Refund` WHERE idempotency_key = %s"
)
_PLANNED = (
	"SELECT name FROM `tabBilling Refund` WHERE status = 'Planned' AND {} = %s ORDER BY planned_us LIMIT 1000"
)
_ROW = """
	SELECT name, topup, status, CAST(amount AS CHAR) AS amount, CAST(booked_amount AS CHAR) AS booked_amount,
		currency, reason, failure_reason, planned_us, livemode
	FROM `tabBilling Refund` WHERE name = %s
"""


def request(topup: str, amount: Decimal | None, reason: str, key: str) -> dict[str, object]:
	"""Give ``amount`` of a payment back to its card, or all that is left of it, and return how that stands.

	The money leaves the balance first, so that it cannot be talked away meanwhile; then Stripe is asked, with
	the refund's name as the key. The same ``key`` again asks for nothing more.

	Raises UnknownTopup, InvalidInput for a top-up that was not paid, InvalidAmount for more than is left,
	InsufficientBalance where it was spent, Duplicate, TryAgain for a passing fault of ours, and RefundPlanned: then it
	goes on by itself.
	"""
	if not reason.strip():
		raise InvalidInput(_("A refund needs a reason. Nothing was refunded."))
	row = topups.find(topup)
	_check_mode(row)
	company = row.company
	# Named before the transaction, so that a repeat after a lost COMMIT finds it.
	own = {"name": rows.new_name(), "idempotency_key": f"refund:{company}:{key}", "reason": reason}

	def work() -> str:
		with ledger.locked(company) as account:
			return _known(own, topup, amount) or _plan(account, topup, amount, own)

	name = transaction.run(work)
	log("refund planned", company=company, topup=topup, refund=name)
	try:
		complete(name)
	except (TryAgain, Unclear) as error:
		raise RefundPlanned(
			_(
				"The refund could not be finished now. It is planned and goes on by itself; its amount has left the balance."
			)
		) from error
	return _state(find(name))


def preview(topup: str, amount: Decimal | None) -> dict[str, object]:
	"""Return what a refund of ``amount``, or of all that is left, would do; nothing is written, nothing promised.

	Raises UnknownTopup, and InvalidInput or InvalidAmount as the refund itself would.
	"""
	row = topups.find(topup)
	_check_mode(row)
	claim, due, left = _checked(row, amount, "")
	available = balance_of(row.company).available
	return {
		"topup": topup,
		"amount": as_text(claim.amount),
		"left": as_text(left),
		"taken_from_balance": as_text(due),
		"available": as_text(available),
		"is_covered": due <= available,
		"currency": row.currency,
		"decimals": payment_decimals(row.currency),
	}


def complete(name: str) -> None:
	"""Ask Stripe for a planned refund, or find what became of the request; safe to repeat.

	Raises TryAgain, and Unclear for an answer that only a person understands; it stays planned then.
	"""
	refund = find(name)
	if refund.status != "Planned" or bool(refund.livemode) != keys.is_live():
		return
	try:
		_keep(refund, _asked(refund))
	except PaymentRefused as error:
		_keep(
			refund,
			Claim(REFUND, None, "Failed", refund.amount, refund.currency, refund.reason, error.words[:255]),
		)
		_learn_of_others(refund.topup)


def _learn_of_others(topup: str) -> None:
	"""Ask for all refunds of a payment: more often than not one is refused because it was refunded elsewhere.

	The refusal stands whatever comes of this; what it does not learn, Stripe's events and the comparison tell.
	"""
	try:
		claims.apply(topup, gateway.refunds_of(topups.find(topup).payment_intent_id))
	except (TryAgain, Unclear) as error:
		log("refunds not read", topup=topup, reason=str(error))


def complete_planned() -> int:
	"""Go on with refunds that Stripe could not be reached for. Returns how many there were."""
	# Stripe's key of one mode knows nothing of the other one's payments.
	planned = frappe.db.sql_list(_PLANNED.format("livemode"), (int(mode.is_live()),))
	return len(each(planned, complete))


def find(name: str) -> frappe._dict:
	"""Return a refund (name, topup, status and more). Raises UnknownRefund."""
	found = frappe.db.sql(_ROW, (name,), as_dict=True)
	if not found:
		raise unknown()
	(row,) = found
	row.amount, row.booked_amount = from_database(row.amount), from_database(row.booked_amount)
	return row


def unknown() -> UnknownRefund:
	"""Return the refusal for a refund that is not there, or not for this user."""
	return UnknownRefund(_("There is no such refund."))


def stop(name: str) -> dict[str, object]:
	"""End a planned refund that can never go on, give its money back to the balance, and return how it stands.

	Stripe is asked first: what it has made with our key is heard as always, and not stopped. One that is not planned any
	more stays as it is, so it is safe to repeat. What Stripe tells of it later all the same is booked as a refund of its own.

	Raises UnknownRefund, InvalidInput for one of the other mode or that is younger than STOPPABLE_AFTER, and TryAgain
	where Stripe does not answer: nothing has changed then.
	"""
	refund = find(name)
	if refund.status != "Planned":
		return _state(refund)
	if bool(refund.livemode) != keys.is_live():
		raise InvalidInput(_("Test mode and live mode do not mix. Nothing was changed."))
	if clock.now_us() - refund.planned_us < STOPPABLE_AFTER:
		raise InvalidInput(
			_(
				"This refund may still go on by itself. It can be stopped a day after it was asked for. Nothing was changed."
			)
		)
	why = _("Stopped by staff ({0}): Stripe knows of no such refund.")
	try:
		found = _made(refund)
	except gateway.UnknownObject:
		# A Stripe that does not know the payment, of another account or reset, will never refund it.
		found, why = None, _("Stopped by staff ({0}): this Stripe account does not know the payment.")
	except PaymentRefused as error:
		raise TryAgain(str(error)) from error
	except Unclear as problem:
		raise InvalidInput(_(problem.args[0]).format(*problem.args[1:])) from problem
	by = why.format(frappe.session.user)
	_keep(
		refund,
		found or Claim(REFUND, None, "Failed", refund.amount, refund.currency, refund.reason, by[:255]),
	)
	return _state(find(name))


def hear(topup: str, told: Sequence[Claim], also: Callable[[], None] | None = None) -> None:
	"""Act on what Stripe tells of claims on a top-up, also when it tells of them before the payment.

	A dispute that ended otherwise than we know is read at Stripe: reports come in any order, and any end may be
	turned. Raises TryAgain while the payment is not there yet, and Unclear where only a person can judge.
	"""
	# What is told may be newer than the view of the open transaction, which would not show a refund planned since.
	frappe.db.rollback()
	row = topups.find(topup)
	if row.status not in FINAL:
		topups.apply(topup, gateway.session_facts(row.checkout_session_id))
	if topups.find(topup).status not in FINAL:
		raise TryAgain(_("The payment of this top-up is not known yet. Send it again."))
	# It may be a refund of ours that Stripe tells of before its answer to us has come.
	for name in frappe.db.sql_list(_PLANNED.format("topup"), (topup,)):
		_try_to_complete(name)
	for _time in range(_READS):
		try:
			return claims.apply(topup, told, also)
		except Turned:
			told = [_as_it_stands(claim) for claim in told]
	raise TryAgain(_("This dispute is reported of again and again. Send it again."))


def _try_to_complete(name: str) -> None:
	"""Go on with a planned refund; one that cannot be finished now keeps nothing else from the books."""
	try:
		complete(name)
	except (TryAgain, Unclear) as error:
		frappe.db.rollback()
		log("refund still planned", refund=name, reason=str(error))


def _as_it_stands(claim: Claim) -> Claim:
	"""Return a dispute as it stands at Stripe now, with how many reports of it we had before we asked."""
	if claim.kind == REFUND:
		return claim
	reports, found = claims.reports_of(claim), gateway.claim("dispute", claim.stripe_id or "")
	if not found:
		raise Unclear(N_("It has another end than before, and Stripe does not know it any more."))
	return replace(found, read_after=reports)


def _known(own: dict[str, str], topup: str, amount: Decimal | None) -> str | None:
	found = frappe.db.sql(_BY_KEY, (own["idempotency_key"],))
	if not found:
		return None
	name, known_topup, known_amount, reason = found[0]
	same = (known_topup, reason) == (topup, own["reason"])
	if not same or amount not in (None, from_database(known_amount)):
		raise Duplicate(_("This key was used before for another refund. Nothing was refunded."))
	return name


def _plan(account: LockedBalance, topup: str, amount: Decimal | None, own: dict[str, str]) -> str:
	"""Check a refund, take its part from the balance and keep it, all before Stripe is asked."""
	row = topups.lock(topup)
	claim, due, _left = _checked(row, amount, own["reason"])
	if due > account.available:
		raise InsufficientBalance(
			_("The available balance does not hold this much any more. Nothing was refunded.")
		)
	columns = {"requested_by": frappe.session.user, "planned_us": account.now_us}
	claims.write(account, row, claim, own["name"], idempotency_key=own["idempotency_key"], **columns)
	return own["name"]


def _check_mode(row: frappe._dict) -> None:
	if bool(row.livemode) != keys.is_live():
		raise InvalidInput(_("Test mode and live mode do not mix. Nothing was refunded."))


def _checked(row: frappe._dict, amount: Decimal | None, reason: str) -> tuple[Claim, Decimal, Decimal]:
	"""Return a refund that is possible at Stripe, what it takes from the balance, and what was left to refund."""
	if row.status not in FINAL:
		raise InvalidInput(_("This top-up was not paid, so there is nothing to refund."))
	on_it = [known.claim for known in claims.of_topup(row.name).values()]
	left = max(row.amount_paid - sum((claim.takes for claim in on_it), ZERO), ZERO)
	claim = Claim(REFUND, None, "Planned", left if amount is None else amount, row.currency, reason)
	if not limits.are_payable([claim.amount], row.currency):
		raise InvalidAmount(f"{limits.steps_in_words(row.currency)} {_('Nothing was refunded.')}")
	if not 0 < claim.amount <= left:
		raise InvalidAmount(
			_("Of this payment {0} can be refunded. Nothing was refunded.").format(money(left, row.currency))
		)
	return claim, taken_back(row.amount_paid, row.credited, [*on_it, claim]) - row.taken_back, left


def _asked(refund: frappe._dict) -> Claim:
	"""Send a refund to Stripe; where its key may be forgotten there, or is refused, look for it in Stripe's list."""
	refusal: TryAgain = PaymentRefused(
		_("The payment service never received this refund. It was taken back.")
	)
	if clock.now_us() - refund.planned_us < KEY_LASTS:
		try:
			return gateway.create_refund(*_payment(refund), refund.name)
		except (PaymentRefused, gateway.Failing) as error:
			refusal = error
	try:
		found = _made(refund)
	except PaymentRefused as error:
		# Of another account, perhaps: this Stripe cannot say that nothing was refunded.
		raise TryAgain(str(error)) from error
	if not found:
		raise refusal
	return found


def _made(refund: frappe._dict) -> Claim | None:
	"""Return what Stripe has made with the key of a refund of ours, or None. Raises TryAgain and Unclear."""
	return gateway.refund_of_ours(*_payment(refund), refund.name)


def _payment(refund: frappe._dict) -> tuple[str, int]:
	"""Return the payment intent that a refund is of, and its amount in minor units."""
	return topups.find(refund.topup).payment_intent_id, to_minor(refund.amount, refund.currency)


def _keep(refund: frappe._dict, claim: Claim) -> None:
	def work(account: LockedBalance, topup: frappe._dict) -> None:
		known = claims.of_topup(topup.name)[refund.name].claim
		if known.status == "Planned":
			claims.write(account, topup, claim, refund.name)
		elif claim.stripe_id and not known.stripe_id:
			# It has ended here without Stripe's word, and was made all the same: booked as any that Stripe tells of.
			claims.write(account, topup, claim)

	claims.with_topup(refund.topup, work)
	log("refund", refund=refund.name, status=claim.status, failure=claim.failure)


def _state(refund: frappe._dict) -> dict[str, object]:
	return {
		"refund": refund.name,
		"topup": refund.topup,
		"status": refund.status,
		"amount": as_text(refund.amount),
		"taken_from_balance": as_text(refund.booked_amount),
		"currency": refund.currency,
		"failure_reason": refund.failure_reason or "",
	}
