"""The comparison of our books with Stripe's lists, daily and on demand.

What no webhook told is made good first: the object is read again and goes through the very functions that an
event of it would have gone through. What then still differs is for a person. It is safe beside webhooks and
beside itself, and run again it changes nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

import frappe
from rq.timeouts import JobTimeoutException

from prepaid_billing.exceptions import BillingError, TryAgain
from prepaid_billing.ledger import clock, rows, transaction
from prepaid_billing.log import log
from prepaid_billing.payments import accepted, books, compare, gateway, installation, keys, refunds, topups
from prepaid_billing.payments.compare import DISPUTE, PAYMENT, REFUND, Difference, Position
from prepaid_billing.payments.decide import FINAL
from prepaid_billing.payments.facts import Unclear, to_major
from prepaid_billing.payments.takeback import Claim, of_dispute, of_refund
from prepaid_billing.rating.money import ZERO, as_text

DAY = 86_400 * clock.SECOND
OVERLAP = 30 * DAY
"""How far a comparison reaches behind the last one that found no difference: longer than any bank debit is on
its way, and than a refund takes to fail."""

_MARGIN = DAY
"""How much earlier Stripe's lists begin than ours: its clock is not ours, and a session is older than its payment."""

_LAST = f"""
	SELECT MAX(started_us) FROM `tabBilling Reconciliation`
	WHERE livemode = %s AND status = 'Equal' AND is_seamless = 1 AND started_us <= {clock.NOW}
"""
_CLOSE = "UPDATE `tabBilling Reconciliation` SET is_open = 0 WHERE is_open = 1 AND livemode = %s"

Tell = Callable[[str, int], None]
"""Called with what is being read and how many of it were."""


@dataclass
class Outcome:
	"""What a comparison found. Instants are microseconds since 1970, UTC; sums are (at Stripe, here) by currency."""

	since_us: int
	started_us: int
	is_live: bool
	healed: int = 0
	not_paid: int = 0
	not_ours: int = 0
	elsewhere: int = 0
	compared: int = 0
	sums: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
	differences: list[Difference] = field(default_factory=list)
	accepted: dict[Difference, str] = field(default_factory=dict)
	"""Differences that a manager has accepted, with the reason; they are not among the others."""

	def lines(self) -> list[str]:
		"""Return the sums and their difference, a line for each currency, and what was accepted of it."""
		return [
			f"{currency}: at Stripe {as_text(theirs)}, here {as_text(ours)}, difference {as_text(theirs - ours)}"
			+ self._accepted_of(currency)
			for currency, (theirs, ours) in self.sums.items()
		]

	def _accepted_of(self, currency: str) -> str:
		amounts = [difference.amount for difference in self.accepted if difference.currency == currency]
		return f", of it accepted {as_text(sum(amounts, ZERO))}" if amounts else ""

	def findings(self) -> list[str]:
		"""Return what differs, a line for each, those that were accepted last."""
		return [
			*map(str, self.differences),
			*(f"accepted: {difference} ({reason})" for difference, reason in self.accepted.items()),
		]


def run(days: int | None = None, tell: Tell = lambda _what, _count: None) -> Outcome | None:
	"""Compare our books with Stripe's, make good what was missed, and keep the outcome as a Billing Reconciliation.

	``days`` is how far back; without it from OVERLAP before the last comparison without difference, or from
	the first top-up. None where there never was one. Raises TryAgain where Stripe does not answer.
	"""
	started_us, due_us = clock.now_us(), _due_since()
	if due_us is None:
		return None
	since_us = due_us if days is None else started_us - days * DAY
	outcome = Outcome(since_us, started_us, keys.is_live())
	try:
		_compare(outcome, tell)
	except Exception as error:
		frappe.db.rollback()
		_keep(outcome, "Failed", since_us <= due_us, f"{type(error).__name__}: {error}")
		raise
	status = "Different" if outcome.differences else "Equal"
	_keep(outcome, status, since_us <= due_us, "\n".join(outcome.findings()))
	log("reconciled", status=status, healed=outcome.healed, compared=outcome.compared, sums=outcome.lines())
	return outcome


