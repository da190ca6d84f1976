"""Money that goes back: by staff, at Stripe's dashboard or by the customer's bank, from the balance exactly once."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from itertools import permutations

import frappe
import pytest
import stripe

from prepaid_billing import ledger, status
from prepaid_billing.calls import session, stops
from prepaid_billing.exceptions import AccountBlocked, InsufficientBalance
from prepaid_billing.ledger import balance_of
from prepaid_billing.ledger.verify import verify
from prepaid_billing.payments import (
	books,
	claims,
	gateway,
	issuing,
	keys,
	reconcile,
	refunds,
	takeback,
	topups,
)
from prepaid_billing.payments.takeback import Claim
from prepaid_billing.permissions import STAFF
from tests import factories, site
from tests.books import entries_of
from tests.client import Api
from tests.factories import make_company, new_id
from tests.integration.test_topup import eventually, post
from tests.stripe_checkout import (
	as_body,
	events_of,
	pay,
	signature,
	simulate,
	webhooks_paused,
)


@pytest.fixture(scope="module")
def manager() -> Api:
	"""A manager with an API key."""
	return Api(factories.api_key_of(factories.make_manager()[0]))


@pytest.fixture
def no_webhooks() -> Iterator[None]:
	"""Stripe's own posts wait, so that the test posts them itself."""
	with webhooks_paused():
		yield


def paid(amount: str = "50", company: str | None = None) -> tuple[str, frappe._dict]:
	"""A company and its top-up, paid and credited."""
	company = company or make_company()
	created = topups.create(company, Decimal(amount))
	assert pay(created["checkout_url"]).status_code == 303
	topups.refresh(created["topup"])
	site.fresh()
	return company, topups.find(created["topup"])


def topup_fields(name: str, *fields: str) -> list:
	site.fresh()
	return list(frappe.get_all("Balance Topup", {"name": name}, fields, as_list=True)[0])


def balance(company: str) -> Decimal:
	site.fresh()
	return balance_of(company).balance


def test_staff_give_a_part_back_and_stripes_events_of_it_book_nothing_more(manager: Api) -> None:
	company, topup = paid()
	done = manager.ok(
		"topup.refund", topup=topup.name, amount="20", reason="goodwill", idempotency_key=new_id()
	)
	assert (done["status"], done["amount"], done["taken_from_balance"]) == (
		"Succeeded",
		"20.000000",
		"20.000000",
	)
	events = events_of(topup.checkout_session_id)
	assert {event["type"] for event in events} >= {"refund.created", "charge.refunded"}
	for event in events * 2:
		assert post(as_body(event), signature(as_body(event))) == 200
	assert entries_of(company) == ["Top-up 50.0", "Refund -20.0"]
	assert topup_fields(topup.name, "status", "amount_refunded", "taken_back") == ["Partly Refunded", 20, 20]


def test_the_same_refund_again_asks_for_nothing_more_and_another_one_is_refused(manager: Api) -> None:
	company, topup = paid()
	asked = {"topup": topup.name, "amount": "20", "reason": "goodwill", "idempotency_key": new_id()}
	first = manager.ok("topup.refund", **asked)
	assert manager.ok("topup.refund", **asked) == first
	answer = manager.post("topup.refund", **{**asked, "amount": "21"})
	assert (answer.status_code, answer.json()["code"]) == (409, "DUPLICATE")
	assert balance(company) == 30


def test_eight_refunds_with_one_key_at_once_are_one(manager: Api) -> None:
	company, topup = paid()
	asked = {"topup": topup.name, "amount": "20", "reason": "goodwill", "idempotency_key": new_id()}
	with ThreadPoolExecutor(8) as pool:
		answers = list(pool.map(lambda _n: manager.post("topup.refund", **asked), range(8)))
	assert {answer.status_code for answer in answers} <= {200, 503}
	assert manager.ok("topup.refund", **asked)["status"] == "Succeeded"
	assert entries_of(company) == ["Top-up 50.0", "Refund -20.0"]


def test_without_an_amount_all_that_is_left_goes_back(manager: Api) -> None:
	company, topup = paid()
	manager.ok("topup.refund", topup=topup.name, amount="20", reason="a part", idempotency_key=new_id())
	manager.ok("topup.refund", topup=topup.name, reason="the rest", idempotency_key=new_id())
	assert topup_fields(topup.name, "status", "amount_refunded") == ["Refunded", 50]
	assert balance(company) == 0
	answer = manager.post("topup.refund", topup=topup.name, reason="more", idempotency_key=new_id())
	assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_AMOUNT")


