"""How a company stands, in a word: what stops its calls, else the level of its balance. And those of a user's others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from frappe import _

from prepaid_billing.alerts import balances
from prepaid_billing.calls import stops

NO_PRICE = "no price"


@dataclass(frozen=True, slots=True)
class Standing:
	"""A word for the customer and its colour; ``is_well`` where there is nothing to do."""

	word: str
	color: str
	is_well: bool = False


def in_word(stop: str, level: str, has_price: bool) -> Standing:
	"""Return the word for what stops new calls, or for the level of the balance where nothing does."""
	if not has_price:
		stop = stop or NO_PRICE
	if stop:
		words = {
			stops.SUSPENDED: _("Suspended"),
			stops.SWITCHED_OFF: _("Switched off"),
			stops.FROZEN: _("Frozen"),
			stops.DISPUTED: _("Payment disputed"),
			NO_PRICE: _("No price"),
		}
		return Standing(words[stop], "empty")
	words = {"": _("Good"), "Low": _("Low"), "Critical": _("Critical"), "Empty": _("Used up")}
	return Standing(words[level], (level or "Good").lower(), not level)


def of_companies(companies: Sequence[str]) -> dict[str, Standing]:
	"""Return how each company stands, by two queries for all of them."""
	stopped = stops.stops_of(companies)
	return {
		name: in_word(stopped[name], level, has_price)
		for name, (level, has_price) in balances.levels(companies).items()
	}