def _due_since() -> int | None:
	frappe.db.rollback()
	# A site that takes no payments has no key to ask with either.
	if not books.has_topups():
		return None
	last = frappe.db.sql(_LAST, (int(keys.is_live()),))[0][0]
	return last - OVERLAP if last else books.first_topup_us()


def _compare(outcome: Outcome, tell: Tell) -> None:
	seen = _Seen(outcome, tell)
	since = (outcome.since_us - _MARGIN) // clock.SECOND
	sessions = seen.sessions(gateway.sessions_since(since))
	seen.charges(gateway.charges_since(since), sessions)
	for claim_of, things in (
		(of_refund, gateway.refunds_since(since)),
		(of_dispute, gateway.disputes_since(since)),
	):
		seen.claims(claim_of, things, sessions)
	seen.read_again(books.left_out(outcome.since_us, outcome.started_us, seen.theirs))
	# What differs may have changed since the list was read.
	seen.read_again((row.kind, row.stripe_id, row.topup) for row in _differences(outcome, seen))
	found = [
		*_differences(outcome, seen),
		*seen.problems.values(),
		*seen.left_of_strays(),
		*_stuck_refunds(),
	]
	outcome.accepted = accepted.reasons(found)
	outcome.differences = [difference for difference in found if difference not in outcome.accepted]
	outcome.compared = len(seen.theirs)


def _stuck_refunds() -> list[Difference]:
	"""Return the refunds that do not go on: their money is neither on the balance nor on its way to the customer."""
	return [
		Difference(
			REFUND,
			row.name,
			row.topup,
			row.currency,
			None,
			-row.amount,
			f"{as_text(row.amount)} {row.currency} left the balance more than a day ago, and Stripe has not taken the refund",
		)
		for row in books.stuck_refunds()
	]


def _differences(outcome: Outcome, seen: "_Seen") -> list[Difference]:
	frappe.db.rollback()
	theirs = list(seen.theirs.values())
	ours = books.positions(outcome.since_us, outcome.started_us, theirs)
	outcome.sums = compare.sums([*theirs, *(position for position, _reason in seen.unbooked.values())], ours)
	return compare.differences(theirs, ours)