@pytest.mark.parametrize(
	"change,status,code",
	[
		({"amount": "50.01"}, 422, "INVALID_AMOUNT"),
		({"amount": "0"}, 422, "INVALID_AMOUNT"),
		({"amount": "-1"}, 422, "INVALID_AMOUNT"),
		({"amount": "10.001"}, 422, "INVALID_AMOUNT"),
		({"reason": " "}, 422, "INVALID_INPUT"),
		({"idempotency_key": None}, 422, "INVALID_INPUT"),
		({"topup": "none"}, 404, "UNKNOWN_TOPUP"),
	],
)
def test_a_refund_that_cannot_be_is_refused(manager: Api, change: dict, status: int, code: str) -> None:
	company, topup = paid()
	asked = {"topup": topup.name, "amount": "20", "reason": "goodwill", "idempotency_key": new_id(), **change}
	answer = manager.post("topup.refund", **asked)
	assert (answer.status_code, answer.json()["code"]) == (status, code)
	assert balance(company) == 50


def test_what_was_spent_is_not_refunded_by_staff_and_an_unpaid_top_up_neither() -> None:
	company, topup = paid()
	ledger.debit(company, Decimal(40), transaction_type="Adjustment", key=f"adjustment:{company}:{new_id()}")
	with pytest.raises(InsufficientBalance):
		refunds.request(topup.name, Decimal(20), "goodwill", new_id())
	unpaid = topups.create(company, Decimal(50))["topup"]
	with pytest.raises(refunds.InvalidInput):
		refunds.request(unpaid, None, "goodwill", new_id())
	assert balance(company) == 10


def test_customers_and_the_gateway_refund_nothing(gateway: Api) -> None:
	company, topup = paid()
	asked = {"topup": topup.name, "amount": "20", "reason": "goodwill", "idempotency_key": new_id()}
	for caller in (gateway, Api(factories.make_api_customer(company))):
		assert caller.post("topup.refund", **asked).status_code == 403


def test_a_refund_at_the_dashboard_is_booked_once_by_its_webhooks() -> None:
	company, topup = paid()
	simulate("refunds", payment_intent=topup.payment_intent_id, amount=2000)
	eventually(lambda: balance(company) == 30)
	simulate("refunds", payment_intent=topup.payment_intent_id)
	eventually(lambda: balance(company) == 0)
	assert entries_of(company) == ["Top-up 50.0", "Refund -20.0", "Refund -30.0"]
	assert topup_fields(topup.name, "status") == ["Refunded"]


def test_a_refund_that_fails_days_later_is_given_back() -> None:
	company, topup = paid()
	done = refunds.request(topup.name, Decimal(20), "goodwill", new_id())
	stripe_id = frappe.db.get_value("Billing Refund", done["refund"], "stripe_refund_id")
	simulate(f"refunds/{stripe_id}/fail")
	eventually(lambda: balance(company) == 50)
	assert entries_of(company) == ["Top-up 50.0", "Refund -20.0", "Refund 20.0"]
	assert topup_fields(topup.name, "status", "amount_refunded") == ["Paid", 0]


def test_a_refund_beyond_the_balance_is_booked_flagged_and_stops_calls() -> None:
	company, topup = paid()
	ledger.debit(company, Decimal(40), transaction_type="Adjustment", key=f"adjustment:{company}:{new_id()}")
	simulate("refunds", payment_intent=topup.payment_intent_id, amount=2000)
	eventually(lambda: balance(company) == -10)
	assert frappe.get_all("Billing Refund", {"topup": topup.name}, pluck="beyond_balance") == [1]
	with pytest.raises(InsufficientBalance):
		session.authorize(new_id(), company)


@pytest.mark.usefixtures("no_webhooks")
def test_a_refund_heard_of_before_its_payment_credits_first() -> None:
	company = make_company()
	created = topups.create(company, Decimal(50))
	pay(created["checkout_url"])
	site.fresh()
	checkout = topups.find(created["topup"]).checkout_session_id
	intent = topups.gateway.session_facts(checkout).payment_intent_id
	simulate("refunds", payment_intent=intent, amount=2000)
	refund = next(event for event in events_of(checkout) if event["type"] == "refund.created")
	assert post(as_body(refund), signature(as_body(refund))) == 200
	assert entries_of(company) == ["Top-up 50.0", "Refund -20.0"]


def test_a_refund_of_a_payment_that_is_not_ours_is_ignored() -> None:
	company, topup = paid()
	simulate("refunds", payment_intent=topup.payment_intent_id, amount=2000)
	eventually(lambda: balance(company) == 30)
	event = next(row for row in events_of(topup.checkout_session_id) if row["type"] == "refund.created")
	event["id"], event["data"]["object"]["payment_intent"] = f"evt_{new_id()}", "pi_of_somebody_else"
	assert post(as_body(event), signature(as_body(event))) == 200
	site.fresh()
	assert frappe.db.get_value("Stripe Event", {"event_id": event["id"]}, "status") == "Ignored"


def disputed(topup: frappe._dict, **form: object) -> str:
	return simulate("disputes", payment_intent=topup.payment_intent_id, **form)["id"]


