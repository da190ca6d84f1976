"""3-D Secure on the way through Checkout."""

from __future__ import annotations

import requests
import stripe

from stripe_simulator.server import Simulator

from .conftest import OpenSession, Submit
from .receiver import Receiver

AUTHENTICATED_CARD = "4000 0000 0000 3220"
DECLINED_AFTERWARDS = "4000 0084 0000 1629"


def answer(simulator: Simulator, page: requests.Response, word: str) -> requests.Response:
	assert page.status_code == 303
	return requests.post(page.headers["Location"], data={"answer": word}, timeout=10, allow_redirects=False)


def test_a_customer_who_confirms_has_paid_and_goes_to_the_success_page(
	client: stripe.StripeClient,
	simulator: Simulator,
	open_session: OpenSession,
	submit: Submit,
	receiver: Receiver,
) -> None:
	session = open_session()
	asked = submit(session, AUTHENTICATED_CARD)
	waiting = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
	assert (waiting.status, waiting.payment_intent.status) == ("open", "requires_action")
	assert client.v1.charges.list().data == []
	back = answer(simulator, asked, "confirm")
	assert back.headers["Location"] == f"http://prepaid.localhost:8000/topup/success?session={session.id}"
	paid = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
	assert (paid.payment_status, paid.payment_intent.amount_received) == ("paid", 5000)
	receiver.wait_for("payment_intent.requires_action", "checkout.session.completed")
	again = answer(simulator, asked, "refuse")
	assert again.headers["Location"] == back.headers["Location"]
	assert len(client.v1.charges.list().data) == 1


def test_a_customer_who_refuses_has_paid_nothing_and_can_try_another_card(
	client: stripe.StripeClient,
	simulator: Simulator,
	open_session: OpenSession,
	submit: Submit,
	receiver: Receiver,
) -> None:
	session = open_session()
	back = answer(simulator, submit(session, AUTHENTICATED_CARD), "refuse")
	assert back.headers["Location"] == f"/c/pay/{session.id}"
	page = requests.get(f"{simulator.url}{back.headers['Location']}", timeout=10)
	assert "Your bank could not confirm that it is you." in page.text
	assert "You have not been charged" in page.text
	[failed] = receiver.wait_for("payment_intent.payment_failed")
	error = failed.event["data"]["object"]["last_payment_error"]
	assert error["code"] == "payment_intent_authentication_failure"
	assert client.v1.charges.list().data == []
	assert submit(session).status_code == 303
	paid = client.v1.checkout.sessions.retrieve(session.id)
	assert (paid.payment_status, paid.payment_intent) == ("paid", failed.event["data"]["object"]["id"])


def test_a_card_may_be_declined_after_the_customer_has_confirmed(
	client: stripe.StripeClient, simulator: Simulator, open_session: OpenSession, submit: Submit
) -> None:
	session = open_session()
	back = answer(simulator, submit(session, DECLINED_AFTERWARDS), "confirm")
	assert back.headers["Location"] == f"/c/pay/{session.id}"
	assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "unpaid"
	assert [charge.status for charge in client.v1.charges.list().data] == ["failed"]


def test_a_customer_who_goes_back_can_pay_with_another_card(
	client: stripe.StripeClient, simulator: Simulator, open_session: OpenSession, submit: Submit
) -> None:
	session = open_session()
	asked = submit(session, AUTHENTICATED_CARD)
	assert submit(session).headers["Location"].endswith(session.id)
	assert answer(simulator, asked, "confirm").headers["Location"].endswith(session.id)
	assert [charge.paid for charge in client.v1.charges.list().data] == [True]


def test_an_expired_session_ends_the_question(
	client: stripe.StripeClient, simulator: Simulator, open_session: OpenSession, submit: Submit
) -> None:
	session = open_session()
	asked = submit(session, AUTHENTICATED_CARD)
	client.v1.checkout.sessions.expire(session.id)
	back = answer(simulator, asked, "confirm")
	page = requests.get(f"{simulator.url}{back.headers['Location']}", timeout=10)
	assert (page.status_code, client.v1.charges.list().data) == (410, [])


def test_an_unknown_payment_has_a_proper_page(simulator: Simulator) -> None:
	for method in ("GET", "POST"):
		page = requests.request(method, f"{simulator.url}/c/authenticate/pi_unknown", timeout=10)
		assert page.status_code == 404
		assert "There is nothing to pay here" in page.text
