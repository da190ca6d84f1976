"""Which of several rates applies to a call."""

from decimal import Decimal

from prepaid_billing.rating.price import Rate
from prepaid_billing.rating.pricelist import PricedRate, applicable

PRICE = Rate(Decimal("0.42"), 1)


def listed(name: str, company: str | None, start: int, end: int | None = None) -> PricedRate:
	return PricedRate(name, company, start, end, PRICE)


def name_of(rates: list[PricedRate], at_us: int) -> str | None:
	found = applicable(rates, "Acme", at_us)
	return found and found.name


def test_the_companys_own_rate_beats_the_default_list_even_when_older() -> None:
	assert name_of([listed("default", None, 50), listed("own", "Acme", 10)], 100) == "own"


def test_the_default_list_serves_a_company_without_a_rate() -> None:
	assert name_of([listed("default", None, 50), listed("other", "Other", 10)], 100) == "default"


def test_a_rate_applies_from_its_first_to_before_its_last_instant() -> None:
	rates = [listed("own", "Acme", 10, 20)]
	assert [name_of(rates, at) for at in (9, 10, 19, 20)] == [None, "own", "own", None]


def test_the_latest_of_several_valid_rates_applies() -> None:
	assert name_of([listed("old", "Acme", 10), listed("new", "Acme", 20)], 20) == "new"


def test_no_rate_is_no_rate() -> None:
	assert name_of([], 100) is None