def test_a_dispute_takes_the_money_stops_calls_and_gives_it_back_when_won() -> None:
	company, topup = paid()
	factories.give(company, "10")
	dispute = disputed(topup)
	eventually(lambda: balance(company) == 10)
	assert topup_fields(topup.name, "status", "taken_back") == ["Disputed", 50]
	with pytest.raises(AccountBlocked):
		session.authorize(new_id(), company)
	simulate(f"disputes/{dispute}/win")
	eventually(lambda: balance(company) == 60)
	assert entries_of(company)[2:] == ["Dispute -50.0", "Dispute Reversal 50.0"]
	assert topup_fields(topup.name, "status") == ["Paid"]
	assert session.authorize(new_id(), company)["granted_seconds"] == 60


def test_a_lost_dispute_stays_taken() -> None:
	company, topup = paid()
	simulate(f"disputes/{disputed(topup)}/lose")
	eventually(lambda: frappe.get_all("Billing Dispute", {"topup": topup.name}, pluck="status") == ["Lost"])
	assert entries_of(company) == ["Top-up 50.0", "Dispute -50.0"]


def status_of_dispute(topup: frappe._dict) -> list[str]:
	site.fresh()
	return frappe.get_all("Billing Dispute", {"topup": topup.name}, pluck="status")


TURNS = ["Dispute -50.0", "Dispute Reversal 50.0"]


@pytest.mark.parametrize("end,turned", [("win", 3), ("lose", 2)])
def test_a_dispute_that_is_turned_after_its_end_is_booked_once_each_time(end: str, turned: int) -> None:
	company, topup = paid()
	factories.give(company, "10")
	dispute = disputed(topup)
	# Were its end heard of first, it would never have taken anything.
	eventually(lambda: status_of_dispute(topup) == ["Open"])
	simulate(f"disputes/{dispute}/{end}")
	eventually(lambda: status_of_dispute(topup) == [{"win": "Won", "lose": "Lost"}[end]])
	for turn in range(turned, turned + 3):
		simulate(f"disputes/{dispute}/turn")
		eventually(lambda turn=turn: len(entries_of(company)) == 2 + turn)
	assert entries_of(company)[2:] == (TURNS * 3)[: turned + 2]
	for event in events_of(topup.checkout_session_id):
		assert post(as_body(event), signature(as_body(event))) == 200
	assert entries_of(company)[2:] == (TURNS * 3)[: turned + 2]


@pytest.mark.usefixtures("no_webhooks")
def test_any_order_of_a_dispute_that_is_turned_ends_as_stripe_has_it() -> None:
	for ends in (("win", "turn"), ("lose", "turn"), ("win", "turn", "turn")):
		company, topup = paid()
		dispute = disputed(topup)
		for step in ends:
			simulate(f"disputes/{dispute}/{step}")
		events = [
			row for row in events_of(topup.checkout_session_id) if row["type"].startswith("charge.disp")
		]
		random.Random(4).shuffle(events)
		for event in [*events, *events]:
			event["id"] = f"evt_{new_id()}"
			assert post(as_body(event), signature(as_body(event))) == 200
		status = status_of_dispute(topup)
		assert status == [{2: {"win": "Lost", "lose": "Won"}[ends[0]], 3: "Won"}[len(ends)]]
		assert balance(company) == (50 if status == ["Won"] else 0)


def is_known(claim: Claim) -> bool:
	"""Whether the books hold a dispute as it is told of."""
	known = books.known_claims("dispute", [claim.stripe_id])
	return known == {claim.stripe_id: (claim.status, claim.amount)}


@pytest.mark.usefixtures("no_webhooks")
def test_a_dispute_whose_amount_changes_takes_what_stripe_has_now() -> None:
	for earlier in ("10", "30"):
		company, topup = paid()
		dispute = gateway.claim("dispute", disputed(topup, amount=2000))
		assert dispute
		refunds.hear(topup.name, [replace(dispute, amount=Decimal(earlier))])
		assert (balance(company), is_known(dispute)) == (50 - Decimal(earlier), False)
		refunds.hear(topup.name, [dispute])
		refunds.hear(topup.name, [replace(dispute, amount=Decimal(earlier))])
		assert (balance(company), is_known(dispute)) == (30, True)


@pytest.mark.usefixtures("no_webhooks")
def test_a_dispute_that_was_read_at_stripe_before_another_report_came_is_read_again() -> None:
	company, topup = paid()
	dispute = disputed(topup)
	simulate(f"disputes/{dispute}/win")
	refunds.hear(topup.name, [gateway.claim("dispute", dispute)])
	known = claims.reports_of(gateway.claim("dispute", dispute))
	simulate(f"disputes/{dispute}/turn")
	read = replace(gateway.claim("dispute", dispute), read_after=known)
	simulate(f"disputes/{dispute}/turn")
	refunds.hear(topup.name, [gateway.claim("dispute", dispute)])
	with pytest.raises(takeback.Turned):
		claims.apply(topup.name, [read])
	refunds.hear(topup.name, [read])
	assert balance(company) == 50


def test_an_inquiry_moves_no_money_until_it_becomes_a_dispute() -> None:
	company, topup = paid()
	dispute = disputed(topup, inquiry="true")
	eventually(
		lambda: frappe.get_all("Billing Dispute", {"topup": topup.name}, pluck="status") == ["Inquiry"]
	)
	assert balance(company) == 50
	simulate(f"disputes/{dispute}/escalate")
	eventually(lambda: balance(company) == 0)


