"""What no webhook told is made good by the comparison with Stripe's lists, to the cent; what differs raises an alarm.

Each world is a Stripe of its own, ahead of the clock by more than a window, so that its own holds nothing of other tests;
behind one with disputes, which are followed for long, the next one is farther. Stripe's clock ends in 2038.
"""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import frappe
import pytest
import requests
import stripe

from prepaid_billing import scheduled
from prepaid_billing.exceptions import TryAgain
from prepaid_billing.ledger import balance_of, clock, rows
from prepaid_billing.payments import (
	accepted,
	books,
	gateway,
	installation,
	issuing,
	keys,
	reconcile,
	refunds,
	takeback,
	topups,
)
from prepaid_billing.permissions import STAFF
from tests import factories, site
from tests.client import Api
from tests.factories import make_company, new_id
from tests.integration.test_commands import bench
from tests.integration.test_overview_page import selects
from tests.integration.test_refunds import paid, set_mode
from tests.stripe_checkout import PAYING_CARD

SOURCE = Path(__file__).parents[2]
DAY = 86_400
SEPA_PAYS, SEPA_FAILS = "DE89370400440532013000", "DE62370400440532013001"
REFUND_FAILS_CARD = "4000000000005126"
WINDOW, FOLLOWED = 60 * DAY, 210 * DAY
FOREIGN = {
	"amount": 777,
	"currency": "eur",
	"payment_method": "pm_card_visa",
	"confirm": True,
	"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
}


class World:
	"""A Stripe that posts no webhooks, and a clock that both sides share."""

	begins = FOLLOWED

	def __init__(self, url: str) -> None:
		self.url = url
		self.simulate("reset")
		self.ahead, self.reach = World.begins, WINDOW
		self.simulate("clock/advance", seconds=self.ahead)

	def simulate(self, path: str, /, **form: object) -> dict:
		"""Do what a bank or a person at the dashboard does."""
		if path == "disputes":
			self.reach = FOLLOWED
		answer = requests.post(f"{self.url}/_simulator/{path}", data=form, timeout=30)
		assert answer.ok, answer.text
		return answer.json()

	def end(self) -> None:
		"""Let the next world begin where nothing of this one is looked at any more."""
		World.begins = self.ahead + self.reach

	def pass_days(self, days: int) -> None:
		"""Let time pass on both sides."""
		self.simulate("clock/advance", seconds=days * DAY)
		self.ahead += days * DAY

	@contextmanager
	def now(self) -> Iterator[None]:
		"""Let the product's clock show this world's time."""
		with site.later(self.ahead):
			yield

	def begin(self, company: str, amount: str) -> str:
		"""Begin a top-up and return its name."""
		with self.now():
			return topups.create(company, Decimal(amount))["topup"]

	def pay(self, company: str, amount: str = "50", **form: str) -> str:
		"""Pay a top-up at the Checkout page, unnoticed by us; return its payment intent."""
		session = topups.find(self.begin(company, amount)).checkout_session_id
		fields = {
			"number": PAYING_CARD,
			"expiry": "12/99",
			"cvc": "123",
			"name": "Test",
			"email": "t@example.com",
		}
		answer = requests.post(
			f"{self.url}/c/pay/{session}", data=fields | form, timeout=30, allow_redirects=False
		)
		assert answer.status_code == 303, answer.text
		site.fresh()
		return self.client.v1.checkout.sessions.retrieve(session).payment_intent

	@property
	def client(self) -> stripe.StripeClient:
		return stripe.StripeClient(keys.secret_key(), base_addresses={"api": self.url})

	def reconcile(self, days: int | None = None) -> reconcile.Outcome:
		"""Compare, at this world's time."""
		with self.now():
			outcome = reconcile.run(days)
		site.fresh()
		assert outcome
		return outcome

	def truth(self) -> Decimal:
		"""What Stripe has of ours: paid, less what went back and what banks took, in euros."""
		charges = self.client.v1.charges.list(params={"limit": 100}).data
		refunded = self.client.v1.refunds.list(params={"limit": 100}).data
		disputed = self.client.v1.disputes.list(params={"limit": 100}).data
		minor = sum(charge.amount_captured for charge in charges if charge.status == "succeeded")
		minor -= sum(refund.amount for refund in refunded if refund.status in ("pending", "succeeded"))
		minor -= sum(
			dispute.amount
			for dispute in disputed
			if dispute.status in ("needs_response", "under_review", "lost")
		)
		return Decimal(minor).scaleb(-2)


