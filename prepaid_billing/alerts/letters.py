"""What each mail to a customer says. Each function is called in the language of the company; amounts are major units."""

from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

import frappe
from frappe import _
from frappe.utils import get_url

from prepaid_billing.display import days_in_words, minutes_in_words, money
from prepaid_billing.payments.issuing import RECEIPT
from prepaid_billing.payments.reasons import claim_in_words, in_words
from prepaid_billing.payments.receipts import title


@dataclass(frozen=True, slots=True)
class Letter:
	"""A mail: its figures as (label, text), the first one large; what it means; and one thing that can be done."""

	subject: str
	headline: str
	rows: list[tuple[str, str]]
	meaning: list[str]
	button: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Payment:
	"""What a mail tells of a payment. ``moved`` is what it added to the balance, or took from it.

	``document`` is its receipt or credit note, where there is one, as ``receipts.find`` gives it.
	"""

	company: str
	currency: str
	amount: Decimal
	moved: Decimal
	available: Decimal
	tax: Decimal = Decimal()
	reason: str = ""
	document: dict | None = None
	is_attached: bool = False
	is_final: bool = False
	stops_calls: bool = False

	def money(self, amount: Decimal) -> str:
		"""Return an amount in the payment's currency."""
		return money(amount, self.currency)


def low_balance(
	level: str,
	company: str,
	available: str,
	threshold: str,
	minutes: int | None,
	days: int | None,
	in_calls: str = "",
) -> Letter:
	"""Return the warning of a level: "Low", "Critical" or "Empty". ``in_calls`` is what calls in progress hold, if any."""
	subject, headline = {
		"Low": (_("Your prepaid balance is low"), _("Your balance is below the threshold that you set.")),
		"Critical": (_("Your prepaid balance is nearly used up"), _("Your balance is nearly used up.")),
		"Empty": (
			_("Your prepaid balance is used up"),
			_("Your balance is used up. New calls cannot be started."),
		),
	}[level]
	rows = [(_("Available"), available)]
	if in_calls:
		rows.append((_("In calls"), in_calls))
	if minutes:
		rows.append((_("Enough for about"), minutes_in_words(minutes)))
	if days is not None and level != "Empty":
		rows.append((_("Lasts, based on the last 7 days"), days_in_words(days)))
	rows.append((_("Your threshold"), threshold))
	return Letter(
		f"{subject}: {company}",
		headline,
		rows,
		[
			_(
				"When the balance is used up, calls in progress end and new ones cannot be started until you top up."
			)
		],
		(_("Top up"), address("/topup", company)),
	)


def topup_received(payment: Payment) -> Letter:
	"""Return the mail on a top-up that was paid."""
	amount = payment.money(payment.moved)
	rows = [(_("Added to your balance"), amount), (_("Paid"), payment.money(payment.amount))]
	if payment.tax:
		rows.append((_("VAT included"), payment.money(payment.tax)))
	return Letter(
		_("Top-up of {0} received").format(amount) + f": {payment.company}",
		_("{0} was added to your balance.").format(amount),
		[*rows, _now(payment)],
		_document(payment),
		_balance(payment),
	)


def document(payment: Payment) -> Letter:
	"""Return the mail on a receipt or credit note that was issued when the mail on its money was gone."""
	issued = frappe._dict(payment.document or {})
	name = f"{title(issued)} {issued.receipt_number}"
	rows = [(_("Amount"), payment.money(payment.amount))]
	if payment.tax:
		rows.append((_("VAT included"), payment.money(payment.tax)))
	return Letter(
		f"{name}: {payment.company}",
		name,
		rows,
		_document(payment),
		(_("See your payments"), address("/transactions", payment.company)),
	)


def payment_failed(payment: Payment) -> Letter:
	"""Return the mail on a payment that was on its way and did not arrive."""
	rows = [(_("Payment"), payment.money(payment.amount))]
	if payment.reason:
		rows.append((_("Reason"), in_words(payment.reason)))
	return Letter(
		_("Your payment did not go through") + f": {payment.company}",
		_("Your payment of {0} did not go through.").format(payment.money(payment.amount)),
		[*rows, _now(payment)],
		[_("Nothing was added to your balance. You can start a new top-up, also with another way to pay.")],
		(_("Start a new top-up"), address("/topup", payment.company)),
	)


def refund(payment: Payment) -> Letter:
	"""Return the mail on a refund to the card or account that was paid with."""
	rows = [
		(_("Refund"), payment.money(payment.amount)),
		(_("Taken from your balance"), payment.money(payment.moved)),
	]
	return Letter(
		_("Refund of {0}").format(payment.money(payment.amount)) + f": {payment.company}",
		_("We have refunded {0}.").format(payment.money(payment.amount)),
		[*rows, _now(payment)],
		[
			_(
				"The money goes back to the card or account that you paid with. This may take your bank a few days."
			),
			*_document(payment),
		],
		_balance(payment),
	)