def set_mode(topup: str, livemode: int) -> None:
	"""Let a payment, and what was taken back of it, be of the other mode."""
	for doctype, column in (
		("Balance Topup", "name"),
		("Billing Refund", "topup"),
		("Billing Dispute", "topup"),
	):
		frappe.db.sql(f"UPDATE `tab{doctype}` SET livemode = %s WHERE {column} = %s", (livemode, topup))
	frappe.db.commit()


def test_a_dispute_stops_calls_in_its_own_mode_alone(monkeypatch: pytest.MonkeyPatch) -> None:
	company, topup = paid()
	factories.give(company, "10")
	disputed(topup)
	eventually(lambda: status_of_dispute(topup) == ["Open"])
	assert stops.stops_of([company]) == {company: stops.DISPUTED}
	for key, livemode, expected in (
		("sk_live_ours", 0, ""),
		("sk_live_ours", 1, stops.DISPUTED),
		("sk_test_ours", 1, ""),
		("sk_test_ours", 0, stops.DISPUTED),
	):
		monkeypatch.setenv("STRIPE_SECRET", key)
		set_mode(topup.name, livemode)
		assert stops.stops_of([company]) == {company: expected}
		assert stops.stop_of(company, "Active") == expected
	set_mode(topup.name, 1)
	assert session.authorize(new_id(), company)["granted_seconds"] == 60
	set_mode(topup.name, 0)


def test_a_dispute_of_another_mode_than_its_payment_is_found() -> None:
	_company, topup = paid()
	claims.apply(topup.name, [Claim(takeback.DISPUTE, new_id("du"), "Open", Decimal(5), "EUR")])
	(dispute,) = frappe.get_all("Billing Dispute", {"topup": topup.name}, pluck="name")
	change = "UPDATE `tabBilling Dispute` SET livemode = 1 - livemode WHERE name = %s"
	frappe.db.sql(change, (dispute,))
	frappe.db.commit()
	found = [(finding.subject, finding.expected, finding.found) for finding in verify()]
	frappe.db.sql(change, (dispute,))
	frappe.db.commit()
	assert found == [(f"Billing Dispute {dispute}", "test", "live")]


def test_without_a_key_a_dispute_of_real_money_stops_calls(monkeypatch: pytest.MonkeyPatch) -> None:
	company, topup = paid()
	disputed(topup)
	eventually(lambda: status_of_dispute(topup) == ["Open"])
	monkeypatch.delenv("STRIPE_SECRET", raising=False)
	monkeypatch.delitem(frappe.conf, "stripe_secret", raising=False)
	assert stops.stop_of(company, "Active") == ""
	set_mode(topup.name, 1)
	assert stops.stop_of(company, "Active") == stops.DISPUTED
	set_mode(topup.name, 0)


def test_by_setting_a_dispute_stops_no_calls() -> None:
	company, topup = paid()
	factories.give(company, "10")
	disputed(topup)
	eventually(lambda: balance(company) == 10)
	frappe.db.set_single_value("Prepaid Billing Settings", "dispute_stops_calls", 0)
	frappe.db.commit()
	try:
		assert session.authorize(new_id(), company)["granted_seconds"] == 60
	finally:
		frappe.db.set_single_value("Prepaid Billing Settings", "dispute_stops_calls", 1)
		frappe.db.commit()


def test_a_dispute_of_money_that_was_refunded_takes_nothing_more() -> None:
	company, topup = paid()
	refunds.request(topup.name, Decimal(20), "goodwill", new_id())
	disputed(topup)
	eventually(lambda: balance(company) == 0)
	assert entries_of(company) == ["Top-up 50.0", "Refund -20.0", "Dispute -30.0"]


def test_a_refund_that_stripe_was_not_reached_for_goes_on_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
	company, topup = paid()
	with monkeypatch.context() as patch:
		patch.setitem(frappe.conf, "stripe_api_base", "http://127.0.0.1:9")
		with pytest.raises(refunds.TryAgain):
			refunds.request(topup.name, Decimal(20), "goodwill", "unreached-" + company.replace(" ", "-"))
	assert balance(company) == 30
	assert topup_fields(topup.name, "status", "amount_refunded") == ["Partly Refunded", 20]
	refunds.complete_planned()
	assert frappe.get_all("Billing Refund", {"topup": topup.name}, pluck="status") == ["Succeeded"]
	assert balance(company) == 30


@pytest.mark.usefixtures("no_webhooks")
def test_a_refund_whose_answer_was_lost_is_found_when_stripe_may_have_forgotten_its_key() -> None:
	company, topup = paid()
	done = refunds.request(topup.name, Decimal(20), "goodwill", new_id())
	forget = "UPDATE `tabBilling Refund` SET status = 'Planned', stripe_refund_id = NULL WHERE name = %s"
	frappe.db.sql(forget, (done["refund"],))
	frappe.db.commit()
	with site.later(86_400):
		refunds.complete(done["refund"])
	assert frappe.get_all("Billing Refund", {"topup": topup.name}, pluck="status") == ["Succeeded"]
	assert entries_of(company) == ["Top-up 50.0", "Refund -20.0"]


