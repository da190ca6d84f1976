"""What the scheduler runs. Thin: each calls one room. Every one of them is safe to run twice at once.

Frappe names a job by the last two parts of its path, so they are named after the product.
"""

from prepaid_billing.alerts import events, mail, notices
from prepaid_billing.alerts.check import check_low_balances
from prepaid_billing.batch import each
from prepaid_billing.calls import usage_counts
from prepaid_billing.calls.session import expire_stale
from prepaid_billing.ledger import checkpoints, transaction
from prepaid_billing.ledger.verify import verify
from prepaid_billing.log import log
from prepaid_billing.payments import payloads, reconcile
from prepaid_billing.payments.issuing import issue_missing
from prepaid_billing.payments.refunds import complete_planned
from prepaid_billing.payments.topups import refresh_unfinished
from prepaid_billing.payments.webhook import process_waiting


def prepaid_low_balances() -> None:
	"""Warn companies whose balance is low; every 30 minutes. Raises where one of them could not be, for the job's log."""
	failed = [result for result in check_low_balances() if result.failed]
	if failed:
		first = failed[0]
		raise RuntimeError(f"{len(failed)} could not be warned; the first, {first.company}: {first.reason}")


def prepaid_payment_mails() -> None:
	"""Tell customers of payments, refunds and disputes, once each; every minute."""
	# First the documents, so that a mail takes its own along; one that cannot be issued holds up no mail.
	try:
		issue_missing()
	finally:
		notices.tell()


def prepaid_stale_calls() -> None:
	"""Close the calls that nobody ended; every minute."""
	expire_stale()


def prepaid_summaries() -> None:
	"""Write the sums that pages of long histories read; every five minutes."""
	checkpoints.bring_forward()
	usage_counts.bring_forward()


def prepaid_unfinished_topups() -> None:
	"""Go on with what was left unfinished: top-ups, refunds that did not reach Stripe, events that failed; hourly.

	The managers are told first of events that wait for them: where Stripe hangs, each of the others may take a minute, and
	the job's time ends.
	"""
	each((events.tell_of_parked, complete_planned, process_waiting, refresh_unfinished), lambda job: job())


def prepaid_missing_receipts() -> None:
	"""Issue the receipts and credit notes that are due; every minute."""
	issue_missing()


def prepaid_verify_books() -> None:
	"""Check every standing invariant of the books, daily, and tell the managers where one is broken."""
	findings = verify()
	log("books verified", findings=len(findings))
	if findings:
		mail.queue_broken_books(
			[f"{found.subject}: expected {found.expected}, found {found.found}" for found in findings]
		)


def prepaid_reconcile() -> None:
	"""Compare our books with Stripe's, daily, and tell the managers where they differ, or could not be compared."""
	try:
		outcome = reconcile.run()
	except Exception as error:
		reason = f"{type(error).__name__}: {error}"
		# Committed, because Frappe takes back what a failing job has written.
		transaction.run(lambda: mail.queue_failed_comparison(reason))
		raise
	if outcome and outcome.differences:
		mail.queue_different_books(outcome.lines(), [str(difference) for difference in outcome.differences])


def prepaid_silent_webhook() -> None:
	"""Tell the managers where payments were credited of which no event of Stripe came, daily."""
	events.tell_of_silence()


def prepaid_old_payloads() -> None:
	"""Remove what old events of Stripe said, daily."""
	payloads.remove_old()
