"""The low balance warning: one mail reaches a real SMTP server, and only one."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import frappe
import pytest

from prepaid_billing import ledger
from prepaid_billing.alerts import balances, table
from prepaid_billing.alerts.check import check_low_balances
from prepaid_billing.calls import session
from prepaid_billing.exceptions import InsufficientBalance
from prepaid_billing.scheduled import prepaid_verify_books
from tests import site
from tests.factories import give, make_company, make_customer, make_manager, new_id
from tests.inbox import Inbox
from tests.integration.test_ledger import changed


def low_company(balance: str = "10", **fields: object) -> tuple[str, str]:
	address = f"{new_id('mail')}@example.com"
	return make_company(balance, billing_emails=address, **fields), address


def take(company: str, amount: str) -> None:
	key = f"adjustment:{company}:{new_id()}"
	ledger.debit(company, Decimal(amount), transaction_type="Adjustment", key=key)


def test_a_low_balance_sends_one_mail_and_a_second_check_none(inbox: Inbox) -> None:
	company, address = low_company()
	first = check_low_balances(company)
	assert [(result.sent, result.level) for result in first] == [(True, "Low")]
	(mail,) = inbox.to(address)
	assert company in mail["Subject"]
	body = mail.get_body(("html",)).get_content()
	assert "€10.00" in body and "€20.00" in body and "/business/billing/topup" in body
	second = check_low_balances(company)
	assert [(result.sent, result.reason) for result in second] == [
		(False, "A warning was sent within the interval.")
	]
	assert len(inbox.to(address)) == 1


def test_the_check_of_all_companies_finds_the_low_ones_alone(inbox: Inbox) -> None:
	low, low_address = low_company()
	good, good_address = low_company("20")
	checked = {result.company for result in check_low_balances()}
	assert low in checked and good not in checked
	assert (len(inbox.to(low_address)), len(inbox.to(good_address))) == (1, 0)
	check_low_balances()
	assert len(inbox.to(low_address)) == 1


def test_the_mail_is_in_the_companys_language(inbox: Inbox) -> None:
	company, address = low_company(language="de")
	check_low_balances(company)
	(mail,) = inbox.to(address)
	body = mail.get_body(("html",)).get_content()
	assert "Guthaben" in mail["Subject"] and "10,00" in body and "Guthaben aufladen" in body


def test_the_warning_comes_again_after_the_interval(inbox: Inbox) -> None:
	company, address = low_company()
	check_low_balances(company)
	with site.later(24 * 3600 + 1):
		assert check_low_balances(company)[0].sent
	assert len(inbox.to(address)) == 2


def test_a_worse_level_is_told_at_once(inbox: Inbox) -> None:
	company, address = low_company()
	check_low_balances(company)
	call = new_id()
	session.authorize(call, company)
	session.end(call, 23 * 60)
	assert [(result.sent, result.level) for result in check_low_balances(company)] == [(True, "Critical")]
	assert len(inbox.to(address)) == 2


def test_a_credit_that_reaches_the_threshold_clears_the_mark(inbox: Inbox) -> None:
	company, address = low_company()
	check_low_balances(company)
	give(company, "10")
	assert frappe.db.get_value("Prepaid Balance", company, ["is_low", "warning_level"]) == (0, "")
	session.authorize(new_id(), company)
	assert check_low_balances(company)[0].sent
	assert len(inbox.to(address)) == 2


def test_a_balance_that_hovers_at_its_threshold_is_warned_of_once(inbox: Inbox) -> None:
	company, address = low_company("20")
	for _round in range(5):
		call = new_id()
		session.authorize(call, company)
		check_low_balances(company)
		session.release(call)
	assert len(inbox.to(address)) == 1


def test_a_credit_that_reaches_the_threshold_while_a_call_holds_money_clears_the_mark(inbox: Inbox) -> None:
	company, address = low_company()
	check_low_balances(company)
	call = new_id()
	session.authorize(call, company)
	give(company, "10")
	session.release(call)
	assert frappe.db.get_value("Prepaid Balance", company, ["is_low", "warning_level"]) == (0, "")
	ledger.debit(company, Decimal(1), transaction_type="Adjustment", key=f"adjustment:{company}:{new_id()}")
	assert check_low_balances(company)[0].sent
	assert len(inbox.to(address)) == 2


def test_a_credit_that_does_not_reach_the_threshold_keeps_the_mark(inbox: Inbox) -> None:
	company, address = low_company()
	check_low_balances(company)
	give(company, "9.99")
	assert not check_low_balances(company)[0].sent and len(inbox.to(address)) == 1


def test_there_are_at_most_three_warnings_a_day(inbox: Inbox) -> None:
	company, address = low_company()
	for _round in range(5):
		check_low_balances(company)
		give(company, "10")
		ledger.debit(
			company, Decimal(10), transaction_type="Adjustment", key=f"adjustment:{company}:{new_id()}"
		)
	assert len(inbox.to(address)) == 3


def test_a_lower_threshold_that_the_balance_reaches_clears_the_mark(inbox: Inbox) -> None:
	company, _address = low_company()
	check_low_balances(company)
	doc = frappe.get_doc("Prepaid Balance", company)
	doc.low_balance_threshold = 5
	doc.save()
	frappe.db.commit()
	assert frappe.db.get_value("Prepaid Balance", company, ["is_low", "warning_level"]) == (0, "")


def test_the_warning_tells_minutes_and_days_and_leads_to_the_top_up(inbox: Inbox) -> None:
	company, address = low_company("21")
	call = new_id()
	session.authorize(call, company)
	session.end(call, 600)
	check_low_balances(company)
	(mail,) = inbox.to(address)
	for kind in ("html", "plain"):
		body = mail.get_body((kind,)).get_content()
		assert "€16.80" in body and "40 minutes" in body and "about 4 days" in body, kind
		assert "/business/billing/topup?company=" in body, kind


def test_users_of_the_company_are_told_in_the_app_as_well(inbox: Inbox) -> None:
	company, address = low_company()
	email, _password = make_customer(company)
	check_low_balances(company)
	check_low_balances(company)
	(told,) = frappe.get_all("Notification Log", {"for_user": email}, ["subject", "link"])
	assert company in told.subject and "/business/billing/topup" in told.link
	assert len(inbox.to(address)) == 1 and inbox.to(email) == []


@pytest.mark.parametrize(
	"left,level,words", [("0.006", "Empty", "used up"), ("0.007", "Critical", "nearly used up")]
)
def test_what_pays_for_no_second_of_a_call_is_used_up(
	inbox: Inbox, left: str, level: str, words: str
) -> None:
	company, address = low_company("10")
	take(company, str(Decimal(10) - Decimal(left)))
	assert [(result.sent, result.level) for result in check_low_balances(company)] == [(True, level)]
	assert f"balance is {words}" in inbox.to(address)[0]["Subject"]
	if level == "Empty":
		with pytest.raises(InsufficientBalance):
			session.authorize(new_id(), company)
	else:
		session.release(session.authorize(new_id(), company)["call_id"])


def test_with_a_threshold_of_zero_what_pays_for_no_call_is_told_by_the_check_of_all(inbox: Inbox) -> None:
	by_the_minute, address = low_company("0.3", low_balance_threshold=0, billing_increment=60)
	by_the_second, other = low_company("0.3", low_balance_threshold=0)
	said = {result.company: result for result in check_low_balances()}
	assert (said[by_the_minute].sent, said[by_the_minute].level) == (True, "Empty")
	assert not said[by_the_second].sent and said[by_the_second].level == ""
	assert "is used up" in inbox.to(address)[0]["Subject"] and inbox.to(other) == []
	assert not check_low_balances(by_the_minute)[0].sent


def test_the_companys_own_rate_and_the_default_one_say_what_is_used_up() -> None:
	default = {"doctype": "Billing Rate", "currency": "USD", "rate_per_minute": 3, "billing_increment": 60}
	frappe.get_doc({**default, "valid_from": "2020-01-01"}).insert()
	frappe.db.commit()
	without, _address = low_company("2", currency="USD", rate_per_minute=0)
	own, _address = low_company("2", currency="USD", rate_per_minute=1)
	levels = {result.company: result.level for result in check_low_balances(dry_run=True)}
	assert (levels[without], levels[own]) == ("Empty", "Critical")


def test_money_that_calls_hold_is_no_empty_balance_and_silences_no_real_one(inbox: Inbox) -> None:
	company, address = low_company("50")
	session.authorize(call := new_id(), company, requested_seconds=7_142)
	assert frappe.db.get_value("Prepaid Balance", company, "available") < 0.01
	assert [(result.sent, result.level) for result in check_low_balances(company)] == [(True, "Critical")]
	(mail,) = inbox.to(address)
	text = mail.get_body(("plain",)).get_content()
	assert "In calls: €49.99" in text and "New calls cannot be started" not in text
	session.end(call, 600)
	assert frappe.db.get_value("Prepaid Balance", company, ["available", "warning_level"]) == (45.8, "")
	take(company, "35.8")
	assert check_low_balances(company)[0].sent
	take(company, "10")
	assert [(result.sent, result.level) for result in check_low_balances(company)] == [(True, "Empty")]
	assert len(inbox.to(address)) == 3


def test_a_level_that_was_left_and_comes_back_is_told_again(inbox: Inbox) -> None:
	company, address = low_company("10")
	take(company, "10")
	assert check_low_balances(company)[0].sent
	give(company, "10")
	assert not check_low_balances(company)[0].sent
	assert frappe.db.get_value("Prepaid Balance", company, "warning_level") == "Low"
	take(company, "10")
	assert [(result.sent, result.level) for result in check_low_balances(company)] == [(True, "Empty")]
	assert not check_low_balances(company)[0].sent
	assert len(inbox.to(address)) == 2


def test_with_nearly_used_up_switched_off_low_is_told_instead(inbox: Inbox) -> None:
	company, address = low_company("25", mail_critical=0)
	take(company, "21")
	assert [(result.sent, result.level) for result in check_low_balances(company)] == [(True, "Critical")]
	(mail,) = inbox.to(address)
	assert "balance is low" in mail["Subject"] and "€4.00" in mail.get_body(("plain",)).get_content()
	assert not check_low_balances(company)[0].sent
	take(company, "4")
	assert [(result.sent, result.level) for result in check_low_balances(company)] == [(True, "Empty")]


def test_a_level_that_is_switched_off_is_not_mailed_and_a_worse_one_is(inbox: Inbox) -> None:
	company, address = low_company(mail_low=0)
	(result,) = check_low_balances(company)
	assert (result.sent, result.reason) == (False, "The company has switched off the mails of this level.")
	ledger.debit(company, Decimal(8), transaction_type="Adjustment", key=f"adjustment:{company}:{new_id()}")
	assert [(result.sent, result.level) for result in check_low_balances(company)] == [(True, "Critical")]
	assert len(inbox.to(address)) == 1


def test_two_checks_at_once_send_each_mail_once(inbox: Inbox) -> None:
	companies = [low_company() for _n in range(5)]

	def run(_number: int) -> None:
		with site.connected():
			check_low_balances()

	with ThreadPoolExecutor(4) as pool:
		list(pool.map(run, range(4)))
	assert [len(inbox.to(address)) for _company, address in companies] == [1] * 5


def test_the_check_of_all_is_one_query_by_the_index_of_low_balances() -> None:
	plan = frappe.db.sql(f"EXPLAIN {balances.ALL_LOW}", as_dict=True)
	assert [row.key for row in plan if row.table == "b"] == ["pb_balance_low"]
	# Of a table with a few rows the optimizer reads all of them.
	usable = {row.table: row.possible_keys or "" for row in plan}
	assert "pb_warning_day" in usable["w"] and "company" in usable["r"], plan


def selects() -> int:
	"""Return how many queries this connection has made."""
	return int(frappe.db.sql("SHOW SESSION STATUS LIKE 'Com_select'")[0][1])


def test_a_check_in_which_nothing_is_due_asks_as_little_for_many_companies_as_for_one() -> None:
	# Those of other tests may be unreachable, and are then looked at one by one, to tell their users and staff.
	frappe.db.sql(
		"UPDATE `tabBilling Company` SET billing_emails = 'billing@example.com' WHERE status = 'Active'"
	)
	companies = [low_company()[0] for _n in range(5)]
	for _time in range(2):
		check_low_balances()
	counts = []
	for some in (companies[0], None):
		before = selects()
		checked = check_low_balances(some)
		counts.append(selects() - before)
		assert not any(result.sent or result.failed for result in checked)
	assert len(checked) >= 5
	# The companies, and the warnings whose mails could not be made.
	assert counts == [2, 2]


def test_a_second_check_takes_no_lock_for_those_that_were_warned() -> None:
	company, _address = low_company()
	check_low_balances(company)
	with ledger.locked(company):
		# Would wait for this lock, and fail.
		def again() -> list:
			with site.connected():
				return check_low_balances(company)

		with ThreadPoolExecutor(1) as pool:
			assert not pool.submit(again).result(timeout=3)[0].sent
	site.fresh()


# The list of the seed's guide for "Warning not sent", and what else keeps one back.
CAUSES = {
	"not low": (("25", {}), "The available balance is not below the threshold."),
	"sent within 24 hours": (("10", {}), "A warning was sent within the interval."),
	"nobody to tell": (("10", {"billing_emails": ""}), "Nobody to tell"),
	"prepaid billing off": (("10", {"prepaid_billing_enabled": 0}), "Prepaid billing is switched off"),
	"suspended": (("10", {"status": "Suspended"}), "The company is suspended."),
	"switched off": (("10", {"mail_low": 0}), "The company has switched off the mails of this level."),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_why_a_warning_was_not_sent_stands_in_the_table(cause: str) -> None:
	(balance, fields), reason = CAUSES[cause]
	company, _address = low_company(
		balance, **{key: value for key, value in fields.items() if key != "billing_emails"}
	)
	if "billing_emails" in fields:
		frappe.db.set_value("Billing Company", company, "billing_emails", "")
		frappe.db.commit()
	if cause == "sent within 24 hours":
		check_low_balances(company)
	_head, line = table.lines(check_low_balances(company))
	assert company in line and reason in line and " - " in line
	assert (" Good " if cause == "not low" else " Low ") in line


def test_a_fourth_warning_within_a_day_says_why_it_waits() -> None:
	company, _address = low_company()
	for _round in range(3):
		check_low_balances(company)
		give(company, "10")
		take(company, "10")
	(result,) = check_low_balances(company)
	assert result.reason == "Three warnings were sent within a day."
	assert " - " in table.lines([result])[1]


def test_mails_that_are_muted_and_a_scheduler_that_is_off_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
	monkeypatch.setitem(frappe.conf, "pause_scheduler", 0)
	frappe.db.set_single_value("System Settings", "enable_scheduler", 1)
	assert not any("scheduler is off" in line or "muted" in line for line in table.hindrances())
	monkeypatch.setitem(frappe.conf, "pause_scheduler", 1)
	monkeypatch.setitem(frappe.conf, "mute_emails", 1)
	named = "\n".join(table.hindrances())
	assert "The scheduler is off" in named and "Mails are muted" in named
	frappe.db.rollback()


def test_what_became_of_the_last_mail_stands_below_the_table() -> None:
	company, address = low_company()
	assert table.last_warning(company) == "last warning: none"
	check_low_balances(company)
	assert table.last_warning(company).endswith(f"Queued, mail Not Sent, to {address}")
	frappe.db.set_value("Email Queue", {"reference_name": ["in", frappe.get_all(
		"Low Balance Warning", {"company": company}, pluck="name")]}, "status", "Error")  # fmt: skip
	frappe.db.commit()
	assert "mail Error" in table.last_warning(company)
	assert any("could not be sent" in line for line in table.hindrances())


def test_users_who_get_warnings_are_told(inbox: Inbox) -> None:
	company = make_company("10")
	email, _password = make_customer(company)
	frappe.db.set_value("Billing Company User", {"parent": company, "user": email}, "gets_warnings", 1)
	frappe.db.commit()
	check_low_balances(company)
	assert len(inbox.to(email)) == 1


@pytest.mark.parametrize("fields", [{"status": "Suspended"}, {"prepaid_billing_enabled": 0}], ids=str)
def test_a_company_that_is_not_billed_is_not_warned(fields: dict) -> None:
	company, _address = low_company(**fields)
	assert company not in {result.company for result in check_low_balances(dry_run=True)}
	assert not check_low_balances(company)[0].sent


def test_a_dry_run_says_what_it_would_do_and_writes_nothing() -> None:
	company, _address = low_company()
	(result,) = check_low_balances(company, dry_run=True)
	assert not result.sent and result.reason == "The balance fell to this level."
	assert " would be warned " in table.lines([result])[1]
	assert table.ending([result], dry_run=True) == "1 checked, 1 would be warned (dry run: nothing was sent)"
	assert frappe.db.count("Low Balance Warning", {"company": company}) == 0


def test_a_higher_threshold_makes_a_balance_low() -> None:
	company, _address = low_company("50")
	doc = frappe.get_doc("Prepaid Balance", company)
	doc.low_balance_threshold = 60
	doc.save()
	frappe.db.commit()
	assert company in {result.company for result in check_low_balances(dry_run=True)}


def test_broken_books_are_told_to_the_managers(inbox: Inbox) -> None:
	manager, _password = make_manager()
	before = len(inbox.to(manager))
	prepaid_verify_books()
	assert len(inbox.to(manager)) == before == 0
	company = make_company("10")
	with changed(
		"Balance Transaction",
		frappe.db.get_value("Balance Transaction", {"balance": company}),
		("actor",),
		"actor = 'Guest'",
	):
		prepaid_verify_books()
	(mail,) = inbox.to(manager)
	assert f"{company} #1" in mail.get_body(("html",)).get_content()
