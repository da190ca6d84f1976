"""Warnings that cannot be sent: the cause is told, nothing is marked as sent that was not, and nobody is told twice."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import frappe
import pytest
from frappe.installer import update_site_config

from prepaid_billing import ledger
from prepaid_billing.alerts import digest, mail, sent, table
from prepaid_billing.alerts.check import check_low_balances
from prepaid_billing.calls import session
from prepaid_billing.permissions import MANAGER
from prepaid_billing.scheduled import prepaid_low_balances
from tests import site
from tests.factories import give, make_company, make_customer, make_manager, new_id
from tests.inbox import Inbox, no_email_account, unsubscribe
from tests.integration.test_commands import bench
from tests.integration.test_low_balance import low_company, take

NO_ACCOUNT = "OutgoingEmailError: Please setup default Email Account from Settings > Email Account"


@contextmanager
def default_set(key: str, value: object) -> Iterator[None]:
	frappe.db.set_default(key, value)
	frappe.db.commit()
	try:
		yield
	finally:
		frappe.db.set_default(key, 0)
		frappe.db.commit()


def warnings_of(company: str) -> list[str]:
	site.fresh()
	return frappe.get_all("Low Balance Warning", {"company": company}, pluck="status", order_by="decided_us")


def decide_only(company: str) -> str:
	"""Decide a warning as a check does that is killed before it makes the mail; return the warning's name."""
	with no_email_account():
		check_low_balances(company)
	return frappe.db.get_value("Low Balance Warning", {"company": company, "status": "Pending"})


def test_without_a_mail_account_the_cause_stands_in_the_table_and_nothing_counts_as_sent(
	inbox: Inbox,
) -> None:
	company, address = low_company()
	with no_email_account():
		for _time in range(2):
			(result,) = check_low_balances(company)
			assert (result.done, result.failed) == ("not mailed", True)
			assert result.reason == f"Decided, not yet mailed: {NO_ACCOUNT}"
		(looked_at,) = check_low_balances(company, dry_run=True)
		assert looked_at.reason == f"Decided, not yet mailed: {NO_ACCOUNT}"
		assert table.last_warning(company).endswith(f", decided, not yet mailed: {NO_ACCOUNT}")
		named = "\n".join(table.hindrances())
		assert "There is no outgoing mail account" in named and "decided and not yet mailed: " in named
	(result,) = check_low_balances(company)
	assert result.sent and "could be mailed now" not in result.reason and warnings_of(company) == ["Queued"]
	assert len(inbox.to(address)) == 1
	assert not check_low_balances(company)[0].sent and len(inbox.to(address)) == 1


def test_the_command_prints_its_table_and_exits_1_without_a_mail_account() -> None:
	company, _address = low_company()
	update_site_config("mail_server", "")
	try:
		printed = bench("prepaid-billing", "check-low-balances", "--company", company, exit_code=1)
		dry = bench("prepaid-billing", "check-low-balances", "--company", company, "--dry-run", exit_code=1)
	finally:
		update_site_config("mail_server", "127.0.0.1")
	(line,) = [line for line in printed.splitlines() if line.startswith(company)]
	assert " not mailed " in line and NO_ACCOUNT in line
	assert "There is no outgoing mail account" in printed
	assert "1 checked, 0 warned, 1 not mailed" in printed
	assert f"Decided, not yet mailed: {NO_ACCOUNT}" in dry and "within the interval" not in dry


def test_the_scheduled_check_fails_for_its_log_where_a_mail_could_not_be_made() -> None:
	company, _address = low_company()
	with no_email_account(), pytest.raises(RuntimeError, match="could not be warned"):
		prepaid_low_balances()
	assert warnings_of(company) == ["Pending"]
	check_low_balances(company)


def test_a_suspended_queue_is_named() -> None:
	assert not any("suspended" in line for line in table.hindrances())
	with default_set("suspend_email_queue", 1):
		assert any("The Email Queue is suspended" in line for line in table.hindrances())


def test_a_worse_level_before_the_mail_could_be_made_is_one_mail_of_that_level(inbox: Inbox) -> None:
	company, address = low_company()
	decide_only(company)
	take(company, "8")
	(result,) = check_low_balances(company)
	assert (result.sent, result.level) == (True, "Critical")
	(mail,) = inbox.to(address)
	assert "nearly used up" in mail["Subject"] and warnings_of(company) == ["Not Sent", "Queued"]


