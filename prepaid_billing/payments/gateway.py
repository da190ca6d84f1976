"""The one adapter to Stripe, and the only `import stripe`. Plain dicts and PaymentFacts come out of it.

Never called inside a lock: a network call can take a minute.
"""

import json
import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import stripe
from frappe import _
from rq.timeouts import JobTimeoutException

from prepaid_billing.exceptions import InvalidWebhook, PaymentRefused, TryAgain
from prepaid_billing.log import log
from prepaid_billing.payments import keys
from prepaid_billing.payments.facts import PaymentFacts, of_intent, of_session
from prepaid_billing.payments.takeback import Claim, of_dispute, of_refund

TOLERANCE = 300
"""Seconds that a webhook's time stamp may be off, into the past and into the future."""

_TIMEOUT, _QUICK = 20, 4
_THIN = "v2.core.event"
_ID = re.compile(r"[!-~]{1,140}")
_STAMP = re.compile(r"(?:^|,)\s*t=(\d{1,12})(?:,|$)")


_is_hurried: ContextVar[bool] = ContextVar("is_hurried", default=False)


@contextmanager
def hurried() -> Iterator[None]:
	"""Ask Stripe once in here, and wait for 4 seconds: a web worker answers an event that Stripe will send again."""
	before = _is_hurried.set(True)
	try:
		yield
	finally:
		_is_hurried.reset(before)


class UnknownCustomer(PaymentRefused):
	"""Stripe knows no such customer: deleted there, or of another Stripe account."""


class UnknownObject(PaymentRefused):
	"""Stripe knows no object of this id: of another account or mode, or of a Stripe that was reset."""


class Failing(TryAgain):
	"""Stripe has failed over it, before the work or after it; for the same key it gives the same answer again."""


def create_customer(params: dict, idempotency_key: str) -> str:
	"""Make a customer and return its id. The same key again returns the same one. Raises TryAgain."""
	made = _call(
		lambda client: client.v1.customers.create(params=params, options={"idempotency_key": idempotency_key})
	)
	return made["id"]


def update_customer(customer: str, params: dict) -> None:
	"""Change what Stripe knows of a customer; "" empties a field. Raises TryAgain, PaymentRefused among it."""
	_call(lambda client: client.v1.customers.update(customer, params=params))


def create_session(params: dict, idempotency_key: str) -> dict:
	"""Open a Checkout session and return it as a dict. The same key again returns the same session.

	Raises TryAgain where Stripe cannot be reached, PaymentRefused where it refuses, UnknownCustomer among it.
	"""
	return _call(
		lambda client: client.v1.checkout.sessions.create(
			params=params, options={"idempotency_key": idempotency_key}
		)
	)


def expire_session(session_id: str) -> bool:
	"""Close an open Checkout session, so that nobody can pay there; False where it is not open. Raises TryAgain."""
	try:
		return _call(lambda client: client.v1.checkout.sessions.expire(session_id))["status"] == "expired"
	except PaymentRefused:
		return False


def session_facts(session_id: str) -> PaymentFacts:
	"""Ask Stripe how the payment of a Checkout session stands. Raises TryAgain."""
	return of_session(
		_call(
			lambda client: client.v1.checkout.sessions.retrieve(
				session_id, params={"expand": ["payment_intent"]}
			)
		)
	)


def session_of_intent(payment_intent_id: str) -> str | None:
	"""Return the id of the Checkout session that a payment intent belongs to, or None. Raises TryAgain."""
	found = _one(
		lambda client: client.v1.checkout.sessions.list(
			params={"payment_intent": payment_intent_id, "limit": 1}
		)
	)
	return found["data"][0]["id"] if found and found["data"] else None


def create_refund(payment_intent_id: str, minor: int, key: str) -> Claim:
	"""Give ``minor`` units of a payment back to its card. The same key again returns the same refund.

	Raises TryAgain where Stripe cannot be reached, PaymentRefused where it refuses.
	"""
	params = {"payment_intent": payment_intent_id, "amount": minor, "metadata": {"refund": key}}
	return of_refund(
		_call(lambda client: client.v1.refunds.create(params=params, options={"idempotency_key": key}))
	)