def refund_failed(payment: Payment) -> Letter:
	"""Return the mail on a refund that did not reach the card."""
	return Letter(
		_("Your refund did not go through") + f": {payment.company}",
		_("The refund of {0} did not go through.").format(payment.money(payment.amount)),
		[(_("Refund"), payment.money(payment.amount)), _now(payment)],
		[
			# Less than the refund where only its net part was credited.
			_(
				"The amount taken from your balance is back there. We will contact you about another way to pay it out."
			),
			*_document(payment),
		],
		_balance(payment),
	)


def dispute(payment: Payment) -> Letter:
	"""Return the mail on a payment that the customer's bank has taken back."""
	rows = [
		(_("Dispute"), payment.money(payment.amount)),
		(_("Taken from your balance"), payment.money(payment.moved)),
	]
	if reason := claim_in_words(payment.reason):
		rows.append((_("Reason"), reason))
	return Letter(
		_("Your bank has taken back a payment") + f": {payment.company}",
		_("Your bank has taken back a payment of {0}.").format(payment.money(payment.amount)),
		[*rows, _now(payment)],
		_how_it_goes_on(payment),
		_balance(payment),
	)


def dispute_lost(payment: Payment) -> Letter:
	"""Return the mail on a payment that stood again and that the bank has taken back after all."""
	rows = [
		(_("Dispute"), payment.money(payment.amount)),
		(_("Taken from your balance"), payment.money(payment.moved)),
	]
	return Letter(
		_("Your bank has taken back a payment after all") + f": {payment.company}",
		_("Your bank has taken back a payment of {0} after all.").format(payment.money(payment.amount)),
		[*rows, _now(payment)],
		[
			_(
				"The payment had counted again in the meantime. If you did not want this, ask your bank or contact us."
			)
		],
		_balance(payment),
	)


def dispute_won(payment: Payment) -> Letter:
	"""Return the mail on a payment that stands again."""
	return Letter(
		_("A payment counts again") + f": {payment.company}",
		_("The payment of {0} that your bank had taken back counts again.").format(
			payment.money(payment.amount)
		),
		[(_("Payment"), payment.money(payment.amount)), _now(payment)],
		[_("The amount that the dispute had taken is back on your balance.")],
		_balance(payment),
	)


def invitation(company: str, invited_by: str, is_owner: bool, may_top_up: bool) -> Letter:
	"""Return the mail to somebody with a login whom a company asks to join, with the rights that they would have."""
	if is_owner:
		rights = _("You could see it, and change settings and users.")
	else:
		rights = _("You could see it and top it up.") if may_top_up else _("You could see it.")
	return Letter(
		_("Invitation to a prepaid balance") + f": {company}",
		_("{0} invites you to its prepaid balance.").format(company),
		[(_("Invited By"), invited_by)],
		[rights, _("Nothing is shared and nothing changes for you until you accept.")],
		(_("Answer the invitation"), get_url("/business/billing")),
	)


def address(subpage: str, company: str) -> str:
	"""Return the whole address of one of the customer's pages."""
	return get_url(f"/business/billing{subpage}?" + urlencode({"company": company}))


def _document(payment: Payment) -> list[str]:
	if not payment.document:
		return []
	is_receipt, is_test = payment.document["kind"] == RECEIPT, not payment.document["livemode"]
	if not payment.is_attached:
		place = address("/transactions", payment.company)
		if is_receipt:
			return [_("You will find the receipt next to the payment: {0}").format(place)]
		return [_("You will find the document next to the payment: {0}").format(place)]
	if is_test and is_receipt:
		return [_("A test receipt is attached: no money moved, and it is no tax document.")]
	if is_test:
		return [_("A test document is attached: no money moved, and it is no tax document.")]
	return [_("The receipt is attached.") if is_receipt else _("The document is attached.")]


def _how_it_goes_on(payment: Payment) -> list[str]:
	"""Return what a dispute means for the calls, and what can be done about it."""
	if payment.is_final:
		return [_("Your bank's decision is final. If it is a mistake, please contact us.")]
	what_to_do = _("If you did not want this, ask your bank to withdraw it, or contact us.")
	return [_("Until it is settled, new calls cannot be started."), what_to_do][not payment.stops_calls :]


def _now(payment: Payment) -> tuple[str, str]:
	return _("Available now"), payment.money(payment.available)


def _balance(payment: Payment) -> tuple[str, str]:
	return _("See your balance"), address("", payment.company)