def test_a_mail_tells_the_balance_of_the_moment_it_is_made(inbox: Inbox) -> None:
	company, address = low_company("10")
	decide_only(company)
	give(company, "4.7")
	check_low_balances(company)
	text = inbox.to(address)[0].get_body(("plain",)).get_content()
	assert "€14.70" in text and "35 minutes" in text and "€10.00" not in text
	warning = frappe.get_all("Low Balance Warning", {"company": company}, ["available", "status"])
	assert warning == [{"available": 14.7, "status": "Queued"}]


@pytest.mark.parametrize("by_credit", [True, False], ids=["a top-up", "a call that ended"])
def test_a_balance_that_recovered_before_the_mail_was_made_gets_none(inbox: Inbox, by_credit: bool) -> None:
	company, address = low_company("10" if by_credit else "20")
	call = new_id()
	if not by_credit:
		session.authorize(call, company)
	decide_only(company)
	if by_credit:
		give(company, "10")
	else:
		session.release(call)
	(result,) = check_low_balances(company)
	assert not result.failed and warnings_of(company) == ["Recovered"] and inbox.to(address) == []
	assert frappe.db.get_value("Prepaid Balance", company, ["warning_level", "last_warning_us"]) == ("", 0)
	assert "recovered, no mail" in table.last_warning(company)
	take(company, "0.01")
	assert check_low_balances(company)[0].sent and len(inbox.to(address)) == 1


def test_a_worse_level_that_was_left_before_its_mail_could_be_made_repeats_no_better_one(
	inbox: Inbox,
) -> None:
	company, address = low_company()
	check_low_balances(company)
	take(company, "8")
	decide_only(company)
	give(company, "10")
	(result,) = check_low_balances(company)
	assert (result.sent, result.failed) == (False, False)
	assert not check_low_balances(company)[0].sent
	assert warnings_of(company) == ["Queued", "Recovered"] and len(inbox.to(address)) == 1
	take(company, "8")
	assert [(result.sent, result.level) for result in check_low_balances(company)] == [(True, "Critical")]


def test_what_a_credit_has_cleared_counts_for_nothing_when_a_later_mail_is_made(inbox: Inbox) -> None:
	company, address = low_company()
	check_low_balances(company)
	give(company, "40")
	take(company, "47")
	decide_only(company)
	give(company, "9")
	assert check_low_balances(company)[0].sent
	assert warnings_of(company) == ["Queued", "Queued"] and len(inbox.to(address)) == 2


def test_two_warnings_that_could_not_be_mailed_count_for_none(inbox: Inbox) -> None:
	company, address = low_company()
	decide_only(company)
	take(company, "8")
	decide_only(company)
	give(company, "10")
	assert check_low_balances(company)[0].sent
	assert warnings_of(company) == ["Not Sent", "Queued"] and len(inbox.to(address)) == 1


@pytest.mark.parametrize("change", [{"mail_low": 0}, {"status": "Suspended"}], ids=str)
def test_what_the_company_no_longer_wants_is_not_mailed(inbox: Inbox, change: dict) -> None:
	company, address = low_company()
	decide_only(company)
	doc = frappe.get_doc("Billing Company", company)
	doc.update(change)
	doc.save()
	frappe.db.commit()
	check_low_balances(company)
	assert warnings_of(company) == ["Not Sent"] and inbox.to(address) == []


def test_where_every_address_is_unsubscribed_staff_are_told_and_the_mark_is_not_set(inbox: Inbox) -> None:
	manager, _password = make_manager()
	company, address = low_company()
	unsubscribe(address)
	(result,) = check_low_balances(company)
	assert result.reason.startswith("Nobody to tell: every address is unsubscribed") and not result.sent
	assert result.reason.endswith(" Staff were told.")
	assert frappe.db.get_value("Prepaid Balance", company, "last_warning_us") == 0
	for _time in range(2):
		check_low_balances(company)
	assert warnings_of(company) == []
	text = inbox.to(manager)[-1].get_body(("html",)).get_content()
	assert company in text and "every address is unsubscribed" in text and "no billing e-mail" not in text
	frappe.db.delete("Email Unsubscribe", {"email": address})
	frappe.db.commit()
	assert check_low_balances(company)[0].sent and len(inbox.to(address)) == 1


