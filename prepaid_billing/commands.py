"""bench --site SITE prepaid-billing ...: each command prints what it did and why."""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path

import click
import frappe
from frappe.commands import get_site, pass_context


@click.group("prepaid-billing")
def prepaid_billing() -> None:
	"""Prepaid balances: warnings, proof of the books, state of the jobs."""


def on_site(command: Callable[..., int]) -> Callable:
	"""Run a command on the chosen site and exit with the number that it returns."""

	@pass_context
	@wraps(command)
	def wrapped(context, **options):
		frappe.init(site=get_site(context))
		frappe.connect()
		try:
			sys.exit(command(**options))
		finally:
			frappe.destroy()

	return wrapped


@prepaid_billing.command("check-low-balances")
@click.option("--company", help="Only this company, also when its balance is not low.")
@click.option("--dry-run", is_flag=True, help="Print what would be done; send and write nothing.")
@on_site
def check_low_balances(company: str | None, dry_run: bool) -> int:
	"""Warn the companies whose available balance is below their threshold, and say why or why not.

	Exit 1 where a company could not be checked, or a mail that is due could not be made.
	"""
	import logging

	from prepaid_billing.alerts import check, table
	from prepaid_billing.exceptions import UnknownCompany

	# It complains of Frappe's own mail styles, which looks like a failure of the check.
	logging.getLogger("CSSUTILS").setLevel(logging.CRITICAL)
	try:
		checked = check.check_low_balances(company, dry_run)
	except UnknownCompany as error:
		click.echo(error)
		return 1
	for line in table.lines(checked):
		click.echo(line)
	for line in [*([table.last_warning(company)] if company else []), *table.hindrances()]:
		click.echo(line)
	click.echo(table.ending(checked, dry_run))
	return int(any(result.failed for result in checked))


@prepaid_billing.command("verify-ledger")
@on_site
def verify_ledger() -> int:
	"""Check every standing invariant of the books; exit 1 and name the first bad rows where one is broken."""
	from prepaid_billing.ledger.verify import CHECKS, verify

	findings = verify()
	broken = {finding.check for finding in findings}
	for check in CHECKS:
		click.echo(f"{'BROKEN' if check.name in broken else 'ok':<7} {check.name}")
	for finding in findings:
		click.echo(
			f"  {finding.subject}: expected {finding.expected}, found {finding.found}  [{finding.check}]"
		)
	click.echo(f"{len(findings)} findings" if findings else "The books are whole.")
	return 1 if findings else 0


@prepaid_billing.command("reconcile")
@click.option(
	"--days",
	type=click.IntRange(1, 3650),
	help="How far to look back; without it to 30 days before the last comparison without difference.",
)
@on_site
def reconcile(days: int | None) -> int:
	"""Compare the books with Stripe's lists and make good what no webhook told; exit 1 where they differ."""
	from prepaid_billing.alerts import mail
	from prepaid_billing.exceptions import BillingError
	from prepaid_billing.payments import reconcile as comparison

	try:
		outcome = comparison.run(days, lambda what, count: click.echo(f"{count:>9} {what} read"))
	except BillingError as error:
		click.echo(error)
		return 1
	if not outcome:
		click.echo("There never was a top-up: nothing to compare.")
		return 0
	click.echo(
		f"{outcome.compared:>9} of ours, {outcome.healed} made good; of the payments {outcome.not_paid} not paid,"
		f" {outcome.not_ours} not ours, {outcome.elsewhere} of other installations"
	)
	for line in [*outcome.lines(), *(f"  {finding}" for finding in outcome.findings())]:
		click.echo(line)
	if not outcome.differences:
		but = ", but for what was accepted" if outcome.accepted else ""
		click.echo(f"Our books and Stripe's are equal{but}.")
		return 0
	mail.queue_different_books(outcome.lines(), [str(difference) for difference in outcome.differences])
	frappe.db.commit()
	return 1


@prepaid_billing.command("name-copy")
@click.confirmation_option(
	prompt="Only for a copy of a site, as for tests: the comparison here no longer misses what the other one was paid. Go on?"
)
@on_site
def name_copy() -> int:
	"""Tell a copy of a site from the site on one account of Stripe, so that their comparisons do not alarm each other."""
	from prepaid_billing.payments import installation

	click.echo(f"This installation is {installation.rename()} from now on.")
	frappe.db.commit()
	return 0


@prepaid_billing.command("import-cdrs")
@click.argument("path", type=click.Path(path_type=Path))
@on_site
def import_cdrs(path: Path) -> int:
	"""Charge or correct calls by a CSV file of CDRs; exit 1 where lines were refused. Goes on where it was stopped.

	The first line names the columns: call_id, company, duration_sec, and optionally revision, caller, callee,
	started_at, answered_at, ended_at. Refused lines go to PATH.refused.csv, with the reason.
	"""
	from prepaid_billing.calls.cdr import ACCEPTED, DUPLICATE, REFUSED
	from prepaid_billing.cdr_file import CdrFile
	from prepaid_billing.exceptions import BillingError

	# bench runs commands in its sites folder, whatever folder the path was meant from.
	found = next((place for place in (path, ".." / path) if place.is_file()), None)
	if not found:
		click.echo(f"There is no file {path}. Give its whole path, or one from the bench folder.")
		return 1
	file = CdrFile(found)
	try:
		with click.progressbar(length=file.size, label=path.name) as bar:
			done = file.book(lambda read: bar.update(read - bar.pos))
	except BillingError as error:
		click.echo(error)
		return 1
	except OSError as error:
		click.echo(
			f"{error.filename or path}: {error.strerror}. The user that runs bench must be able to read the file and "
			"to write beside it. What was booked stays booked: mend that and run it again."
		)
		return 1
	for result in (ACCEPTED, DUPLICATE, REFUSED):
		click.echo(f"{done.counts.get(result, 0):>9} {result}")
	for code, count in sorted(done.reasons.items()):
		click.echo(f"{count:>11} {code}")
	if not done.counts.get(REFUSED):
		return 0
	click.echo(f"The refused lines, each with its reason: {file.refused}")
	return 1


@prepaid_billing.command("status")
@click.option("--company", help="The balance, rate and last calls of this company as well.")
@click.option("--call", "call_id", help="What became of this call.")
@click.option("--topup", help="What became of this top-up.")
@on_site
def status(company: str | None, call_id: str | None, topup: str | None) -> int:
	"""Print the state of the product: jobs with their last run, payments, queues; or of one record.

	Exit 1 where there is no such record.
	"""
	from prepaid_billing import status as state
	from prepaid_billing.exceptions import BillingError

	asked = ((state.company, company), (state.call, call_id), (state.topup, topup))
	try:
		sections = [tell(name) for tell, name in asked if name] or state.overview()
	except BillingError as error:
		click.echo(error)
		return 1
	for title, lines in sections:
		click.secho(title, bold=True)
		for line in lines:
			click.echo(f"  {line}")
	return 0


commands = [prepaid_billing]