class _Seen:
	"""What was read at Stripe so far, and ours among it."""

	def __init__(self, outcome: Outcome, tell: Tell) -> None:
		self.outcome, self.tell = outcome, tell
		self.theirs: dict[tuple[str, str], Position] = {}
		self.problems: dict[tuple[str, str], Difference] = {}
		self.unbooked: dict[tuple[str, str], tuple[Position, str]] = {}
		self.strays: dict[str, tuple[str, str]] = {}

	def sessions(self, sessions: Iterable[list[dict]]) -> dict[str, str]:
		"""Bring unfinished top-ups up to date; return the top-up by payment intent of the sessions that are ours."""
		ours = {}
		for page in self._pages("sessions", sessions):
			found = books.by_session([session["id"] for session in page])
			named = books.topups_among([session["client_reference_id"] for session in page])
			for session in page:
				topup = found.get(session["id"])
				self._session(session, topup, named)
				if topup and session["payment_intent"]:
					ours[session["payment_intent"]] = topup.name
		return ours

	def _session(self, session: dict, topup: frappe._dict | None, named: set[str]) -> None:
		if topup and topup.status in ("Created", "Processing") and session["status"] != "open":
			stripe_id = session["payment_intent"] or session["id"]
			self._heal(PAYMENT, stripe_id, topup.name, lambda: _refresh(topup))
		is_elsewhere = installation.is_elsewhere(session["metadata"])
		if not topup and not is_elsewhere and session["client_reference_id"] in named:
			self.strays[session["payment_intent"]] = (session["client_reference_id"], session["id"])

	def charges(self, charges: Iterable[list[dict]], sessions: dict[str, str]) -> None:
		"""Credit what was paid and not credited."""
		for page in self._pages("payments", charges):
			found = books.by_intent([_intent_of(charge) for charge in page])
			for charge in page:
				if charge["status"] == "succeeded":
					self._charge(charge, found.get(_intent_of(charge)), sessions)
				else:
					self.outcome.not_paid += 1

	def _charge(self, charge: dict, topup: frappe._dict | None, sessions: dict[str, str]) -> None:
		intent = _intent_of(charge)
		name = topup.name if topup else sessions.get(intent)
		if not name:
			return self._without_topup(charge)
		# A top-up that is only known by its session was not credited: then it would be known by its payment.
		if not topup or topup.status not in FINAL:
			self._heal(PAYMENT, intent, name, lambda: _credit(name))
		currency = charge["currency"].upper()
		self._add(PAYMENT, intent, name, currency, to_major(charge["amount_captured"], currency))

	def claims(
		self, claim_of: Callable[[dict], Claim], things: Iterable[list[dict]], sessions: dict[str, str]
	) -> None:
		"""Act on the refunds or disputes that were not heard of."""
		kind = claim_of.__name__[3:]
		for page in self._pages(f"{kind}s", things):
			found = books.by_intent([_intent_of(thing) for thing in page])
			known = books.known_claims(kind, [thing["id"] for thing in page])
			for thing in page:
				topup = found.get(_intent_of(thing))
				if name := topup.name if topup else sessions.get(_intent_of(thing)):
					self.claim(kind, thing["id"], name, lambda thing=thing: claim_of(thing), known)
				elif kind == DISPUTE:
					self._lost(thing)

	def claim(
		self,
		kind: str,
		stripe_id: str,
		topup: str,
		read: Callable[[], Claim | None],
		known: books.KnownClaims,
	) -> None:
		"""Act on a refund or dispute where we know another state of it. Raises TryAgain of ``read`` alone.

		What was read may be older than an event that was heard of since: it goes through the same rules as events do,
		which come in any order.
		"""
		self.problems.pop((kind, stripe_id), None)
		try:
			claim = read()
		except (TryAgain, JobTimeoutException):
			raise
		except Exception as error:
			return self._trouble(kind, stripe_id, topup, error)
		if not claim:
			return
		self._heal(
			kind,
			stripe_id,
			topup,
			lambda: known.get(stripe_id) != (claim.status, claim.amount) and _hear(topup, claim),
		)
		self._add(kind, stripe_id, topup, claim.currency, -claim.takes)

	def read_again(self, named: Iterable[tuple[str, str, str]]) -> None:
		"""Read objects, given by kind, Stripe id and top-up, one by one, and act on them."""
		for kind, stripe_id, topup in named:
			if kind == PAYMENT:
				self._payment(stripe_id, topup)
			else:
				frappe.db.rollback()
				known = books.known_claims(kind, [stripe_id])
				named_one = (kind, stripe_id)
				self.claim(*named_one, topup, lambda named_one=named_one: gateway.claim(*named_one), known)

	def _payment(self, intent: str, topup: str) -> None:
		facts = gateway.intent_facts(intent)
		if facts and facts.outcome == "paid":
			self._add(PAYMENT, intent, topup, facts.currency, facts.amount)

	def _pages(self, what: str, things: Iterable[list[dict]]) -> Iterator[list[dict]]:
		"""Yield each of Stripe's pages, our books being read anew: once for a page, and not for each object of it."""
		read = 0
		for page in things:
			frappe.db.rollback()
			yield page
			read += len(page)
			self.tell(what, read)

	def _heal(self, kind: str, stripe_id: str, topup: str, work: Callable[[], bool]) -> None:
		"""Make good what was missed. What only a person can judge stays as it is, and differs; so does what fails."""
		try:
			if work():
				self.outcome.healed += 1
				log("made good", topup=topup)
		except (BillingError, Unclear) as error:
			frappe.db.rollback()
			log("not made good", topup=topup, reason=str(error))
		except JobTimeoutException:
			raise
		except Exception as error:
			self._trouble(kind, stripe_id, topup, error)

	def _without_topup(self, charge: dict) -> None:
		"""Tell of a payment that was begun here and that no top-up here holds, until all of it was refunded or lost.

		Nothing is credited by its marks. What names this installation, or none, was begun here: a restored backup, too,
		has lost top-ups.
		"""
		intent, currency = _intent_of(charge), charge["currency"].upper()
		marks = charge["metadata"] or {}
		if installation.is_elsewhere(marks):
			self.outcome.elsewhere += 1
			return
		if stray := self.strays.get(intent):
			topup, reason = stray[0], f"it was paid by {stray[1]}, which is not the session that we keep"
		elif marks.get("topup") and marks.get("company"):
			topup, reason = marks["topup"], f"it was begun here for {marks['company']}, but is not kept here"
		else:
			self.outcome.not_ours += 1
			return
		amount = to_major(charge["amount_captured"] - charge["amount_refunded"], currency)
		if not amount:
			return
		self.unbooked[PAYMENT, intent] = Position(PAYMENT, intent, topup, currency, amount), reason

	def _lost(self, dispute: dict) -> None:
		"""Take off from a payment that no top-up here holds what the bank took back for good; it may still turn."""
		key = (PAYMENT, _intent_of(dispute))
		if key not in self.unbooked:
			return
		position, reason = self.unbooked.pop(key)
		left = position.amount
		try:
			claim = of_dispute(dispute)
			left -= claim.amount if (claim.status, claim.currency) == ("Lost", position.currency) else 0
		except Unclear as error:
			log("not made good", topup=position.topup, reason=str(error))
		if left > 0:
			self.unbooked[key] = replace(position, amount=left), reason

	def left_of_strays(self) -> list[Difference]:
		"""Return the payments that were begun here and that no top-up here holds, with what is left of each at Stripe."""
		return [
			Difference(
				*key,
				position.topup,
				position.currency,
				position.amount,
				None,
				f"at Stripe {as_text(position.amount)} {position.currency}, here nothing: {reason}",
			)
			for key, (position, reason) in self.unbooked.items()
		]

	def _trouble(self, kind: str, stripe_id: str, topup: str, error: Exception) -> None:
		"""Let one object that fails be a difference, so that it does not end the comparison of all others."""
		frappe.db.rollback()
		reason = str(error.args[0]).format(*error.args[1:]) if isinstance(error, Unclear) else str(error)
		problem = f"{type(error).__name__}: {reason}"[:200]
		log("not made good", topup=topup, reason=problem)
		self.problems[kind, stripe_id] = Difference(kind, stripe_id, topup, "", None, None, problem)

	def _add(self, kind: str, stripe_id: str, topup: str, currency: str, amount: Decimal) -> None:
		self.theirs[kind, stripe_id] = Position(kind, stripe_id, topup, currency, amount + ZERO)