@pytest.mark.parametrize("wrong", ["unsubscribed", "no address"])
def test_a_dry_run_says_of_addresses_that_cannot_be_reached_what_the_check_says(wrong: str) -> None:
	company, address = low_company()
	if wrong == "unsubscribed":
		unsubscribe(address.upper())
	else:
		frappe.db.set_value("Billing Company", company, "billing_emails", "no-address")
		frappe.db.commit()
	(dry,), (real,) = check_low_balances(company, dry_run=True), check_low_balances(company)
	assert (dry.done, real.done) == ("-", "-")
	assert dry.reason.startswith("Nobody to tell: every address is unsubscribed")
	assert dry.reason.split(" Staff")[0] == real.reason.split(" Staff")[0]


def test_what_is_kept_of_a_warning_names_those_alone_who_can_be_reached(inbox: Inbox) -> None:
	company, address = low_company()
	gone = f"{new_id('gone')}@example.com"
	frappe.db.set_value("Billing Company", company, "billing_emails", f"{gone}\n{address}")
	unsubscribe(gone)
	assert check_low_balances(company)[0].sent and len(inbox.to(address)) == 1
	assert frappe.db.get_value("Low Balance Warning", {"company": company}, "recipients") == address


def test_an_address_that_is_none_keeps_the_mail_from_nobody_else(inbox: Inbox) -> None:
	company, address = low_company()
	wrong = f"no address\n{address}"
	frappe.db.set_value("Billing Company", company, "billing_emails", wrong)
	frappe.db.commit()
	assert check_low_balances(company)[0].sent and len(inbox.to(address)) == 1


def test_more_addresses_than_frappe_takes_at_once_are_queued_in_our_own_transaction() -> None:
	company, _address = low_company()
	many = [f"{new_id('mail')}@example.com" for _n in range(250)]
	frappe.db.set_value("Billing Company", company, "billing_emails", "\n".join(many))
	frappe.db.commit()
	assert check_low_balances(company)[0].sent
	warning = frappe.db.get_value("Low Balance Warning", {"company": company})
	queued = frappe.get_all("Email Queue", {"reference_name": warning}, pluck="name")
	to = frappe.get_all("Email Queue Recipient", {"parent": ["in", queued]}, pluck="recipient")
	assert sorted(to) == sorted(many) and len(queued) == 3


def test_a_company_has_at_most_twenty_billing_e_mails() -> None:
	doc = frappe.get_doc("Billing Company", make_company())
	doc.billing_emails = "\n".join(f"billing{n}@example.com" for n in range(20))
	doc.save()
	doc.billing_emails += "\nbilling20@example.com"
	with pytest.raises(frappe.ValidationError, match="at most 20 billing e-mails"):
		doc.save()
	frappe.db.rollback()


def test_two_spellings_of_an_address_get_one_mail(inbox: Inbox) -> None:
	company, address = low_company()
	user, _password = make_customer(company)
	doc = frappe.get_doc("Billing Company", company)
	doc.billing_emails = f"{address}\n{address.upper()}\n{user.title()}"
	doc.users[0].gets_warnings = 1
	doc.save()
	frappe.db.commit()
	assert check_low_balances(company)[0].recipients == 2
	inbox.to(address)
	everybody = [str(mail["To"]).lower() for mail in inbox.mails if company in mail["Subject"]]
	assert sorted(everybody) == sorted([address, user])
	assert mail.recipients(company) == [address, user.title()]


def test_without_anybody_to_tell_staff_are_told_once_a_day_and_the_mark_is_not_set(inbox: Inbox) -> None:
	manager, _password = make_manager()
	company = make_company("10")
	said = [check_low_balances(company)[0].reason for _time in range(2)]
	assert all(reason.startswith("Nobody to tell: no billing e-mail") for reason in said)
	assert said[0].endswith(" Staff were told.") and "Staff were told today" in said[1]
	(mail,) = inbox.to(manager)
	assert company in mail["Subject"] and "no billing e-mail" in mail.get_body(("html",)).get_content()
	assert frappe.db.get_value("Prepaid Balance", company, "last_warning_us") == 0
	frappe.db.set_value(
		"Billing Company", company, "billing_emails", address := f"{new_id('mail')}@example.com"
	)
	frappe.db.commit()
	assert check_low_balances(company)[0].sent
	assert len(inbox.to(address)) == 1


@pytest.fixture
def everybody_listed(monkeypatch: pytest.MonkeyPatch) -> None:
	"""Other tests leave more companies behind than one mail names."""
	monkeypatch.setattr(digest, "MOST_LISTED", 100_000)


