"""Stripe's test accounts for SEPA debit: what each IBAN does, days after it was debited."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from stripe_simulator.behaviour import Behaviour

GROUPED_TEST_ACCOUNTS = {
	"DE89 3704 0044 0532 0130 00": "account_pays",
	"DE62 3704 0044 0532 0130 01": "account_fails",
}
"""The accounts the Checkout page tells about, each with the key of its text."""

_BEHAVIOURS = {
	"DE62370400440532013001": Behaviour(debit_fails=True),
	"AT861904300235473202": Behaviour(debit_fails=True),
	"DE35370400440532013002": Behaviour(dispute="debit_not_authorized"),
	"AT591904300235473203": Behaviour(dispute="debit_not_authorized"),
}
"""docs.stripe.com/payments/sepa-debit/accept-a-payment#test-integration; any other account pays."""


@dataclass(frozen=True)
class BankAccount:
	"""A bank account without its number."""

	country: str
	bank_code: str
	last4: str
	fingerprint: str
	behaviour: Behaviour


def account_of(iban: str) -> BankAccount:
	"""Return the account of a valid IBAN without blanks; the number itself is kept nowhere."""
	fingerprint = hashlib.sha256(iban.encode()).hexdigest()[:16]
	behaviour = _BEHAVIOURS.get(iban, Behaviour())
	return BankAccount(iban[:2], iban[4:12], iban[-4:], fingerprint, behaviour)


def normal_iban(typed: str) -> str:
	"""Return an IBAN in capitals without blanks, or nothing where its check digits (ISO 13616) are wrong."""
	iban = re.sub(r"\s", "", typed).upper()
	if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", iban):
		return ""
	digits = "".join(str(int(character, 36)) for character in iban[4:] + iban[:4])
	return iban if int(digits) % 97 == 1 else ""
