"""Which of several rates applies to a call."""

from dataclasses import FrozenInstanceError
from decimal import Decimal
from itertools import permutations

import pytest

from prepaid_billing.rating.price import Rate
from prepaid_billing.rating.pricelist import PricedRate, applicable

PRICE = Rate(Decimal("0.42"), 1)


def listed(name: str, company: str | None, start: int, end: int | None = None) -> PricedRate:
	return PricedRate(name, company, start, end, PRICE)


def name_of(rates: list[PricedRate], at_us: int) -> str | None:
	"""The rate found, which must not depend on the order in which the database gave them."""
	# Another string object than the rates have: equal is what counts.
	company = "".join(["Ac", "me"])
	found = {applicable(order, company, at_us) for order in permutations(rates)}
	assert len(found) == 1
	rate = found.pop()
	return rate and rate.name


DEFAULT = listed("default", None, 50)


@pytest.mark.parametrize("start", [10, 50, 60])
def test_the_companys_own_rate_beats_the_default_list_older_or_newer(start: int) -> None:
	assert name_of([DEFAULT, listed("own", "Acme", start)], 100) == "own"


@pytest.mark.parametrize("other", ["Acme Two", "Zeta", "AAA"])
def test_the_default_list_serves_a_company_without_a_rate(other: str) -> None:
	assert name_of([DEFAULT, listed("other", other, 60)], 100) == "default"


def test_the_default_list_serves_before_and_after_the_companys_own_rate() -> None:
	rates = [DEFAULT, listed("own", "Acme", 60, 70)]
	assert [name_of(rates, at) for at in (59, 60, 69, 70)] == ["default", "own", "own", "default"]


@pytest.mark.parametrize("company", ["Acme", None])
def test_a_rate_applies_from_its_first_to_before_its_last_instant(company: str | None) -> None:
	rates = [listed("found", company, 10, 20)]
	assert [name_of(rates, at) for at in (9, 10, 11, 19, 20, 21)] == [
		None,
		"found",
		"found",
		"found",
		None,
		None,
	]


def test_a_rate_without_an_end_applies_for_good() -> None:
	assert name_of([DEFAULT], 2**63 - 1) == "default"


def test_a_rate_that_ends_when_it_starts_never_applies() -> None:
	assert name_of([listed("own", "Acme", 10, 10)], 10) is None


@pytest.mark.parametrize("company", ["Acme", None])
def test_the_latest_of_several_valid_rates_applies(company: str | None) -> None:
	rates = [listed("old", company, 10), listed("new", company, 20), listed("future", company, 30)]
	assert [name_of(rates, at) for at in (10, 19, 20, 29, 30)] == ["old", "old", "new", "new", "future"]


@pytest.mark.parametrize("rates", [[], [DEFAULT], [listed("other", "Other", 0)]], ids=len)
def test_no_valid_rate_is_no_rate(rates: list[PricedRate]) -> None:
	assert name_of(rates, 49) is None


def test_a_listed_rate_never_changes() -> None:
	with pytest.raises(FrozenInstanceError):
		DEFAULT.valid_from_us = 0  # type: ignore[misc]
