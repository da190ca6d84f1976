"""Disputes and inquiries, from the bank's first word to its last."""

from __future__ import annotations

import pytest
import requests
import stripe

from stripe_simulator.server import Simulator

from .conftest import Control, OpenSession, Pay, Submit
from .receiver import Receiver


def moved(dispute: stripe.Dispute) -> list[tuple[int, int, int]]:
	return [(booked.amount, booked.fee, booked.net) for booked in dispute.balance_transactions]


def test_a_dispute_takes_the_money_and_a_fee_at_once(
	client: stripe.StripeClient, pay: Pay, control: Control, receiver: Receiver
) -> None:
	intent = pay()
	made = control("POST", "disputes", payment_intent=intent.id)
	dispute = client.v1.disputes.retrieve(made["id"])
	assert (dispute.status, dispute.reason, dispute.amount, dispute.charge, dispute.payment_intent) == (
		"needs_response",
		"fraudulent",
		5000,
		intent.latest_charge,
		intent.id,
	)
	assert moved(dispute) == [(-5000, 2000, -7000)]
	assert client.v1.charges.retrieve(intent.latest_charge).disputed is True
	created, withdrawn = receiver.wait_for("charge.dispute.created", "charge.dispute.funds_withdrawn")
	assert created.event["data"]["object"]["id"] == withdrawn.event["data"]["object"]["id"] == dispute.id
	assert created.event["request"]["id"] is None


def test_a_won_dispute_returns_the_money_but_not_the_fee(
	client: stripe.StripeClient, pay: Pay, control: Control, receiver: Receiver
) -> None:
	dispute = control("POST", "disputes", charge=pay().latest_charge)["id"]
	control("POST", f"disputes/{dispute}/win")
	won = client.v1.disputes.retrieve(dispute)
	assert (won.status, moved(won)) == ("won", [(-5000, 2000, -7000), (5000, 0, 5000)])
	closed, reinstated = receiver.wait_for("charge.dispute.closed", "charge.dispute.funds_reinstated")
	assert closed.event["data"]["object"]["status"] == "won"
	assert closed.event["data"]["previous_attributes"] == {"status": "needs_response"}
	assert len(reinstated.event["data"]["previous_attributes"]["balance_transactions"]) == 1


def test_a_lost_dispute_leaves_the_money_away(
	client: stripe.StripeClient, pay: Pay, control: Control, receiver: Receiver
) -> None:
	dispute = control("POST", "disputes", charge=pay().latest_charge)["id"]
	control("POST", f"disputes/{dispute}/lose")
	lost = client.v1.disputes.retrieve(dispute)
	assert (lost.status, moved(lost)) == ("lost", [(-5000, 2000, -7000)])
	[closed] = receiver.wait_for("charge.dispute.closed")
	assert closed.event["data"]["object"]["status"] == "lost"
	assert "charge.dispute.funds_reinstated" not in receiver.types()


def test_an_inquiry_moves_no_money_and_may_just_end(
	client: stripe.StripeClient, pay: Pay, control: Control, receiver: Receiver
) -> None:
	dispute = control("POST", "disputes", charge=pay().latest_charge, inquiry="true")["id"]
	inquiry = client.v1.disputes.retrieve(dispute)
	assert (inquiry.status, moved(inquiry)) == ("warning_needs_response", [])
	control("POST", f"disputes/{dispute}/close")
	receiver.wait_for("charge.dispute.created", "charge.dispute.closed")
	assert "charge.dispute.funds_withdrawn" not in receiver.types()
	assert client.v1.disputes.retrieve(dispute).status == "warning_closed"


def test_an_inquiry_may_become_a_dispute(
	client: stripe.StripeClient, pay: Pay, control: Control, receiver: Receiver
) -> None:
	dispute = control("POST", "disputes", charge=pay().latest_charge, inquiry="true")["id"]
	control("POST", f"disputes/{dispute}/escalate")
	receiver.wait_for("charge.dispute.updated", "charge.dispute.funds_withdrawn")
	escalated = client.v1.disputes.retrieve(dispute)
	assert (escalated.status, moved(escalated)) == ("needs_response", [(-5000, 2000, -7000)])
	assert escalated.payment_method_details.card.case_type == "chargeback"


def test_a_part_of_a_charge_may_be_disputed(pay: Pay, control: Control) -> None:
	dispute = control(
		"POST", "disputes", charge=pay().latest_charge, amount=1234, reason="product_not_received"
	)
	assert (dispute["amount"], dispute["reason"]) == (1234, "product_not_received")
	assert dispute["balance_transactions"][0]["amount"] == -1234


@pytest.mark.parametrize(
	("token", "reason", "status"),
	[
		("pm_card_createDispute", "fraudulent", "needs_response"),
		("pm_card_createDisputeProductNotReceived", "product_not_received", "needs_response"),
		("pm_card_createDisputeInquiry", "fraudulent", "warning_needs_response"),
	],
)
def test_the_disputing_test_cards_pay_and_are_disputed(
	token: str, reason: str, status: str, client: stripe.StripeClient, pay: Pay
) -> None:
	intent = pay(token)
	assert intent.status == "succeeded"
	[dispute] = client.v1.disputes.list({"payment_intent": intent.id}).data
	assert (dispute.reason, dispute.status) == (reason, status)