def test_a_refund_that_stripe_never_received_is_given_back_after_a_day(
	monkeypatch: pytest.MonkeyPatch,
) -> None:
	company, topup = paid()
	with monkeypatch.context() as patch:
		patch.setitem(frappe.conf, "stripe_api_base", "http://127.0.0.1:9")
		with pytest.raises(refunds.TryAgain):
			refunds.request(topup.name, Decimal(20), "goodwill", new_id())
	with site.later(86_400):
		refunds.complete_planned()
	assert entries_of(company) == ["Top-up 50.0", "Refund -20.0", "Refund 20.0"]
	assert topup_fields(topup.name, "status") == ["Paid"]


@pytest.mark.usefixtures("no_webhooks")
def test_a_refund_that_stripe_refuses_is_given_back_and_what_was_done_elsewhere_is_learnt() -> None:
	company, topup = paid()
	simulate("refunds", payment_intent=topup.payment_intent_id, amount=4000)
	done = refunds.request(topup.name, Decimal(20), "goodwill", new_id())
	assert done["status"] == "Failed" and done["failure_reason"]
	assert balance(company) == 10
	assert topup_fields(topup.name, "status", "amount_refunded") == ["Partly Refunded", 40]


@pytest.mark.usefixtures("no_webhooks")
def test_a_refusal_that_cannot_be_checked_in_stripes_list_leaves_the_refund_planned() -> None:
	company, topup = paid()
	simulate("refunds", payment_intent=topup.payment_intent_id, amount=4000)
	simulate("faults", kind="error_before", method="GET", path="/v1/refunds", times=3)
	with pytest.raises(refunds.TryAgain):
		refunds.request(topup.name, Decimal(20), "goodwill", new_id())
	assert balance(company) == 30
	refunds.complete_planned()
	assert (
		frappe.get_all("Billing Refund", {"topup": topup.name}, pluck="status", order_by="creation")[0]
		== "Failed"
	)
	assert balance(company) == 10


def test_what_is_planned_and_what_was_never_reversed_is_found_by_an_index() -> None:
	for query in (
		refunds._PLANNED.format("livemode") % 0,
		refunds._PLANNED.format("topup") % "'x'",
		issuing._WITHOUT_REVERSAL,
	):
		plan = frappe.db.sql(f"EXPLAIN {query}", as_dict=True)
		# The few refunds of one top-up may as well be found by it, and then be sorted.
		assert plan[0].type.partition("|")[0] in ("ref", "range"), plan
		is_small = query == issuing._WITHOUT_REVERSAL or plan[0].key.partition("|")[0] == "topup"
		assert "filesort" not in plan[0].Extra or is_small, plan


def lose_answer(topup: str, amount: int) -> None:
	"""Plan a refund in another connection; Stripe makes it, but its answer is lost."""
	simulate("faults", kind="cut_after", method="POST", path="/v1/refunds", times=3)
	with ThreadPoolExecutor(1) as pool:
		asked = pool.submit(_request, topup, amount)
		with pytest.raises(refunds.TryAgain):
			asked.result()


def _request(topup: str, amount: int) -> None:
	with site.connected():
		refunds.request(topup, Decimal(amount), "goodwill", new_id())


@pytest.mark.usefixtures("no_webhooks")
def test_a_refund_of_ours_that_stripe_tells_of_first_is_taken_once_also_by_a_reader_of_the_past() -> None:
	company, topup = paid()
	topups.find(topup.name)  # opens the view of the past
	lose_answer(topup.name, 20)
	refunds.hear(topup.name, gateway.refunds_of(topup.payment_intent_id))
	assert entries_of(company) == ["Top-up 50.0", "Refund -20.0"]
	assert frappe.get_all("Billing Refund", {"topup": topup.name}, pluck="status") == ["Succeeded"]


@pytest.mark.usefixtures("no_webhooks")
def test_a_refund_of_ours_that_does_not_say_so_is_known_by_asking_for_it_again() -> None:
	company, topup = paid()
	topups.find(topup.name)  # opens the view of the past
	lose_answer(topup.name, 20)
	told = [replace(one, record="") for one in gateway.refunds_of(topup.payment_intent_id)]
	refunds.hear(topup.name, told)
	assert entries_of(company) == ["Top-up 50.0", "Refund -20.0"]
	assert frappe.get_all("Billing Refund", {"topup": topup.name}, pluck="status") == ["Succeeded"]