def _intent_of(thing: dict) -> str:
	return thing.get("payment_intent") or ""


def _refresh(topup: frappe._dict) -> bool:
	topups.refresh(topup.name)
	return topups.find(topup.name).status != topup.status


def _credit(topup: str) -> bool:
	facts = gateway.session_facts(topups.find(topup).checkout_session_id)
	return topups.apply(topup, facts).action == "credit"


def _hear(topup: str, claim: Claim) -> bool:
	refunds.hear(topup, [claim])
	return True


def _keep(outcome: Outcome, status: str, is_seamless: bool, findings: str) -> None:
	def work() -> None:
		now_us = clock.now_us()
		if status == "Equal" and is_seamless:
			frappe.db.sql(_CLOSE, (int(outcome.is_live),))
		# What differs in test mode needs nobody once the site is live.
		if outcome.is_live:
			frappe.db.sql(_CLOSE, (0,))
		rows.insert(
			"Billing Reconciliation",
			now_us,
			{
				"name": rows.new_name(),
				"status": status,
				"livemode": int(outcome.is_live),
				"is_open": int(status != "Equal"),
				"is_seamless": int(is_seamless),
				"since": clock.site_time(outcome.since_us),
				"since_us": outcome.since_us,
				"started_at": clock.site_time(outcome.started_us),
				"started_us": outcome.started_us,
				"ended_at": clock.site_time(now_us),
				"compared": outcome.compared,
				"healed": outcome.healed,
				"not_ours": outcome.not_ours,
				"elsewhere": outcome.elsewhere,
				"accepted": len(outcome.accepted),
				"difference": "\n".join(outcome.lines()),
				"findings": findings,
				"differences": accepted.to_choose_from(outcome.differences),
			},
		)

	transaction.run(work)
