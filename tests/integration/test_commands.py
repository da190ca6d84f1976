"""The command line, run as an admin runs it."""

import os
import re
import subprocess
from pathlib import Path

import frappe
import pytest
from frappe.utils import get_system_timezone

from prepaid_billing.calls import session
from prepaid_billing.ledger import constraints
from prepaid_billing.permissions import CUSTOMER, GATEWAY, MANAGER, STAFF
from tests import site
from tests.factories import make_company, new_id


def bench(*arguments: str, exit_code: int = 0, site_name: str = site.NAME) -> str:
	"""Run ``bench --site SITE ...`` and return what it printed."""
	bench_dir = Path(os.environ["PB_BENCH_DIR"])
	command = [bench_dir / "env/bin/python", "-m", "frappe.utils.bench_helper", "frappe", "--site", site_name]
	done = subprocess.run(
		[*command, *arguments],
		cwd=bench_dir / "sites",
		capture_output=True,
		text=True,
		timeout=300,
		stdin=subprocess.DEVNULL,
	)
	assert done.returncode == exit_code, done.stdout + done.stderr
	return done.stdout


def test_verify_ledger_is_green_and_turns_red_when_one_row_is_changed_by_sql() -> None:
	company = make_company("10")
	assert "The books are whole." in bench("prepaid-billing", "verify-ledger")
	frappe.db.sql("UPDATE `tabBalance Transaction` SET amount = amount + 1 WHERE balance = %s", (company,))
	frappe.db.commit()
	try:
		printed = bench("prepaid-billing", "verify-ledger", exit_code=1)
	finally:
		frappe.db.sql(
			"UPDATE `tabBalance Transaction` SET amount = amount - 1 WHERE balance = %s", (company,)
		)
		frappe.db.commit()
	assert "BROKEN" in printed and f"{company} #1" in printed
	assert "expected 11.000000000, found 10.000000000" in printed


def test_check_low_balances_prints_what_it_did_and_why() -> None:
	company = make_company("10", billing_emails="billing@example.com")
	dry = bench("prepaid-billing", "check-low-balances", "--company", company, "--dry-run")
	assert company in dry and "The balance fell to this level." in dry and "dry run: nothing was sent" in dry
	assert "1 checked, 1 warned" in bench("prepaid-billing", "check-low-balances", "--company", company)
	again = bench("prepaid-billing", "check-low-balances", "--company", company)
	assert "A warning was sent within the interval." in again
	assert "There is no such company." in bench(
		"prepaid-billing", "check-low-balances", "--company", "None", exit_code=1
	)


def test_status_counts_what_waits_and_tells_times_to_the_second() -> None:
	printed = bench("prepaid-billing", "status")
	assert re.search(r"^  mails that wait in the Email Queue +\d+$", printed, re.M)
	assert re.search(r"^  mails that could not be sent +\d+$", printed, re.M)
	assert f"(all times in {get_system_timezone()})" in printed
	assert re.search(r"^  top-ups without a receipt +\d+", printed, re.M)
	assert not re.search(r"\d\d:\d\d:\d\d\.\d", printed)


def test_status_of_a_company_says_what_refuses_its_calls() -> None:
	for balance, fields, said in (
		("5", {}, ""),
		("0.004", {}, "new calls are REFUSED: what is available pays for none"),
		("5", {"status": "Suspended"}, "new calls are REFUSED: suspended"),
	):
		printed = bench("prepaid-billing", "status", "--company", make_company(balance, **fields))
		assert said in printed and ("REFUSED" in printed) == bool(said)


def test_status_lists_the_scheduled_jobs_with_their_last_run() -> None:
	printed = bench("prepaid-billing", "status")
	for job, cron in {
		"prepaid_low_balances": "*/30 * * * *",
		"prepaid_stale_calls": "* * * * *",
		"prepaid_missing_receipts": "* * * * *",
		"prepaid_unfinished_topups": "Hourly Long",
		"prepaid_verify_books": "Daily Long",
		"prepaid_reconcile": "Daily Long",
		"prepaid_silent_webhook": "Daily Long",
	}.items():
		(line,) = [line for line in printed.splitlines() if job in line]
		assert cron in line and "last run" in line
	assert "all constraints are there" in printed


def test_status_says_why_a_call_was_not_charged() -> None:
	company, call = make_company("10"), new_id()
	session.authorize(call, company)
	assert "the gateway has not called calls.end" in bench("prepaid-billing", "status", "--call", call)
	session.end(call, 15)
	assert "booked -0.105000 EUR as Call Charge" in bench("prepaid-billing", "status", "--call", call)
	assert "0.420000 a minute" in bench("prepaid-billing", "status", "--company", company)


@pytest.mark.parametrize(
	"kind,sentence",
	[
		("company", "There is no such company."),
		("call", "There is no call nope: it was never authorised here."),
		("topup", "There is no such top-up."),
	],
)
def test_status_of_what_is_not_there_says_so_and_fails(kind: str, sentence: str) -> None:
	assert sentence in bench("prepaid-billing", "status", f"--{kind}", "nope", exit_code=1)


def schema() -> dict[str, str]:
	"""Every table of the product as the database describes it."""
	site.fresh()
	doctypes = frappe.get_all("DocType", {"module": "Prepaid Billing", "issingle": 0}, pluck="name")
	return {name: frappe.db.sql(f"SHOW CREATE TABLE `tab{name}`")[0][1] for name in doctypes}