def test_the_disputing_card_works_on_the_checkout_page(
	client: stripe.StripeClient, open_session: OpenSession, submit: Submit, receiver: Receiver
) -> None:
	session = open_session()
	assert submit(session, "4000 0000 0000 0259").status_code == 303
	[dispute] = receiver.wait_for("charge.dispute.created")
	paid = client.v1.checkout.sessions.retrieve(session.id)
	assert dispute.event["data"]["object"]["payment_intent"] == paid.payment_intent


def test_evidence_is_sent_to_the_bank_or_kept_for_later(
	client: stripe.StripeClient, pay: Pay, control: Control, receiver: Receiver
) -> None:
	dispute = control("POST", "disputes", charge=pay().latest_charge)["id"]
	evidence = {"customer_name": "Ada Lovelace", "uncategorized_text": "It was used."}
	kept = client.v1.disputes.update(dispute, {"evidence": evidence, "submit": False})
	assert (kept.status, kept.evidence_details.has_evidence) == ("needs_response", True)
	sent = client.v1.disputes.update(dispute, {"evidence": evidence})
	assert (sent.status, sent.evidence_details.submission_count) == ("under_review", 1)
	assert sent.evidence.customer_name == "Ada Lovelace"
	receiver.wait_until(lambda: receiver.types().count("charge.dispute.updated") == 2, "both updates")


def test_a_closed_dispute_takes_metadata_but_no_evidence(
	client: stripe.StripeClient, pay: Pay, control: Control, receiver: Receiver
) -> None:
	dispute = control("POST", "disputes", charge=pay().latest_charge)["id"]
	control("POST", f"disputes/{dispute}/lose")
	changed = client.v1.disputes.update(dispute, {"metadata": {"case": "7"}})
	assert (changed.status, changed.metadata.to_dict()) == ("lost", {"case": "7"})
	[updated] = receiver.wait_for("charge.dispute.updated")
	assert updated.event["data"]["previous_attributes"] == {"metadata": {"case": None}}
	with pytest.raises(stripe.InvalidRequestError, match="status of lost"):
		client.v1.disputes.update(dispute, {"evidence": {"customer_name": "Ada"}})


@pytest.mark.parametrize(
	("word", "inquiry", "status"),
	[
		("winning_evidence", "false", "won"),
		("losing_evidence", "false", "lost"),
		("escalate_inquiry_evidence", "true", "needs_response"),
	],
)
def test_stripes_test_words_decide_at_once(
	word: str, inquiry: str, status: str, client: stripe.StripeClient, pay: Pay, control: Control
) -> None:
	dispute = control("POST", "disputes", charge=pay().latest_charge, inquiry=inquiry)["id"]
	after = client.v1.disputes.update(dispute, {"evidence": {"uncategorized_text": word}})
	assert after.status == status


@pytest.mark.parametrize(("inquiry", "status"), [("false", "lost"), ("true", "warning_closed")])
def test_giving_in_closes_a_dispute(
	inquiry: str, status: str, client: stripe.StripeClient, pay: Pay, control: Control
) -> None:
	dispute = control("POST", "disputes", charge=pay().latest_charge, inquiry=inquiry)["id"]
	assert client.v1.disputes.close(dispute).status == status
	with pytest.raises(stripe.InvalidRequestError):
		client.v1.disputes.close(dispute)


def test_what_is_charged_back_cannot_be_refunded_but_what_is_asked_about_can(
	client: stripe.StripeClient, pay: Pay, control: Control
) -> None:
	disputed, asked = pay(), pay()
	control("POST", "disputes", charge=disputed.latest_charge)
	control("POST", "disputes", charge=asked.latest_charge, inquiry="true")
	with pytest.raises(stripe.InvalidRequestError) as caught:
		client.v1.refunds.create({"payment_intent": disputed.id})
	assert caught.value.code == "charge_disputed"
	assert client.v1.refunds.create({"payment_intent": asked.id}).status == "succeeded"


def test_a_step_that_cannot_be_taken_is_refused(simulator: Simulator, pay: Pay, control: Control) -> None:
	intent = pay()
	dispute = control("POST", "disputes", charge=intent.latest_charge)["id"]
	control("POST", f"disputes/{dispute}/win")
	for path, status in (
		(f"disputes/{dispute}/lose", 400),
		(f"disputes/{dispute}/escalate", 400),
		(f"disputes/{dispute}/explode", 404),
		("disputes/du_unknown/win", 404),
	):
		answer = requests.post(f"{simulator.url}/_simulator/{path}", timeout=10)
		assert answer.status_code == status
	again = requests.post(
		f"{simulator.url}/_simulator/disputes", data={"charge": intent.latest_charge}, timeout=10
	)
	assert (again.status_code, "already disputed" in again.json()["error"]) == (400, True)


def test_disputes_are_listed_by_charge_time_and_page(
	client: stripe.StripeClient, pay: Pay, control: Control
) -> None:
	first = control("POST", "disputes", charge=pay().latest_charge)
	control("POST", "clock/advance", seconds=1000)
	second = control("POST", "disputes", charge=pay().latest_charge)
	for filters, expected in (
		({}, [second["id"], first["id"]]),
		({"charge": first["charge"]}, [first["id"]]),
		({"created": {"gte": second["created"]}}, [second["id"]]),
		({"created": {"lt": second["created"]}}, [first["id"]]),
		({"starting_after": second["id"]}, [first["id"]]),
	):
		assert [dispute.id for dispute in client.v1.disputes.list(filters).data] == expected
	page = client.v1.disputes.list({"limit": 1, "expand": ["data.charge"]})
	assert (page.has_more, page.data[0].charge.disputed) == (True, True)