@pytest.mark.usefixtures("no_webhooks")
def test_under_the_lock_stripes_refund_is_the_planned_one_that_it_names() -> None:
	company, topup = paid()
	lose_answer(topup.name, 20)
	site.fresh()
	told = gateway.refunds_of(topup.payment_intent_id)
	with pytest.raises(refunds.TryAgain):
		claims.apply(topup.name, [replace(one, record="") for one in told])
	claims.apply(topup.name, told)
	assert entries_of(company) == ["Top-up 50.0", "Refund -20.0"]
	refunds.complete_planned()
	assert frappe.get_all("Billing Refund", {"topup": topup.name}, pluck="status") == ["Succeeded"]


@pytest.mark.usefixtures("no_webhooks")
def test_a_refund_that_was_made_though_stripe_answered_with_an_error_is_found() -> None:
	company, topup = paid()
	simulate("faults", kind="error_after", method="POST", path="/v1/refunds")
	done = refunds.request(topup.name, Decimal(20), "goodwill", new_id())
	assert (done["status"], done["taken_from_balance"]) == ("Succeeded", "20.000000")
	assert entries_of(company) == ["Top-up 50.0", "Refund -20.0"]


def test_only_a_refund_that_is_planned_is_told_to_be(manager: Api) -> None:
	company, topup = paid()
	asked = {"topup": topup.name, "amount": "20", "reason": "goodwill", "idempotency_key": new_id()}
	simulate("faults", kind="error_before", method="POST", path="/v1/refunds", times=3)
	answer = manager.post("topup.refund", **asked)
	assert (answer.status_code, answer.json()["code"], balance(company)) == (503, "REFUND_PLANNED", 30)
	assert manager.ok("topup.refund", **asked)["status"] == "Succeeded"
	assert entries_of(company) == ["Top-up 50.0", "Refund -20.0"]


@pytest.mark.usefixtures("no_webhooks")
def test_a_refund_that_cannot_be_finished_keeps_no_dispute_from_the_books() -> None:
	company, topup = paid()
	# The error is Stripe's answer to this key for a day, and its list cannot be read either.
	simulate("faults", kind="error_after", method="POST", path="/v1/refunds")
	simulate("faults", kind="error_before", method="GET", path="/v1/refunds", times=6)
	with pytest.raises(refunds.TryAgain):
		refunds.request(topup.name, Decimal(20), "goodwill", new_id())
	claim = gateway.claim("dispute", disputed(topup))
	assert claim
	refunds.hear(topup.name, [claim])
	assert entries_of(company) == ["Top-up 50.0", "Refund -20.0", "Dispute -30.0"]
	refunds.complete_planned()
	assert frappe.get_all("Billing Refund", {"topup": topup.name}, pluck="status") == ["Succeeded"]
	assert balance(company) == 0


@pytest.mark.usefixtures("no_webhooks")
def test_an_answer_to_a_refund_that_nobody_understands_leaves_it_planned(
	monkeypatch: pytest.MonkeyPatch,
) -> None:
	company, topup = paid()
	with monkeypatch.context() as patch:
		patch.delitem(takeback._REFUND, "succeeded")
		with pytest.raises(refunds.TryAgain):
			refunds.request(topup.name, Decimal(20), "goodwill", new_id())
	assert frappe.get_all("Billing Refund", {"topup": topup.name}, pluck="status") == ["Planned"]
	refunds.complete_planned()
	assert entries_of(company) == ["Top-up 50.0", "Refund -20.0"]


@pytest.mark.usefixtures("no_webhooks")
def test_a_refund_whose_answer_was_lost_stays_planned_under_a_key_that_stripe_does_not_take(
	monkeypatch: pytest.MonkeyPatch,
) -> None:
	company, topup = paid()
	lose_answer(topup.name, 20)
	site.fresh()
	with monkeypatch.context() as patch:
		patch.setitem(frappe.conf, "stripe_secret", "sk_test_rolled")
		with pytest.raises(refunds.TryAgain):
			refunds.complete_planned()
	site.fresh()
	assert frappe.get_all("Billing Refund", {"topup": topup.name}, pluck="status") == ["Planned"]
	refunds.complete_planned()
	assert entries_of(company) == ["Top-up 50.0", "Refund -20.0"]


def waiting_refunds() -> int:
	site.fresh()
	(line,) = [line for line in dict(status.overview())["Waiting"] if line.startswith("refunds that Stripe")]
	return int(line.split()[-1])


@pytest.mark.usefixtures("no_webhooks")
def test_a_planned_refund_of_the_other_mode_waits_for_its_own_key() -> None:
	company, topup = paid()
	lose_answer(topup.name, 20)
	waiting = waiting_refunds()
	set_mode(topup.name, 1)
	try:
		refunds.complete_planned()
		(name,) = frappe.get_all("Billing Refund", {"topup": topup.name, "status": "Planned"}, pluck="name")
		refunds.complete(name)
		assert frappe.get_all("Billing Refund", {"topup": topup.name}, pluck="status") == ["Planned"]
		assert waiting_refunds() == waiting - 1
	finally:
		set_mode(topup.name, 0)
	refunds.complete_planned()
	assert entries_of(company) == ["Top-up 50.0", "Refund -20.0"]