def test_migrating_twice_changes_nothing() -> None:
	before = schema()
	settings = frappe.get_doc("Prepaid Billing Settings").as_dict()
	for _time in range(2):
		bench("migrate", "--skip-search-index")
		assert schema() == before
	assert frappe.get_doc("Prepaid Billing Settings").as_dict() == settings
	assert constraints.missing() == []


@pytest.mark.parametrize(
	"drop,again,named",
	[
		(
			"ALTER TABLE `tabStripe Event` DROP INDEX event_id",
			"ALTER TABLE `tabStripe Event` ADD UNIQUE INDEX event_id (event_id)",
			"unique index of Stripe Event.event_id",
		),
		(
			"ALTER TABLE `tabBalance Topup` DROP CONSTRAINT pb_topup_amount",
			"ALTER TABLE `tabBalance Topup` ADD CONSTRAINT pb_topup_amount CHECK (amount > 0 AND amount_paid >= 0 AND credited >= 0)",
			"pb_topup_amount",
		),
	],
	ids=["index", "check"],
)
def test_a_missing_index_or_check_is_named(drop: str, again: str, named: str) -> None:
	frappe.db.sql_ddl(drop)
	try:
		assert constraints.missing() == [named]
	finally:
		frappe.db.sql_ddl(again)
	assert constraints.missing() == []


@pytest.mark.parametrize("role,desk_access", [(MANAGER, 1), (STAFF, 1), (CUSTOMER, 0), (GATEWAY, 0)])
def test_the_roles_come_with_the_install(role: str, desk_access: int) -> None:
	assert frappe.db.get_value("Role", role, "desk_access") == desk_access


def test_the_default_price_list_and_the_settings_come_with_the_install() -> None:
	rate = frappe.get_all(
		"Billing Rate",
		{"company": ["is", "not set"], "currency": "EUR"},
		["rate_per_minute", "billing_increment"],
	)
	assert rate == [{"rate_per_minute": 0.42, "billing_increment": 1}]
	assert frappe.get_doc("Prepaid Billing Settings").topup_minimum == 10


NOBODY_WRITES = ["Balance Transaction", "Call Charge", "Balance Topup", "Stripe Event", "Billing Refund", "Billing Dispute",
	"Billing Receipt", "Billing Receipt Year", "Billing Reconciliation", "Accepted Difference", "Balance Adjustment", "Low Balance Warning", "Billing Notice", "Billing Invitation"]  # fmt: skip


@pytest.mark.parametrize("doctype", NOBODY_WRITES)
def test_no_role_may_write_what_the_product_writes_itself(doctype: str) -> None:
	permissions = frappe.get_all(
		"DocPerm",
		{"parent": doctype},
		["role", "write", "create", "delete", "submit", "cancel", "amend", "import"],
	)
	assert {row.role for row in permissions} == {MANAGER, STAFF, "System Manager"}
	for row in permissions:
		assert not any(
			row[right] for right in ("write", "create", "delete", "submit", "cancel", "amend", "import")
		)


def test_the_payload_of_an_event_is_for_one_role() -> None:
	(permission,) = frappe.get_all(
		"DocPerm", {"parent": "Stripe Event Payload"}, ["role", "write", "export", "create"]
	)
	assert (permission.role, permission.write, permission.export, permission.create) == (MANAGER, 0, 0, 0)
	assert not frappe.get_meta("Stripe Event").has_field("payload")


def test_install_and_uninstall_leave_a_site_as_they_found_it() -> None:
	"""On a site of its own, made and dropped here."""
	name = f"lifecycle-{new_id('')[1:9]}.localhost"
	database = ["--db-host", "127.0.0.1", "--db-port", os.environ["PB_DB_PORT"], "--db-root-username", "root"]
	password = ["--db-root-password", os.environ["PB_DB_ROOT_PASSWORD"]]
	bench(
		"new-site",
		name,
		"--admin-password",
		"admin",
		*database,
		*password,
		"--mariadb-user-host-login-scope=%",
		site_name=name,
	)
	try:
		bench("install-app", "prepaid_billing", site_name=name)
		assert bench("list-apps", site_name=name).split() == ["frappe", "prepaid_billing"]
		bench("uninstall-app", "prepaid_billing", "--yes", "--no-backup", site_name=name)
		left = bench(
			"execute", "frappe.db.sql_list", "--args",
			"[\"SELECT name FROM tabDocType WHERE module = 'Prepaid Billing' UNION SELECT name FROM tabRole "
			"WHERE name IN ('Prepaid Billing Manager', 'Prepaid Billing User', 'Prepaid Billing Customer', 'Call Gateway') UNION SELECT name FROM `tabModule Def` "
			"WHERE name = 'Prepaid Billing' UNION SELECT table_name FROM information_schema.tables "
			"WHERE table_schema = DATABASE() AND table_name IN ('tabPrepaid Balance', 'tabCall Charge')\"]",
			site_name=name,
		)  # fmt: skip
		assert left.strip() in ("", "[]")
		bench("install-app", "prepaid_billing", site_name=name)
		assert "The books are whole." in bench("prepaid-billing", "verify-ledger", site_name=name)
	finally:
		bench(
			"drop-site",
			name,
			"--force",
			"--no-backup",
			"--root-login",
			"root",
			"--root-password",
			password[1],
			site_name=name,
		)