@pytest.fixture(scope="module")
def simulator(connection: None) -> Iterator[str]:
	"""The address of a Stripe that only this module asks."""
	command = [os.environ["PB_TOOLS_PYTHON"], "-m", "stripe_simulator", "--port", "0"]
	command += ["--secret-key", keys.secret_key(), "--webhook-secret", "whsec_nobody_is_told"]
	with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=SOURCE) as process:
		assert process.stdout
		yield re.search(r"ready at (\S+),", process.stdout.readline())[1]
		process.terminate()


@pytest.fixture
def world(simulator: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
	"""A Stripe of its own for one test; what it leaves unfinished nobody else shall ask another Stripe for."""
	monkeypatch.setitem(frappe.conf, "stripe_api_base", simulator)
	world = World(simulator)
	with world.now():
		began_us = clock.now_us()
	yield world
	world.end()
	site.fresh()
	frappe.db.sql(
		"UPDATE `tabBalance Topup` SET status = 'Expired' WHERE status IN ('Created', 'Processing') AND created_us >= %s",
		(began_us,),
	)
	frappe.db.commit()


def balance(company: str) -> Decimal:
	site.fresh()
	return balance_of(company).balance


def stands(*companies: str) -> list:
	"""Everything in our books of these companies that a comparison might touch."""
	site.fresh()
	return [
		frappe.db.sql(f"SELECT * FROM `tab{doctype}` WHERE {column} IN %s ORDER BY name", (companies,))
		for doctype, column in (
			("Balance Topup", "company"),
			("Billing Refund", "company"),
			("Billing Dispute", "company"),
			("Balance Transaction", "balance"),
			("Prepaid Balance", "name"),
		)
	]


def live_forty_days(world: World, company: str, other: str) -> None:
	"""Let all happen at Stripe that can happen to payments, unheard by us."""
	world.pay(company, "50")
	back = world.pay(company, "100")
	world.simulate("refunds", payment_intent=back, amount=3333)
	world.pay(other, "70", number="", method="sepa_debit", iban=SEPA_PAYS)
	world.pay(other, "80", number="", method="sepa_debit", iban=SEPA_FAILS)
	world.pass_days(10)
	won, lost, waits = (world.pay(other, amount) for amount in ("40", "41", "42"))
	cases = [world.simulate("disputes", payment_intent=intent)["id"] for intent in (won, lost, waits)]
	asked = world.pay(company, "43")
	world.simulate("disputes", payment_intent=asked, inquiry="true")
	world.begin(company, "60")
	world.pass_days(10)
	world.simulate(f"disputes/{cases[0]}/win")
	world.simulate(f"disputes/{cases[1]}/lose")
	failing = world.pay(company, "20", number=REFUND_FAILS_CARD)
	world.simulate("refunds", payment_intent=failing)
	world.simulate("refunds", payment_intent=back)
	world.pass_days(19)
	world.pay(other, "90", number="", method="sepa_debit", iban=SEPA_PAYS)
	refunded_twice = world.pay(company, "30")
	for amount in (1000, 500):
		world.simulate("refunds", payment_intent=refunded_twice, amount=amount)
	world.pass_days(1)


def test_after_forty_days_without_webhooks_the_books_are_equal_again(world: World) -> None:
	company, other = make_company(), make_company()
	live_forty_days(world, company, other)
	assert balance(company) + balance(other) == 0
	outcome = world.reconcile(45)
	assert outcome.differences == []
	assert outcome.healed >= 15
	assert balance(company) + balance(other) == world.truth() > 0
	assert outcome.sums == {"EUR": (world.truth(), world.truth())}
	before = stands(company, other)
	again = world.reconcile(45)
	assert (again.healed, again.differences) == (0, [])
	assert again.compared == outcome.compared
	assert stands(company, other) == before


def test_a_bank_debit_on_its_way_is_credited_when_it_has_arrived(world: World) -> None:
	company = make_company()
	world.pay(company, "70", number="", method="sepa_debit", iban=SEPA_PAYS)
	assert world.reconcile(30).differences == []
	assert balance(company) == 0
	assert frappe.get_all("Balance Topup", {"company": company}, pluck="status") == ["Processing"]
	world.pass_days(6)
	assert world.reconcile(30).differences == []
	assert balance(company) == 70


def test_a_dispute_that_was_open_is_followed_beyond_the_window(world: World) -> None:
	company = make_company()
	dispute = world.simulate("disputes", payment_intent=world.pay(company))["id"]
	world.reconcile(30)
	assert balance(company) == 0
	world.pass_days(100)
	world.simulate(f"disputes/{dispute}/win")
	assert world.reconcile(30).differences == []
	assert balance(company) == 50


def test_a_dispute_under_appeal_stays_taken_and_is_given_back_when_that_is_won(world: World) -> None:
	company = make_company()
	dispute = world.simulate("disputes", payment_intent=world.pay(company))["id"]
	world.simulate(f"disputes/{dispute}/lose")
	world.reconcile(30)
	world.simulate(f"disputes/{dispute}/appeal")
	outcome = world.reconcile(30)
	assert (outcome.healed, outcome.differences, balance(company)) == (0, [], 0)
	world.pass_days(100)
	world.simulate(f"disputes/{dispute}/win")
	assert world.reconcile(30).differences == []
	assert balance(company) == 50


def test_a_dispute_that_is_turned_after_its_end_is_followed_beyond_the_window(world: World) -> None:
	company = make_company()
	dispute = world.simulate("disputes", payment_intent=world.pay(company))["id"]
	world.simulate(f"disputes/{dispute}/win")
	assert world.reconcile(30).differences == []
	for expected in (0, 50):
		world.pass_days(40)
		world.simulate(f"disputes/{dispute}/turn")
		assert world.reconcile(30).differences == []
		assert balance(company) == expected


def test_one_dispute_that_nobody_understands_is_a_difference_and_all_others_are_compared(
	world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
	company = make_company()
	dispute = world.simulate("disputes", payment_intent=world.pay(company))["id"]
	world.simulate(f"disputes/{dispute}/win")
	other = world.pay(company, "30")
	world.simulate("refunds", payment_intent=other)
	monkeypatch.delitem(takeback._DISPUTE, "won")
	outcome = world.reconcile(30)
	assert [str(row).split(" of ")[0] for row in outcome.differences] == [f"dispute {dispute}"]
	assert "Stripe calls it won." in str(outcome.differences[0])
	assert balance(company) == 50


def test_a_refund_that_was_heard_of_late_is_no_difference_when_its_day_has_left_the_window(
	world: World,
) -> None:
	company = make_company()
	intent = world.pay(company)
	world.simulate("refunds", payment_intent=intent, amount=2000)
	world.pass_days(40)
	assert world.reconcile(45).differences == []
	world.pass_days(10)
	outcome = world.reconcile(30)
	assert (outcome.healed, outcome.differences) == (0, [])
	assert balance(company) == 30


def test_a_failed_refund_gets_its_documents_after_the_comparison(world: World) -> None:
	company = make_company()
	intent = world.pay(company, "20", number=REFUND_FAILS_CARD)
	world.simulate("refunds", payment_intent=intent)
	world.reconcile(30)
	issuing.issue_missing()
	world.pass_days(5)
	world.reconcile(30)
	issuing.issue_missing()
	site.fresh()
	kinds = frappe.get_all("Billing Receipt", {"company": company}, pluck="kind", order_by="year, sequence")
	assert (kinds, balance(company)) == (["Receipt", "Credit Note", "Reversal"], 20)


def test_a_refund_that_does_not_go_on_is_a_difference(world: World) -> None:
	company = make_company()
	world.pay(company)
	world.reconcile(30)
	topup = frappe.db.get_value("Balance Topup", {"company": company})
	world.simulate("faults", kind="error_before", method="POST", path="/v1/refunds", times=3)
	with world.now(), pytest.raises(TryAgain):
		refunds.request(topup, Decimal(20), "goodwill", new_id())
	assert world.reconcile(30).differences == []
	world.pass_days(2)
	(stuck,) = world.reconcile(30).differences
	assert (stuck.topup, stuck.here) == (topup, -20) and "Stripe has not taken the refund" in str(stuck)
	with world.now():
		refunds.complete_planned()
	assert world.reconcile(30).differences == []
	assert balance(company) == 50


def test_payments_that_are_not_ours_are_counted_and_left_alone(world: World) -> None:
	company = make_company()
	world.pay(company)
	intent = world.client.v1.payment_intents.create(params=FOREIGN)
	world.simulate("refunds", payment_intent=intent.id)
	outcome = world.reconcile(30)
	assert (outcome.not_ours, outcome.differences) == (1, [])
	assert balance(company) == 50


def test_more_than_a_page_of_payments_is_read_whole(world: World) -> None:
	company = make_company()
	world.pay(company)
	for _n in range(105):
		world.client.v1.payment_intents.create(params=FOREIGN)
	outcome = world.reconcile(30)
	assert (outcome.not_ours, outcome.differences, balance(company)) == (105, [], 50)


def test_what_is_credited_while_a_comparison_reads_is_known_to_its_next_page(
	world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
	world.pay(make_company())
	world.reconcile(30)
	charges_since = gateway.charges_since

	def pages(created: int) -> Iterator[list[dict]]:
		first = list(charges_since(created))
		yield from first
		with ThreadPoolExecutor(1) as pool:
			pool.submit(paid_elsewhere, world).result()
		known = [charge["id"] for page in first for charge in page]
		yield [charge for page in charges_since(created) for charge in page if charge["id"] not in known]

	monkeypatch.setattr(gateway, "charges_since", pages)
	outcome = world.reconcile(30)
	assert (outcome.not_ours, outcome.healed, outcome.differences, outcome.compared) == (0, 0, [], 2)


def ask_of_one_comparison(world: World, payments: int) -> int:
	"""Let so many payments more be made, one in part refunded, and return the queries of a comparison that knows them."""
	for _n in range(payments):
		intent = world.pay(make_company())
		world.simulate("refunds", payment_intent=intent, amount=1000)
	world.client.v1.payment_intents.create(params=FOREIGN)
	world.reconcile(30)
	before = selects()
	outcome = world.reconcile(30)
	assert (outcome.healed, outcome.differences) == (0, [])
	return selects() - before


def test_a_comparison_asks_our_books_once_for_a_page_and_not_for_each_object(world: World) -> None:
	few = ask_of_one_comparison(world, 1)
	assert ask_of_one_comparison(world, 5) == few


def between_list_and_books(
	monkeypatch: pytest.MonkeyPatch, listing: str, happens: Callable[[], None]
) -> None:
	"""Let something happen, and be heard of, after Stripe was asked for a page and before it is compared."""
	since = getattr(gateway, listing)

	def pages(created: int) -> Iterator[list[dict]]:
		pages = list(since(created))
		happens()
		yield from pages

	monkeypatch.setattr(gateway, listing, pages)


def test_a_page_that_is_older_than_what_was_heard_since_changes_no_dispute(
	world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
	company = make_company()
	dispute = world.simulate("disputes", payment_intent=world.pay(company))["id"]
	topup = frappe.db.get_value("Balance Topup", {"company": company})
	world.reconcile(30)
	# Open on the page and won by now; won on the page and lost by now.
	for ends, expected in (("win", 50), ("turn", 0)):

		def end(ends: str = ends) -> None:
			world.simulate(f"disputes/{dispute}/{ends}")
			refunds.hear(topup, [gateway.claim("dispute", dispute)])

		with monkeypatch.context() as patch:
			between_list_and_books(patch, "disputes_since", end)
			assert world.reconcile(30).differences == []
		assert balance(company) == expected


def test_a_page_that_is_older_than_what_was_heard_since_brings_no_failed_refund_back(
	world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
	company = make_company()
	intent = world.pay(company, "20", number=REFUND_FAILS_CARD)
	refund = world.simulate("refunds", payment_intent=intent)["id"]
	world.reconcile(30)
	assert balance(company) == 0
	topup = frappe.db.get_value("Balance Topup", {"company": company})

	def fail() -> None:
		world.simulate("clock/advance", seconds=5 * DAY)
		refunds.hear(topup, [gateway.claim("refund", refund)])

	between_list_and_books(monkeypatch, "refunds_since", fail)
	assert world.reconcile(30).differences == []
	assert balance(company) == 20
	world.ahead += 5 * DAY


def paid_elsewhere(world: World) -> None:
	"""Let a top-up be begun, paid and credited by another connection."""
	with site.connected():
		frappe.conf["stripe_api_base"] = world.url
		company = make_company()
		world.pay(company)
		with world.now():
			topups.refresh(frappe.get_all("Balance Topup", {"company": company}, pluck="name")[0])


def test_a_payment_in_our_books_that_stripe_does_not_know_is_a_difference_until_it_is_mended(
	world: World,
) -> None:
	factories.make_manager()
	company = make_company()
	intent = world.pay(company)
	world.reconcile(30)
	_forge(intent, "pi_forged")
	outcome = world.reconcile(30)
	assert {str(row).split(":")[0].split(" of ")[0] for row in outcome.differences} == {
		f"payment {intent}", "payment pi_forged",
	}  # fmt: skip
	newest = {"started_us": outcome.started_us, "status": "Different"}
	assert frappe.db.get_value("Billing Reconciliation", newest, "is_open") == 1
	_forge("pi_forged", intent)
	assert world.reconcile(1).differences == []
	assert frappe.db.get_value("Billing Reconciliation", newest, "is_open") == 1, "one day back proves little"
	plant_comparison(world)
	assert world.reconcile(31).differences == []
	assert frappe.db.get_value("Billing Reconciliation", newest, "is_open") == 0


def test_a_top_up_that_was_paid_by_another_session_than_ours_is_a_difference(world: World) -> None:
	company = make_company()
	intent = world.pay(company)
	lose = "UPDATE `tabBalance Topup` SET checkout_session_id = %s WHERE company = %s"
	frappe.db.sql(lose, (f"cs_{company}", company))
	frappe.db.commit()
	outcome = world.reconcile(30)
	(found,) = outcome.differences
	assert (found.stripe_id, "not the session that we keep" in str(found)) == (intent, True)
	assert outcome.sums == {"EUR": (50, 0)}
	world.simulate("refunds", payment_intent=intent, amount=2000)
	assert [row.at_stripe for row in world.reconcile(30).differences] == [30]
	world.simulate("refunds", payment_intent=intent)
	outcome = world.reconcile(30)
	assert (outcome.differences, outcome.sums, balance(company)) == ([], {}, 0)


def run_of(outcome: reconcile.Outcome) -> frappe._dict:
	"""The record of a comparison as it is now."""
	site.fresh()
	return frappe.get_last_doc("Billing Reconciliation", {"started_us": outcome.started_us})


def test_an_accepted_difference_is_told_and_alarms_nobody_until_an_amount_changes(world: World) -> None:
	manager = Api(factories.api_key_of(factories.make_manager()[0]))
	world.pay(make_company(), "20")
	world.reconcile(30)
	plant_comparison(world)
	world.pass_days(1)
	company = make_company()
	intent = world.pay(company)
	lose_topups(company)
	first = world.reconcile(32)
	differing = run_of(first)
	assert (differing.status, differing.is_open) == ("Different", 1)
	asked = {"comparison": differing.name, "kind": "payment", "stripe_id": intent, "reason": "paid in cash"}
	done = manager.ok("stripe.accept_difference", **asked)
	assert manager.ok("stripe.accept_difference", **asked | {"reason": "again"}) == done
	site.fresh()
	kept = frappe.get_doc("Accepted Difference", done["accepted"])
	assert (kept.at_stripe, kept.here, kept.reason, kept.reconciliation) == (
		50, 0, "paid in cash", differing.name,
	)  # fmt: skip
	world.pass_days(1)
	outcome = world.reconcile(33)
	assert (outcome.differences, list(outcome.accepted.values())) == ([], ["paid in cash"])
	assert outcome.lines() == [
		"EUR: at Stripe 70.000000, here 20.000000, difference 50.000000, of it accepted 50.000000"
	]
	equal = run_of(outcome)
	assert (equal.status, equal.accepted, equal.is_open, equal.differences) == ("Equal", 1, 0, "[]")
	assert equal.findings.startswith(f"accepted: payment {intent} of top-up ")
	assert equal.findings.endswith("(paid in cash)")
	assert run_of(first).is_open == 0
	assert world.reconcile().since_us == outcome.started_us - reconcile.OVERLAP
	world.simulate("refunds", payment_intent=intent, amount=2000)
	outcome = world.reconcile(32)
	assert ([row.at_stripe for row in outcome.differences], outcome.accepted) == ([30], {})


@pytest.mark.parametrize(
	"changed",
	[{"reason": " "}, {"stripe_id": "pi_of_another"}, {"comparison": "none"}, {"kind": ""}],
	ids=str,
)
def test_only_a_difference_of_the_comparison_is_accepted_and_only_with_a_reason(
	world: World, changed: dict[str, str]
) -> None:
	manager = Api(factories.api_key_of(factories.make_manager()[0]))
	company = make_company()
	intent = world.pay(company)
	lose_topups(company)
	run = run_of(world.reconcile(30))
	asked = {"comparison": run.name, "kind": "payment", "stripe_id": intent, "reason": "known"} | changed
	before = frappe.db.count("Accepted Difference")
	assert manager.post("stripe.accept_difference", **asked).status_code == 422
	staff = Api(factories.api_key_of(factories.make_user(STAFF)))
	assert staff.post("stripe.accept_difference", **asked).status_code == 403
	site.fresh()
	assert frappe.db.count("Accepted Difference") == before


def test_a_stray_payment_that_the_bank_took_back_for_good_is_settled_as_one_that_was_refunded(
	world: World,
) -> None:
	world.pay(make_company(), "20")
	company = make_company()
	intent = world.pay(company)
	lose_topups(company)
	dispute = world.simulate("disputes", payment_intent=intent)["id"]
	outcome = world.reconcile(30)
	assert ([row.at_stripe for row in outcome.differences], outcome.sums) == ([50], {"EUR": (70, 20)})
	world.simulate(f"disputes/{dispute}/lose")
	outcome = world.reconcile(30)
	assert (outcome.differences, outcome.sums, balance(company)) == ([], {"EUR": (20, 20)}, 0)
	world.simulate(f"disputes/{dispute}/turn")
	assert [row.at_stripe for row in world.reconcile(30).differences] == [50], (
		"won after all: it is there again"
	)


def test_a_payment_that_was_begun_here_and_whose_top_up_is_gone_is_a_difference(world: World) -> None:
	company = make_company()
	world.pay(company, "20")
	intent = world.pay(company, "30")
	frappe.db.sql("DELETE FROM `tabBalance Topup` WHERE company = %s AND amount = 30", (company,))
	frappe.db.commit()
	outcome = world.reconcile(30)
	(found,) = outcome.differences
	assert (found.stripe_id, found.at_stripe, "at Stripe 30.000000 EUR" in str(found)) == (intent, 30, True)
	assert (outcome.sums, outcome.not_ours) == ({"EUR": (50, 20)}, 0)
	assert balance(company) == 20


@contextmanager
def another_installation() -> Iterator[None]:
	"""Let this site be another one, as a copy of it is after ``name-copy``, and then itself again."""
	own = installation.own()
	installation.rename()
	frappe.db.commit()
	try:
		yield
	finally:
		site.fresh()
		frappe.db.set_single_value("Prepaid Billing Settings", "installation_id", own)
		frappe.db.commit()


def lose_topups(company: str) -> None:
	frappe.db.sql("DELETE FROM `tabBalance Topup` WHERE company = %s", (company,))
	frappe.db.commit()


def test_what_another_installation_on_the_account_was_paid_is_counted_and_no_difference(world: World) -> None:
	company = make_company()
	with another_installation():
		intent = world.pay(company, "30")
	world.simulate("refunds", payment_intent=intent, amount=1000)
	world.simulate("disputes", payment_intent=intent)
	lose_topups(company)
	ours = make_company()
	world.pay(ours, "20")
	outcome = world.reconcile(30)
	assert (outcome.differences, outcome.elsewhere, outcome.not_ours) == ([], 1, 0)
	assert outcome.sums == {"EUR": (20, 20)}
	kept = {"started_us": outcome.started_us}
	assert frappe.db.get_value("Billing Reconciliation", kept, "elsewhere") == 1


def test_a_copy_that_holds_the_same_top_up_passes_over_the_page_that_the_site_opened_for_it(
	world: World,
) -> None:
	company = make_company()
	world.pay(company)
	lose = "UPDATE `tabBalance Topup` SET checkout_session_id = NULL, status = 'Expired' WHERE company = %s"
	frappe.db.sql(lose, (company,))
	frappe.db.commit()
	with another_installation():
		outcome = world.reconcile(30)
		assert (outcome.differences, outcome.elsewhere) == ([], 1)
	assert len(world.reconcile(30).differences) == 1


def test_a_restored_backup_misses_what_it_lost_also_one_of_before_there_was_a_name(world: World) -> None:
	world.pay(make_company(), "20")
	company = make_company()
	installation.ensure_name()
	intents = [world.pay(company, "30")]
	unnamed = FOREIGN | {"metadata": {"topup": "lost", "company": company}}
	intents.append(world.client.v1.payment_intents.create(params=unnamed).id)
	lose_topups(company)
	frappe.db.set_single_value("Prepaid Billing Settings", "installation_id", "")
	installation.ensure_name()
	frappe.db.commit()
	outcome = world.reconcile(30)
	assert {row.stripe_id for row in outcome.differences} == set(intents)
	assert outcome.elsewhere == 0


def test_nobody_renames_a_site_in_its_settings() -> None:
	site.fresh()
	own = installation.own()
	doc = frappe.get_doc("Prepaid Billing Settings")
	doc.installation_id = "another"
	doc.save()
	frappe.db.commit()
	assert installation.own() == own != ""


def test_the_command_names_a_copy() -> None:
	own = installation.own()
	assert "This installation is" in bench("prepaid-billing", "name-copy", "--yes")
	site.fresh()
	try:
		assert frappe.db.get_single_value("Prepaid Billing Settings", "installation_id") not in ("", own)
	finally:
		frappe.db.set_single_value("Prepaid Billing Settings", "installation_id", own)
		frappe.db.commit()


def test_what_was_paid_in_the_other_mode_is_not_compared(world: World) -> None:
	company = make_company()
	with world.now():
		before_us = books.first_topup_us()
	refunded, disputed = world.pay(company), world.pay(company)
	world.simulate("refunds", payment_intent=refunded)
	world.simulate("disputes", payment_intent=disputed)
	world.reconcile(30)
	topup_names = frappe.get_all("Balance Topup", {"company": company}, pluck="name")
	world.simulate("reset")
	assert len(world.reconcile(30).differences) == 4
	for name in topup_names:
		set_mode(name, 1)
	try:
		outcome = world.reconcile(30)
		assert (outcome.compared, outcome.differences, books.first_topup_us()) == (0, [], before_us)
	finally:
		for name in topup_names:
			set_mode(name, 0)


def test_a_comparison_in_test_mode_moves_no_window_of_live_mode_and_closes_none_of_its_alarms(
	world: World,
) -> None:
	world.pay(make_company())
	planted_us = plant_comparison(world)
	world.pass_days(60)
	plant_comparison(world, livemode=1)
	world.pass_days(1)
	alarm = plant_comparison_of("Different", world, livemode=1)
	world.pass_days(1)
	plant_comparison_of("Different", world, livemode=0)
	world.pass_days(1)
	outcome = world.reconcile()
	assert (outcome.since_us, outcome.differences) == (planted_us - reconcile.OVERLAP, [])
	kept = frappe.get_all(
		"Billing Reconciliation",
		{"started_us": [">=", alarm]},
		["status", "livemode", "is_open"],
		order_by="started_us",
	)
	assert [tuple(row.values()) for row in kept] == [
		("Different", 1, 1),
		("Different", 0, 0),
		("Equal", 0, 0),
	]


def test_the_first_comparison_in_live_mode_ends_the_alarms_of_test_mode(world: World) -> None:
	world.pass_days(1)
	alarm = plant_comparison_of("Different", world, livemode=0)
	world.pass_days(1)
	with world.now():
		reconcile._keep(reconcile.Outcome(0, clock.now_us(), is_live=True), "Different", False, "")
	kept = frappe.get_all(
		"Billing Reconciliation",
		{"started_us": [">=", alarm]},
		["livemode", "is_open"],
		order_by="started_us",
	)
	assert [tuple(row.values()) for row in kept] == [(0, 0), (1, 1)]


def plant_comparison(world: World, livemode: int = 0) -> int:
	"""Let a comparison without difference and without gap have been made now; return when."""
	return plant_comparison_of("Equal", world, livemode)


def plant_comparison_of(status: str, world: World, livemode: int) -> int:
	"""Let a comparison without gap have ended in this status now; return when."""
	with world.now():
		now_us = clock.now_us()
		values = {
			"name": rows.new_name(),
			"status": status,
			"is_open": int(status != "Equal"),
			"livemode": livemode,
			"is_seamless": 1,
			"started_us": now_us,
			"since_us": 0,
		}
		rows.insert("Billing Reconciliation", now_us, values)
		frappe.db.commit()
	return now_us


def _forge(old: str, new: str) -> None:
	frappe.db.sql(
		"UPDATE `tabBalance Topup` SET payment_intent_id = %s WHERE payment_intent_id = %s", (new, old)
	)
	frappe.db.commit()


def test_where_stripe_does_not_answer_the_comparison_has_failed_and_says_so(
	world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
	world.pay(make_company())
	monkeypatch.setitem(frappe.conf, "stripe_api_base", "http://127.0.0.1:9")
	with world.now(), pytest.raises(TryAgain):
		reconcile.run(30)
	site.fresh()
	factories.make_manager()
	before = frappe.db.count("Email Queue", {"message": ["like", "%could not be compared%"]})
	with world.now(), pytest.raises(TryAgain):
		scheduled.prepaid_reconcile()
	site.fresh()
	assert frappe.db.count("Email Queue", {"message": ["like", "%could not be compared%"]}) > before
	(last,) = frappe.get_all(
		"Billing Reconciliation", fields=["status", "is_open"], order_by="started_us desc", limit=1
	)
	assert (last.status, last.is_open) == ("Failed", 1)


def test_by_itself_it_reaches_back_behind_the_last_comparison_without_difference(world: World) -> None:
	world.pay(make_company())
	planted_us = plant_comparison(world)
	world.pass_days(60)
	world.reconcile(5)  # leaves a gap, and so does not count
	first = world.reconcile()
	assert (first.since_us, first.differences) == (planted_us - reconcile.OVERLAP, [])
	assert world.reconcile().since_us == first.started_us - reconcile.OVERLAP


def alarms() -> int:
	site.fresh()
	return frappe.db.count("Email Queue", {"message": ["like", "%differ%"]})


def test_the_command_prints_sums_and_a_planted_difference_raises_the_alarm() -> None:
	factories.make_manager()
	company, topup = paid()
	done = refunds.request(topup.name, Decimal(20), "goodwill", new_id())
	refunds.request(topup.name, Decimal(5), "goodwill", new_id())
	stripe_id = frappe.db.get_value("Billing Refund", done["refund"], "stripe_refund_id")
	scheduled.prepaid_reconcile()
	before = alarms()
	change = "UPDATE `tabBilling Refund` SET amount = amount + %s WHERE topup = %s"
	frappe.db.sql(change, (1, topup.name))
	frappe.db.commit()
	try:
		printed = bench("prepaid-billing", "reconcile", "--days", "2", exit_code=1)
		site.fresh()
		# Those of other tests are ahead of the clock.
		run = frappe.get_last_doc(
			"Billing Reconciliation", {"started_us": ["<", clock.now_us()]}, "started_us desc"
		)
		accepted.accept(run.name, "refund", stripe_id, "known")
		then = bench("prepaid-billing", "reconcile", "--days", "2", exit_code=1)
	finally:
		frappe.db.sql(change, (-1, topup.name))
		frappe.db.commit()
	line = f"refund {stripe_id} of top-up {topup.name}: at Stripe -20.000000 EUR, here -21.000000 EUR"
	assert f"  {line}" in printed
	assert f"  accepted: {line} (known)" in then and ", of it accepted 1.000000" in then
	assert f"  {line}" not in then and "here -6.000000 EUR" in then
	assert "payments read" in printed and "EUR: at Stripe" in printed
	assert alarms() > before
	assert balance(company) == 25