@pytest.mark.usefixtures("no_webhooks")
def test_a_refund_that_is_refused_because_it_was_made_is_found() -> None:
	company, topup = paid()
	simulate("faults", kind="error_before", method="POST", path="/v1/refunds", times=3)
	with pytest.raises(refunds.TryAgain):
		refunds.request(topup.name, Decimal(50), "goodwill", new_id())
	(name,) = frappe.get_all("Billing Refund", {"topup": topup.name}, pluck="name")
	# As it stands where Stripe has forgotten the key of a request whose answer was lost.
	client = stripe.StripeClient(keys.secret_key(), base_addresses={"api": site.SIMULATOR_URL})
	client.v1.refunds.create({"payment_intent": topup.payment_intent_id, "metadata": {"refund": name}})
	refunds.complete_planned()
	assert entries_of(company) == ["Top-up 50.0", "Refund -50.0"]
	assert frappe.get_all("Billing Refund", {"topup": topup.name}, pluck="status") == ["Succeeded"]


@pytest.mark.usefixtures("no_webhooks")
@pytest.mark.parametrize("end", ["Lost", "Won"])
def test_a_refund_that_failed_beside_a_dispute_has_taken_nothing_in_any_order(end: str) -> None:
	kinds = (("Billing Refund", "Failed"), ("Billing Dispute", end))
	for order in permutations(range(4)):
		company, topup = paid()
		refund = Claim(takeback.REFUND, new_id("re"), "Succeeded", Decimal(20), "EUR")
		dispute = Claim(takeback.DISPUTE, new_id("du"), "Open", Decimal(50), "EUR")
		told = [refund, replace(refund, status="Failed"), dispute, replace(dispute, status=end)]
		for number in order:
			claims.apply(topup.name, [told[number]])
			assert frappe.db.get_value("Balance Topup", topup.name, "taken_back") == 50 - balance(company)
		ends = [
			frappe.db.get_value(kind, {"topup": topup.name, "status": status}, "booked_amount")
			for kind, status in kinds
		]
		assert (order, balance(company), ends) == (order, *((50, [0, 0]) if end == "Won" else (0, [0, 50])))


def test_status_of_a_topup_lists_what_its_refund_took() -> None:
	_company, topup = paid()
	refunds.request(topup.name, Decimal(20), "goodwill", new_id())
	_title, lines = status.topup(topup.name)
	booked = [line.partition(" at ")[0] for line in lines if line.startswith("booked")]
	assert booked == ["booked 50.000000 EUR as Top-up", "booked -20.000000 EUR as Refund"]


def set_intent(topup: frappe._dict, intent: str) -> None:
	"""Let a payment be one of another Stripe account, or of this one again."""
	frappe.db.sql(
		"UPDATE `tabBalance Topup` SET payment_intent_id = %s WHERE name = %s", (intent, topup.name)
	)
	frappe.db.commit()


def planned(is_made: bool, days: int = 2) -> tuple[str, frappe._dict, str]:
	"""A company, its top-up and a refund of 20 of some days ago, which Stripe has made without an answer to us, or not."""
	company, topup = paid()
	if is_made:
		lose_answer(topup.name, 20)
	else:
		simulate("faults", kind="error_before", method="POST", path="/v1/refunds", times=3)
		with pytest.raises(refunds.TryAgain):
			refunds.request(topup.name, Decimal(20), "goodwill", new_id())
	site.fresh()
	(name,) = frappe.get_all("Billing Refund", {"topup": topup.name}, pluck="name")
	older = "UPDATE `tabBilling Refund` SET planned_us = planned_us - %s WHERE name = %s"
	frappe.db.sql(older, (days * 86_400 * 1_000_000, name))
	frappe.db.commit()
	return company, topup, name


def refund_fields(name: str, *fields: str) -> list:
	site.fresh()
	return list(frappe.get_all("Billing Refund", {"name": name}, fields, as_list=True)[0])


@pytest.mark.usefixtures("no_webhooks")
@pytest.mark.parametrize("is_known", [True, False], ids=["not made", "another account"])
def test_a_planned_refund_that_cannot_go_on_is_stopped_and_given_back_once(
	manager: Api, is_known: bool
) -> None:
	company, topup, name = planned(is_made=not is_known)
	if not is_known:
		set_intent(topup, new_id("pi"))
		with pytest.raises(refunds.TryAgain):
			refunds.complete(name)
		assert (refund_fields(name, "status"), balance(company)) == (["Planned"], 30)
	with ThreadPoolExecutor(8) as pool:
		answers = list(pool.map(lambda _n: manager.ok("topup.stop_refund", refund=name), range(8)))
	assert {answer["status"] for answer in answers} == {"Failed"}
	assert answers[0]["failure_reason"].startswith("Stopped by staff")
	site.fresh()
	refunds.complete_planned()
	assert entries_of(company) == ["Top-up 50.0", "Refund -20.0", "Refund 20.0"]
	assert refund_fields(name, "status", "stripe_refund_id", "booked_amount") == ["Failed", None, 0]
	assert topup_fields(topup.name, "status", "amount_refunded", "taken_back") == ["Paid", 0, 0]
	assert manager.ok("topup.stop_refund", refund=name) == answers[0]


