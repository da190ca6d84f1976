"""Every object parses in the library's own classes and has the shape of the reference events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import stripe

from .conftest import OpenSession, Submit
from .receiver import Receiver
from .shapes import problems_of

REFERENCES = sorted((Path(__file__).parent / "reference_events").glob("*.json"))


def raw(thing: stripe.StripeObject) -> dict[str, Any]:
	return json.loads(thing.last_response.body)


def keys_of(value: Any, path: str = "") -> set[str]:
	if not isinstance(value, dict) or path.endswith("metadata"):
		return set()
	return {f"{path}.{key}" for key in value}.union(*(keys_of(value[key], f"{path}.{key}") for key in value))


def test_every_resource_and_list_parses_without_unknown_or_missing_fields(
	client: stripe.StripeClient, open_session: OpenSession, submit: Submit
) -> None:
	customer = client.v1.customers.create(
		{"email": "ada@example.com", "name": "Ada", "metadata": {"company": "Nordlicht"}}
	)
	session = open_session(customer=customer.id, metadata={"topup": "T-1"})
	submit(session, "4000 0000 0000 0002")
	declined = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
	submit(session)
	paid = client.v1.checkout.sessions.retrieve(
		session.id,
		{
			"expand": [
				"payment_intent.latest_charge",
				"payment_intent.payment_method",
				"customer",
				"line_items",
			]
		},
	)
	answers = [
		customer,
		session,
		declined,
		paid,
		client.v1.checkout.sessions.line_items.list(session.id),
		client.v1.payment_intents.retrieve(paid.payment_intent.id),
		client.v1.charges.retrieve(paid.payment_intent.latest_charge.id),
		client.v1.customers.list(),
		client.v1.checkout.sessions.list(),
		client.v1.payment_intents.list(),
		client.v1.charges.list(),
		client.v1.events.list(),
	]
	assert [problem for answer in answers for problem in problems_of(raw(answer))] == []


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda path: path.stem)
def test_an_event_has_exactly_the_keys_of_its_reference(
	reference: Path,
	client: stripe.StripeClient,
	receiver: Receiver,
	open_session: OpenSession,
	submit: Submit,
) -> None:
	customer = client.v1.customers.create({"email": "ada@example.com"})
	session = open_session(customer=customer.id)
	submit(session, "4000 0000 0000 9995")
	submit(session)
	client.v1.checkout.sessions.expire(open_session(customer=customer.id).id)

	expected = json.loads(reference.read_text())
	[received] = receiver.wait_for(expected["type"])
	event = json.loads(received.body)
	assert problems_of(event) == []
	assert keys_of(event) == keys_of(expected)


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda path: path.stem)
def test_the_references_themselves_have_no_problems(reference: Path) -> None:
	assert problems_of(json.loads(reference.read_text())) == []


def test_the_check_finds_unknown_missing_null_and_wrongly_typed_fields_at_any_depth() -> None:
	event = json.loads((REFERENCES[0].parent / "charge.succeeded.json").read_text())
	charge = event["data"]["object"]
	del charge["paid"]
	charge["amount"] = True
	charge["currency"] = None
	charge["outcome"]["surprise"] = 1
	charge["payment_method_details"]["card"]["checks"]["cvc_check"] = 3
	assert sorted(problem.partition(":")[0] for problem in problems_of(event)) == [
		"charge.amount",
		"charge.currency",
		"charge.outcome.surprise",
		"charge.paid",
		"charge.payment_method_details.card.checks.cvc_check",
	]
