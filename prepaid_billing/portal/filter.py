"""What the address of a page asks for, read by the strict parser; what it refuses is said without our parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TypeVar

from frappe import _

from prepaid_billing import inputs
from prepaid_billing.exceptions import InvalidInput

T = TypeVar("T")


def asked_days(asked: Mapping[str, str]) -> tuple[date | None, date | None]:
	"""Return the first and the last day of the filter, None where it is open. Raises InvalidInput."""
	for name, field in (("from_date", _("From")), ("to_date", _("To"))):
		read(
			lambda name=name: inputs.optional_date(asked[name], name),
			_("In the field “{0}”, choose a day, or leave it empty.").format(field),
		)
	return inputs.days(asked["from_date"], asked["to_date"])


def read(parse: Callable[[], T], refusal: str = "") -> T:
	"""Return what ``parse`` reads. Raises InvalidInput with ``refusal``; without one the address itself is wrong."""
	try:
		return parse()
	except InvalidInput as error:
		words = refusal or _(
			"This address is incomplete. Please open the page again from the navigation above."
		)
		raise InvalidInput(words) from error