@pytest.mark.usefixtures("no_webhooks")
def test_a_refund_that_stripe_has_made_is_heard_and_not_stopped(manager: Api) -> None:
	company, topup, name = planned(is_made=True)
	answer = manager.ok("topup.stop_refund", refund=name)
	assert (answer["status"], answer["failure_reason"]) == ("Succeeded", "")
	assert entries_of(company) == ["Top-up 50.0", "Refund -20.0"]
	assert topup_fields(topup.name, "status") == ["Partly Refunded"]


@pytest.mark.usefixtures("no_webhooks")
def test_a_refund_that_may_still_go_on_is_not_stopped(manager: Api) -> None:
	company, _topup, young = planned(is_made=False, days=0)
	answer = manager.post("topup.stop_refund", refund=young)
	assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")
	another, _topup, name = planned(is_made=False)
	for kind, times in (("error_before", 3), ("rate_limit", 1)):
		simulate("faults", kind=kind, method="GET", path="/v1/refunds", times=times)
		answer = manager.post("topup.stop_refund", refund=name)
		assert (answer.status_code, answer.json()["code"]) == (503, "TRY_AGAIN")
	frappe.db.sql("UPDATE `tabBilling Refund` SET livemode = 1 WHERE name = %s", (name,))
	frappe.db.commit()
	answer = manager.post("topup.stop_refund", refund=name)
	assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")
	assert "do not mix" in answer.json()["error"]
	frappe.db.sql("UPDATE `tabBilling Refund` SET livemode = 0 WHERE name = %s", (name,))
	frappe.db.commit()
	assert refund_fields(name, "status") == refund_fields(young, "status") == ["Planned"]
	assert balance(company) == balance(another) == 30
	refunds.complete_planned()


@pytest.mark.usefixtures("no_webhooks")
def test_only_managers_stop_a_refund(manager: Api, gateway: Api) -> None:
	company, _topup, name = planned(is_made=False)
	staff = Api(factories.api_key_of(factories.make_user(STAFF)))
	for caller in (gateway, staff, Api(factories.make_api_customer(company))):
		assert caller.post("topup.stop_refund", refund=name).status_code == 403
	answer = manager.post("topup.stop_refund", refund="none")
	assert (answer.status_code, answer.json()["code"]) == (404, "UNKNOWN_REFUND")
	assert balance(company) == 30
	refunds.complete_planned()


@pytest.mark.usefixtures("no_webhooks")
@pytest.mark.parametrize("teller", ["event", "answer", "comparison"])
def test_a_refund_that_stripe_made_and_that_was_stopped_here_is_booked_when_it_is_told_of(
	manager: Api, teller: str
) -> None:
	company, topup, name = planned(is_made=True)
	waiting = refunds.find(name)
	set_intent(topup, new_id("pi"))
	assert manager.ok("topup.stop_refund", refund=name)["status"] == "Failed"
	assert balance(company) == 50
	set_intent(topup, topup.payment_intent_id)
	(told,) = gateway.refunds_of(topup.payment_intent_id)
	assert told.record == name
	for _time in range(2):
		if teller == "event":
			for event in events_of(topup.checkout_session_id):
				if event["type"].startswith("refund."):
					assert post(as_body(event), signature(as_body(event))) == 200
		elif teller == "answer":
			refunds._keep(waiting, told)
		else:
			reconcile.run(days=2)
	assert entries_of(company) == ["Top-up 50.0", "Refund -20.0", "Refund 20.0", "Refund -20.0"]
	assert refund_fields(name, "status", "stripe_refund_id") == ["Failed", None]
	late = frappe.db.get_value("Billing Refund", {"stripe_refund_id": told.stripe_id})
	assert refund_fields(late, "topup", "status", "amount") == [topup.name, "Succeeded", 20]
	assert topup_fields(topup.name, "status", "amount_refunded") == ["Partly Refunded", 20]
	assert [finding for finding in verify() if company in str(finding)] == []


@pytest.mark.usefixtures("no_webhooks")
def test_a_refund_is_stopped_or_completed_but_booked_once_where_both_happen_at_once(manager: Api) -> None:
	for is_made in (True, False):
		company, _topup, name = planned(is_made)
		with ThreadPoolExecutor(6) as pool:
			stopping = [pool.submit(manager.ok, "topup.stop_refund", refund=name) for _n in range(3)]
			completing = [pool.submit(_complete, name) for _n in range(3)]
			assert [one.result() for one in completing] == [None] * 3
			(state,) = {one.result()["status"] for one in stopping}
		assert state == ("Succeeded" if is_made else "Failed")
		assert entries_of(company) == ["Top-up 50.0", "Refund -20.0", *([] if is_made else ["Refund 20.0"])]


def _complete(name: str) -> None:
	with site.connected():
		refunds.complete(name)