def refunds_of(payment_intent_id: str) -> list[Claim]:
	"""Return all refunds of a payment, as they stand at Stripe. Raises TryAgain."""
	return [of_refund(refund) for refund in _refunds(payment_intent_id)]


def refund_of_ours(payment_intent_id: str, minor: int, key: str) -> Claim | None:
	"""Return the refund that was made with our ``key``, or None where Stripe knows of none. Raises TryAgain."""
	for refund in _refunds(payment_intent_id):
		if (refund["metadata"] or {}).get("refund") == key and refund["amount"] == minor:
			return of_refund(refund)
	return None


def _refunds(payment_intent_id: str) -> list[dict]:
	return _all(
		lambda client, page: client.v1.refunds.list(params={"payment_intent": payment_intent_id, **page})
	)


def sessions_since(created: int) -> Iterator[list[dict]]:
	"""Yield the Checkout sessions since a moment (Unix seconds), newest first, a page at a time. Raises TryAgain."""
	yield from _pages(lambda client, page: client.v1.checkout.sessions.list(params=_since(created, page)))


def charges_since(created: int) -> Iterator[list[dict]]:
	"""Yield the charges since a moment (Unix seconds), failed ones among them. As sessions_since."""
	yield from _pages(lambda client, page: client.v1.charges.list(params=_since(created, page)))


def refunds_since(created: int) -> Iterator[list[dict]]:
	"""Yield the refunds since a moment (Unix seconds). As sessions_since."""
	yield from _pages(lambda client, page: client.v1.refunds.list(params=_since(created, page)))


def disputes_since(created: int) -> Iterator[list[dict]]:
	"""Yield the disputes since a moment (Unix seconds). As sessions_since."""
	yield from _pages(lambda client, page: client.v1.disputes.list(params=_since(created, page)))


def intent_facts(payment_intent_id: str) -> PaymentFacts | None:
	"""Ask Stripe how a payment intent stands, None where it is not known there. Raises TryAgain."""
	found = _one(lambda client: client.v1.payment_intents.retrieve(payment_intent_id))
	return of_intent(found) if found else None


def claim(kind: str, stripe_id: str) -> Claim | None:
	"""Return a "refund" or "dispute" as it stands at Stripe, or None where it is not known there. Raises TryAgain."""
	if kind == "refund":
		found = _one(lambda client: client.v1.refunds.retrieve(stripe_id))
		return of_refund(found) if found else None
	found = _one(lambda client: client.v1.disputes.retrieve(stripe_id))
	return of_dispute(found) if found else None


def _since(created: int, page: dict) -> dict:
	return {"created": {"gte": created}, **page}


def _all(list_page: Callable[[stripe.StripeClient, dict], stripe.StripeObject]) -> list[dict]:
	"""Return every object of a list. Raises TryAgain."""
	return [thing for page in _pages(list_page) for thing in page]


def _pages(list_page: Callable[[stripe.StripeClient, dict], stripe.StripeObject]) -> Iterator[list[dict]]:
	after: dict[str, str] = {}
	while True:
		page = _call(lambda client, after=after: list_page(client, {"limit": 100, **after}))
		yield page["data"]
		if not page["has_more"]:
			return
		after = {"starting_after": page["data"][-1]["id"]}


def verified_event(body: bytes, header: str | None) -> dict:
	"""Return the event in a webhook body that Stripe has signed. Raises InvalidWebhook.

	The library's verifier accepts stamps from the future and does not mind an empty secret; we do.
	"""
	secrets = keys.webhook_secrets()
	try:
		text = body.decode()
		# A header that is not ASCII would end in a TypeError of the library's comparison.
		(header or "").encode("ascii")
		_verify_with_one_of(secrets, text, header or "")
	except (UnicodeError, stripe.SignatureVerificationError) as error:
		raise InvalidWebhook(_("The signature of this webhook is not valid. Nothing was stored.")) from error
	stamp = _STAMP.search(header or "")
	if not stamp or int(stamp[1]) > time.time() + TOLERANCE:
		raise InvalidWebhook(_("The time stamp of this webhook lies in the future. Nothing was stored."))
	return _strict_event(text)


def _verify_with_one_of(secrets: Sequence[str], text: str, header: str) -> None:
	"""Accept a signature made with any of the secrets: while one is rolled, two are valid."""
	for secret in secrets:
		try:
			stripe.WebhookSignature.verify_header(text, header, secret, TOLERANCE)
			return
		except stripe.SignatureVerificationError as error:
			last = error
	raise last