@pytest.mark.usefixtures("everybody_listed")
def test_many_companies_without_anybody_to_tell_are_one_mail_a_day_to_a_manager(inbox: Inbox) -> None:
	manager, _password = make_manager()
	companies = [make_company("10") for _n in range(3)]
	frappe.db.delete("Billing Notice", {"kind": "Nobody to tell"})
	frappe.db.commit()
	for days in (0, 1):
		with site.later(days * 86_400):
			for _time in range(2):
				check_low_balances()
	mails = inbox.to(manager)
	assert len(mails) == 2
	for mail_of_day in mails:
		text = mail_of_day.get_body(("html",)).get_content()
		assert all(company in text for company in companies)


@pytest.mark.usefixtures("everybody_listed")
def test_a_manager_who_is_kept_to_one_company_hears_of_that_one_alone(inbox: Inbox) -> None:
	(everywhere, _password), (kept, _password) = make_manager(), make_manager()
	own, other = make_company("10"), make_company("10")
	permission = {"user": kept, "allow": "Billing Company", "for_value": own}
	frappe.get_doc({"doctype": "User Permission", **permission}).insert()
	frappe.db.delete("Billing Notice", {"kind": "Nobody to tell"})
	frappe.db.commit()
	check_low_balances()
	for manager, heard in ((everywhere, [True, True]), (kept, [True, False])):
		(mail,) = inbox.to(manager)
		text = mail.get_body(("html",)).get_content()
		assert [company in text for company in (own, other)] == heard
	told = frappe.get_all(
		"Billing Notice",
		{"kind": "Nobody to tell", "company": ["in", [own, other]]},
		["company", "recipients"],
	)
	heard = {notice.company: kept in notice.recipients.split() for notice in told}
	assert heard == {own: True, other: False}


@pytest.mark.usefixtures("everybody_listed")
def test_a_company_that_nobody_can_warn_any_more_is_told_on_the_same_day(inbox: Inbox) -> None:
	manager, _password = make_manager()
	first = make_company("10")
	check_low_balances()
	second = make_company("10")
	(dry,) = [result for result in check_low_balances(dry_run=True) if result.company == second]
	assert dry.reason.endswith(" Staff would be told.")
	said = {result.company: result.reason for result in check_low_balances()}
	assert "Staff were told today" in said[first] and said[second].endswith(" Staff were told.")
	texts = [mail_of_day.get_body(("html",)).get_content() for mail_of_day in inbox.to(manager)]
	assert [(first in text, second in text) for text in texts] == [(True, False), (False, True)]
	check_low_balances()
	assert len(inbox.to(manager)) == 2


@pytest.mark.usefixtures("everybody_listed")
def test_every_notice_of_a_mail_about_many_companies_knows_what_became_of_it(inbox: Inbox) -> None:
	manager, _password = make_manager()
	companies = [make_company("10") for _n in range(2)]
	check_low_balances()
	names = frappe.get_all("Billing Notice", {"company": ["in", companies]}, pluck="name")
	inbox.to(manager)
	assert [sent.states(names).get(name) for name in names] == ["Sent", "Sent"]


def users_notices(email: str) -> list[str]:
	site.fresh()
	return frappe.get_all("Notification Log", {"for_user": email}, pluck="subject", order_by="creation")


def test_users_without_mails_are_told_in_the_app_by_the_rules_of_the_mails(inbox: Inbox) -> None:
	manager, _password = make_manager()
	company = make_company("10")
	email, _password = make_customer(company)
	(dry,) = check_low_balances(company, dry_run=True)
	assert " Its users would be told in the app. Staff would be told." in dry.reason
	assert users_notices(email) == [] and warnings_of(company) == []
	for told in ("told in the app.", *["told in the app within the interval."] * 2):
		(result,) = check_low_balances(company)
		assert (result.done, result.sent) == ("-", False)
		assert f" Its users were {told} " in result.reason
	assert len(users_notices(email)) == 1 and warnings_of(company) == ["Not Sent"]
	assert frappe.db.get_value("Prepaid Balance", company, "last_warning_us") == 0
	take(company, "10")
	for _time in range(2):
		check_low_balances(company)
	(low, empty) = users_notices(email)
	assert "is low" in low and "is used up" in empty and len(inbox.to(manager)) == 1
	with site.later(24 * 3600 + 1):
		check_low_balances(company)
	assert len(users_notices(email)) == 3 and inbox.to(email) == []


