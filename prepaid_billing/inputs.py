"""The one strict parser of what comes from outside: API arguments and files.

Each function raises InvalidInput with a sentence that names the argument.
"""

import json
import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from frappe import _

from prepaid_billing.calls.cdr import Cdr
from prepaid_billing.exceptions import InvalidInput
from prepaid_billing.ledger import clock
from prepaid_billing.rating.price import whole_seconds

LONGEST = 7 * 86_400
"""Seconds: more than any call may last."""

MOST_CDRS = 1_000
"""Records that one request may carry."""

MOST_ROWS = 200
"""Rows that one page may carry."""

_RECEIPT_CURSOR = re.compile(r"([0-9]{1,16})-([0-9a-z]{1,20})")
_CDR = frozenset(
	"call_id company duration_sec revision caller callee started_at answered_at ended_at".split()
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_KEY = re.compile(r"[!-~]{1,140}")
_NUMBER = re.compile(r"[0-9]{1,9}")
_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,2})?")
_SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,30})?")


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
	# A float carries noise far below what any clock tells: 60.00000000000001 is a minute, not a second more.
	duration = whole_seconds(Decimal(written).quantize(Decimal("0.000001"), ROUND_HALF_UP))
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


def optional_date(value: object, name: str) -> date | None:
	"""Return a day, or None where it was not sent. Takes ``2026-11-22``."""
	if value is None or value == "":
		return None
	try:
		day = date.fromisoformat(value) if isinstance(value, str) and _DAY.fullmatch(value) else None
	except ValueError:
		day = None
	if day is None or not 1970 < day.year < 2100:
		raise InvalidInput(_("{0} takes a day, such as 2026-11-22.").format(name))
	return day


def days(from_date: object, to_date: object) -> tuple[date | None, date | None]:
	"""Return the first and the last day of a period, None where it is open."""
	first, last = optional_date(from_date, "from_date"), optional_date(to_date, "to_date")
	if first and last and last < first:
		raise InvalidInput(_("The period ends before it begins."))
	return first, last


def optional_choice(value: object, name: str, choices: Iterable[str]) -> str | None:
	"""Return one of the words that are taken, or None where none was sent."""
	if value is None or value == "":
		return None
	known = list(choices)
	if value not in known:
		raise InvalidInput(_("{0} is one of: {1}.").format(name, ", ".join(known)))
	return str(value)


def duration(duration_sec: object, answered_us: int | None, ended_us: int | None) -> int:
	"""Return the whole seconds of a call: as sent, or else between the two instants."""
	if duration_sec is not None:
		return seconds(duration_sec, "duration_sec")
	if answered_us is None or ended_us is None:
		raise InvalidInput(_("Send duration_sec, or both answered_at and ended_at."))
	if ended_us < answered_us:
		raise InvalidInput(_("ended_at lies before answered_at."))
	return seconds(-(-(ended_us - answered_us) // clock.SECOND), "ended_at")


def whole_number(value: object, name: str, least: int = 0) -> int:
	"""Return a whole number below 10^9. Takes 3 and "3"."""
	if isinstance(value, bool) or not isinstance(value, int | str) or not _NUMBER.fullmatch(str(value)):
		raise InvalidInput(_("{0} takes a whole number.").format(name))
	if int(value) < least:
		raise InvalidInput(_("{0} takes a whole number from {1}.").format(name, least))
	return int(value)


def page_size(value: object) -> int:
	"""Return how many rows a page has: up to MOST_ROWS, 50 where it was not sent."""
	rows = 50 if value is None else whole_number(value, "limit", 1)
	if rows > MOST_ROWS:
		raise InvalidInput(_("{0} takes a whole number up to {1}.").format("limit", MOST_ROWS))
	return rows


def receipt_cursor(value: object) -> tuple[int, str] | None:
	"""Return time of issue and name that a page of receipts goes on from, None where it was not sent."""
	if value is None:
		return None
	found = _RECEIPT_CURSOR.fullmatch(value) if isinstance(value, str) else None
	if not found:
		raise InvalidInput(_("{0} takes the next_cursor of the page before.").format("cursor"))
	return int(found[1]), found[2]


def percent(value: object, name: str) -> Decimal:
	"""Return a part of a hundred, above 0 and up to 100, with at most two decimals. Takes 50, 12.5 and "12.5"."""
	is_number = isinstance(value, int | float | str) and not isinstance(value, bool)
	part = Decimal(str(value)) if is_number and _PERCENT.fullmatch(str(value)) else Decimal(0)
	if not 0 < part <= 100:
		raise InvalidInput(_("{0} takes a number above 0 and up to 100.").format(name))
	return part


def flag(value: object, name: str) -> bool:
	"""Return yes or no. Takes true, false, 1, 0, "1" and "0"."""
	if str(value).lower() not in ("true", "false", "1", "0"):
		raise InvalidInput(_("{0} takes 1 or 0.").format(name))
	return str(value).lower() in ("true", "1")


def cdrs(value: object) -> list[object]:
	"""Return the records of a request, as sent; a form carries them as JSON."""
	if isinstance(value, str):
		try:
			value = json.loads(value)
		except (ValueError, RecursionError):
			value = None
	if not isinstance(value, list) or not 0 < len(value) <= MOST_CDRS:
		raise InvalidInput(_("{0} takes a list of 1 to {1} records.").format("cdrs", MOST_CDRS))
	return value


def cdr_columns(names: Iterable[object]) -> None:
	"""Refuse names that a record does not have, so that a misspelt one is not lost."""
	if unknown := set(names) - _CDR:
		raise InvalidInput(_("A record has no {0}.").format(", ".join(sorted(map(str, unknown)))))


def cdr(value: object) -> Cdr:
	"""Return one record of a call."""
	if not isinstance(value, dict):
		raise InvalidInput(_("A record is an object with call_id, company and duration_sec."))
	cdr_columns(value)
	instants = {
		name: optional_instant(value.get(f"{name}_at"), f"{name}_at")
		for name in ("started", "answered", "ended")
	}
	return Cdr(
		call_id=key(value.get("call_id"), "call_id"),
		company=company(value.get("company")),
		duration_sec=duration(value.get("duration_sec"), instants["answered"], instants["ended"]),
		revision=whole_number(0 if value.get("revision") is None else value["revision"], "revision"),
		caller=number(value.get("caller"), "caller"),
		callee=number(value.get("callee"), "callee"),
		started_us=instants["started"],
		answered_us=instants["answered"],
		ended_us=instants["ended"],
	)
