"""The payment form: what was typed, and what is wrong with it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from stripe_simulator.bank_accounts import BankAccount, account_of, normal_iban
from stripe_simulator.cards import Card, card_of, is_card_number
from stripe_simulator.fields import is_email


@dataclass(frozen=True)
class PaymentForm:
	"""A submitted form. `errors` maps input names to keys of the texts, in the order of the page."""

	email: str
	name: str
	instrument: Card | BankAccount | None
	errors: dict[str, str] = field(default_factory=dict)


def chosen_method(sent: Mapping[str, str], types: list[str]) -> str:
	"""Return the kind of payment method that was chosen, which is the first one offered unless told otherwise."""
	chosen = sent.get("method", "")
	return chosen if chosen in types else types[0]


def read_form(sent: Mapping[str, str], known_email: str | None, now: int, types: list[str]) -> PaymentForm:
	"""Check what was typed; `now` in Unix seconds decides whether the card has expired."""
	email = known_email or sent.get("email", "").strip()
	name = sent.get("name", "").strip()
	by_card = chosen_method(sent, types) == "card"
	instrument, wrong = _read_card(sent, now) if by_card else _read_account(sent)
	errors = {
		"email": "" if is_email(email) else "invalid_email",
		**wrong,
		"name": "" if name else "invalid_name" if by_card else "invalid_holder",
	}
	wrong = {input: error for input, error in errors.items() if error}
	return PaymentForm(email, name, None if wrong else instrument, wrong)


def _read_card(sent: Mapping[str, str], now: int) -> tuple[Card | None, dict[str, str]]:
	number = re.sub(r"[\s-]", "", sent.get("number", ""))
	expiry = _expiry_of(sent.get("expiry", ""))
	errors = {
		"number": "" if is_card_number(number) else "invalid_number",
		"expiry": _expiry_error(expiry, now),
		"cvc": "" if re.fullmatch(r"[0-9]{3,4}", sent.get("cvc", "").strip()) else "invalid_cvc",
	}
	return card_of(number, *expiry) if expiry else None, errors


def _read_account(sent: Mapping[str, str]) -> tuple[BankAccount | None, dict[str, str]]:
	iban = normal_iban(sent.get("iban", ""))
	return account_of(iban) if iban else None, {"iban": "" if iban else "invalid_iban"}


def _expiry_of(typed: str) -> tuple[int, int] | None:
	"""Return month and full year of `12/34`, `12 / 2034` or `1234`."""
	match = re.fullmatch(r"\s*(0?[1-9]|1[0-2])\s*[/.-]\s*(?:20)?([0-9]{2})\s*", typed)
	match = match or re.fullmatch(r"\s*(0[1-9]|1[0-2])\s*(?:20)?([0-9]{2})\s*", typed)
	return (int(match[1]), 2000 + int(match[2])) if match else None


def _expiry_error(expiry: tuple[int, int] | None, now: int) -> str:
	if expiry is None:
		return "invalid_expiry"
	today = time.gmtime(now)
	month, year = expiry
	return "expired" if (year, month) < (today.tm_year, today.tm_mon) else ""