def test_users_who_saw_three_notices_within_a_day_are_not_said_to_be_told() -> None:
	company = make_company("10")
	email, _password = make_customer(company)
	interval = frappe.db.get_single_value("Prepaid Billing Settings", "warning_interval")
	frappe.db.set_single_value("Prepaid Billing Settings", "warning_interval", 1)
	frappe.db.commit()
	try:
		said = []
		for hours in (0, 2, 4, 6):
			with site.later(hours * 3600 + 60):
				said.append(check_low_balances(company)[0].reason)
	finally:
		frappe.db.set_single_value("Prepaid Billing Settings", "warning_interval", interval)
		frappe.db.commit()
	assert [" Its users were told in the app." in reason for reason in said] == [True, True, True, False]
	assert " Its users were not told in the app: three notices were shown within a day." in said[3]
	assert len(users_notices(email)) == 3


def test_two_checks_at_once_tell_users_without_mails_once() -> None:
	company = make_company("10")
	email, _password = make_customer(company)

	def run(_number: int) -> None:
		with site.connected():
			check_low_balances(company)

	with ThreadPoolExecutor(4) as pool:
		list(pool.map(run, range(4)))
	assert len(users_notices(email)) == 1


def test_the_notice_in_the_app_does_not_wait_for_a_mail_account(inbox: Inbox) -> None:
	company, address = low_company()
	email, _password = make_customer(company)
	with no_email_account():
		for _time in range(2):
			assert check_low_balances(company)[0].done == "not mailed"
	assert len(users_notices(email)) == 1
	assert check_low_balances(company)[0].sent and len(inbox.to(address)) == 1
	assert len(users_notices(email)) == 1


def test_a_dry_run_tells_no_staff_and_does_not_say_so(inbox: Inbox) -> None:
	manager, _password = make_manager()
	company = make_company("10")
	(result,) = check_low_balances(company, dry_run=True)
	assert result.reason.endswith(" Staff would be told.") and inbox.to(manager) == []
	assert frappe.db.count("Billing Notice", {"company": company}) == 0


def test_where_there_is_no_manager_nobody_is_said_to_be_told(inbox: Inbox) -> None:
	company = make_company("10")
	managers = frappe.db.sql_list(
		"SELECT u.name FROM `tabHas Role` r JOIN tabUser u ON u.name = r.parent WHERE r.role = %s AND u.enabled", MANAGER
	)  # fmt: skip
	change = (
		f"UPDATE tabUser SET enabled = %s WHERE name IN ({', '.join(['%s'] * len(managers) or ['NULL'])})"
	)
	frappe.db.sql(change, [0, *managers])
	frappe.db.commit()
	try:
		reason = check_low_balances(company)[0].reason
	finally:
		frappe.db.sql(change, [1, *managers])
		frappe.db.commit()
	assert reason.endswith("There is no Prepaid Billing Manager either who could be told.")
	assert frappe.db.count("Billing Notice", {"company": company}) == 0
	assert check_low_balances(company)[0].reason.endswith(" Staff were told.") == bool(mail.managers())


def test_staff_that_could_not_be_told_are_told_by_a_later_check(inbox: Inbox) -> None:
	manager, _password = make_manager()
	company = make_company("10")
	with no_email_account():
		(result,) = check_low_balances(company)
	assert result.failed and f"Staff could not be told: {NO_ACCOUNT}" in result.reason
	assert check_low_balances(company)[0].reason.endswith(" Staff were told.")
	assert len(inbox.to(manager)) == 1


def test_one_busy_company_stops_no_other_and_its_row_names_the_error(inbox: Inbox) -> None:
	(busy, busy_address), (other, address) = low_company(), low_company()

	def check(_number: int) -> list:
		with site.connected():
			return check_low_balances()

	with ledger.locked(busy), ThreadPoolExecutor(1) as pool:
		checked = {result.company: result for result in pool.submit(check, 0).result(timeout=120)}
	site.fresh()
	assert (checked[busy].done, checked[busy].failed) == ("failed", True) and "TryAgain" in checked[
		busy
	].reason
	assert checked[other].sent and len(inbox.to(address)) == 1
	(line,) = [line for line in table.lines(list(checked.values())) if line.startswith(busy)]
	assert " Low " in line and " failed " in line and "TryAgain" in line
	assert check_low_balances(busy)[0].sent and len(inbox.to(busy_address)) == 1
