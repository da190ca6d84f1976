"""The one strict parser of API arguments. Each raises InvalidInput with a sentence that names the argument."""

import re
from datetime import datetime
from decimal import Decimal

from frappe import _

from prepaid_billing.exceptions import InvalidInput
from prepaid_billing.ledger import clock
from prepaid_billing.rating.price import whole_seconds

LONGEST = 7 * 86_400
"""Seconds: more than any call may last."""

_KEY = re.compile(r"[!-~]{1,140}")
_SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")


def key(value: object, name: str) -> str:
	"""Return an id from outside: printable ASCII without blanks, 1-140 characters."""
	if not isinstance(value, str) or not _KEY.fullmatch(value):
		raise InvalidInput(_("{0} takes 1 to 140 printable ASCII characters without blanks.").format(name))
	return value


def optional_key(value: object, name: str) -> str | None:
	"""Return an id from outside, or None where it was not sent."""
	return None if value is None else key(value, name)


def text(value: object, name: str, most: int = 140) -> str:
	"""Return a text of one line, "" where it was not sent."""
	if value is None:
		return ""
	if not isinstance(value, str) or len(value) > most or not value.isprintable():
		raise InvalidInput(_("{0} takes one line of at most {1} characters.").format(name, most))
	return value


def number(value: object, name: str) -> str:
	"""Return a telephone number or address, "" where it was not sent.

	In a form a plus that was not encoded arrives as a blank, and no number begins with one.
	"""
	return re.sub(r"^ (?=[0-9])", "+", text(value, name)).strip()


def company(value: object) -> str:
	"""Return the name of a company. Raises InvalidInput where none was sent."""
	name = text(value, "company")
	if not name:
		raise InvalidInput(_("{0} is missing.").format("company"))
	return name


def optional_company(value: object) -> str | None:
	"""Return the name of a company, or None where it was not sent."""
	return None if value is None else company(value)


def seconds(value: object, name: str) -> int:
	"""Return a duration in whole seconds, a started one counting whole. Takes 157, 156.4, "157" and "156.4"."""
	written = format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value)
	if isinstance(value, bool) or not isinstance(value, int | float | str) or not _SECONDS.fullmatch(written):
		raise InvalidInput(_("{0} takes a number of seconds from 0, such as 157.").format(name))
	duration = whole_seconds(Decimal(written))
	if duration > LONGEST:
		raise InvalidInput(_("{0} is longer than any call may last.").format(name))
	return duration


def optional_seconds(value: object, name: str) -> int:
	"""Return a duration of at least one second, or 0 where it was not sent."""
	if value is None:
		return 0
	duration = seconds(value, name)
	if duration == 0:
		raise InvalidInput(_("{0} takes at least one second.").format(name))
	return duration


def optional_instant(value: object, name: str) -> int | None:
	"""Return an instant in UTC microseconds from ISO 8601 with offset, or None where it was not sent."""
	if value is None:
		return None
	try:
		moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
	except ValueError:
		moment = None
	if not isinstance(value, str) or moment is None or moment.utcoffset() is None:
		raise InvalidInput(
			_("{0} takes a time with its offset, such as 2026-11-22T14:05:00+01:00.").format(name)
		)
	instant = clock.from_aware(moment)
	if not 0 <= instant < 2**52:
		raise InvalidInput(_("{0} lies outside of the times that we keep.").format(name))
	return instant