def is_thin(event: dict) -> bool:
	"""Whether an event only names what it is about and does not hold it. Nothing here acts on one."""
	return event.get("object") == _THIN


def _strict_event(text: str) -> dict:
	try:
		event = json.loads(text, object_pairs_hook=_no_twins, parse_constant=_no_constant)
		texts = [event["id"], event["type"], event.get("api_version") or "none"]
		data = {} if is_thin(event) else event["data"]["object"]
		valid = all(_ID.fullmatch(text) for text in texts) and isinstance(data, dict)
		# Half a character, as "\\ud800", is JSON but no text: nothing could be stored under it or searched for by it.
		json.dumps(event, ensure_ascii=False).encode()
	except (ValueError, KeyError, TypeError, RecursionError) as error:
		raise InvalidWebhook(_("This webhook holds no event. Nothing was stored.")) from error
	if not valid or not isinstance(event.get("livemode"), bool):
		raise InvalidWebhook(_("This webhook holds no event. Nothing was stored."))
	return event


def _no_twins(pairs: list[tuple[str, object]]) -> dict:
	result = dict(pairs)
	if len(result) != len(pairs):
		raise ValueError("a key stands twice")
	return result


def _no_constant(name: str) -> None:
	raise ValueError(f"{name} is not JSON")


def _one(request: Callable[[stripe.StripeClient], stripe.StripeObject]) -> dict | None:
	try:
		return _call(request)
	except UnknownObject:
		return None


def _call(request: Callable[[stripe.StripeClient], stripe.StripeObject]) -> dict:
	# The library's telemetry would write a file into the home of the web server's user.
	stripe.enable_telemetry = False
	base = keys.api_base()
	client = stripe.StripeClient(
		keys.secret_key(),
		base_addresses={"api": base} if base else {},
		max_network_retries=0 if _is_hurried.get() else 2,
		http_client=stripe.RequestsClient(timeout=_QUICK if _is_hurried.get() else _TIMEOUT),
	)
	try:
		return request(client).to_dict()
	except Exception as error:
		ending = _end_of_job(error)
		_log_refusal(ending or error)
		# Frappe logs the variables of every frame of a traceback, and the library's frames hold the key.
		error.__cause__ = error.__context__ = None
		if not ending:
			raise _refusal(error) from error.with_traceback(None)
	# Out of the handler, so that nothing of the library hangs on it.
	ending.__cause__ = ending.__context__ = None
	raise ending.with_traceback(None)


def _end_of_job(error: BaseException | None) -> JobTimeoutException | None:
	"""Return rq's word that the time of the job is up, where that has ended a call; the library takes it for Stripe's fault.

	It goes on as it is: who takes it for a passing fault tries again, in a job that was to end.
	"""
	while error and not isinstance(error, JobTimeoutException):
		error = error.__cause__ or error.__context__
	return error


def _log_refusal(error: Exception) -> None:
	facts: dict[str, object] = {"kind": type(error).__name__}
	if isinstance(error, stripe.StripeError):
		reason = error.user_message or str(error)
		facts |= {"reason": reason, "code": error.code, "request": error.request_id}
	log("stripe refused", logging.ERROR, **facts)


def _refusal(error: Exception) -> TryAgain:
	# A key that is wrong, was rolled or may not do this says nothing of what was asked for with it or before.
	passing = (
		stripe.APIConnectionError
		| stripe.RateLimitError
		| stripe.AuthenticationError
		| stripe.PermissionError
	)
	# A key that was used for something else: what became of that request nobody has told us.
	failing = stripe.APIError | stripe.IdempotencyError
	if isinstance(error, passing | failing) or not isinstance(error, stripe.StripeError):
		kind = Failing if isinstance(error, failing) else TryAgain
		return kind(_("The payment service did not answer. Nothing was charged; try again."))
	missing = isinstance(error, stripe.InvalidRequestError) and error.code == "resource_missing"
	refusal = PaymentRefused
	if missing:
		refusal = UnknownCustomer if error.param == "customer" else UnknownObject
	return refusal(
		_("The payment service refused this. Nothing was charged; please contact us if it stays so."),
		error.user_message or "",
	)
