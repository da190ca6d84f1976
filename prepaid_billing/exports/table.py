"""Tables as text: RFC 4180 for programs, and one that Excel opens with a double click. Streamed, row by row."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import frappe
from frappe import _
from werkzeug.wrappers import Response

from prepaid_billing.ledger import clock
from prepaid_billing.rating.money import as_text

PLAIN, EXCEL = "csv", "excel"
_FORMULA = frozenset("=+-@＝＋－＠\t\r")
_TELEPHONE = re.compile(r"\+[0-9][0-9 ]*")
_LOOKS_LIKE_A_NUMBER = re.compile(r"\+?[0-9][0-9 .,:/eE-]*")
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Instant:
	"""A moment in a table: UTC microseconds, and the time zone whose clocks it is written by."""

	us: int
	zone: ZoneInfo


Cell = str | int | Decimal | Instant | date | None


def response(flavour: str, filename: str, header: list[str], rows: Iterable[list[Cell]]) -> Response:
	"""Return a download whose rows are read while it is sent: a long table takes no more memory than a short one."""
	answer = Response(lines(flavour, header, rows), mimetype="text/csv", direct_passthrough=True)
	answer.headers["Content-Type"] = "text/csv; charset=utf-8"
	answer.headers.add("Content-Disposition", "attachment", filename=f"{filename}.csv")
	answer.headers["Cache-Control"] = "private, no-store"
	return answer


def named(what: str, flavour: str) -> str:
	"""Return what a table holds, so that both kinds of the same one can lie in one folder."""
	return f"{what} {_('Data')}" if flavour == PLAIN else what


def lines(flavour: str, header: list[str], rows: Iterable[list[Cell]]) -> Iterator[bytes]:
	"""Yield the lines of a table in UTF-8: PLAIN, or EXCEL as the user's language has it."""
	german = flavour == EXCEL and (frappe.local.lang or "").startswith("de")
	buffer = io.StringIO()
	writer = csv.writer(buffer, delimiter=";" if german else ",", lineterminator="\r\n")
	if flavour == EXCEL:
		buffer.write(_BYTE_ORDER_MARK)
	writer.writerow(header)
	for row in rows:
		writer.writerow([_excel(cell, german) if flavour == EXCEL else _plain(cell) for cell in row])
		yield buffer.getvalue().encode()
		buffer.seek(0)
		buffer.truncate()
	if rest := buffer.getvalue():
		yield rest.encode()


def safe(text: str) -> str:
	"""Return a text that no spreadsheet takes for a formula: one that looks like it begins with an apostrophe.

	A telephone number is left as it is dialled: a plus with nothing but digits behind it computes nothing.
	"""
	if _TELEPHONE.fullmatch(text):
		return text
	return f"'{text}" if text.lstrip(" ")[:1] in _FORMULA and text else text


def _plain(cell: Cell) -> str:
	if isinstance(cell, Decimal):
		return as_text(cell) if abs(cell) else "0.000000"
	if isinstance(cell, Instant):
		moment = clock.EPOCH + timedelta(microseconds=cell.us)
		return moment.astimezone(cell.zone).isoformat(timespec="milliseconds")
	if isinstance(cell, date):
		return cell.isoformat()
	return _text(cell)


def _excel(cell: Cell, german: bool) -> str:
	if isinstance(cell, Decimal):
		number = as_text(cell)
		# Four decimals of six are seldom needed: Excel shows what is there.
		shortened = number[:-4] + number[-4:].rstrip("0")
		return shortened.replace(".", ",") if german else shortened
	if isinstance(cell, Instant):
		moment: datetime = clock.local_time(cell.us, cell.zone)
		return f"{moment:%d.%m.%Y %H:%M:%S}" if german else f"{moment:%Y-%m-%d %H:%M:%S}"
	if isinstance(cell, date):
		return f"{cell:%d.%m.%Y}" if german else cell.isoformat()
	return _kept_as_text(_text(cell)) if isinstance(cell, str) else _text(cell)


def _kept_as_text(text: str) -> str:
	"""Return a text so that Excel leaves it one: +4930123456 would become a number, and of one it keeps 15 digits.

	In a formula, because that is all that Excel takes for "this is text" in a CSV and whose cell then holds the text
	alone: a tab or an apostrophe before it would be a part of it. None of the characters can end the formula's text.
	"""
	return f'="{text}"' if _LOOKS_LIKE_A_NUMBER.fullmatch(text) else text


def _text(cell: str | int | None) -> str:
	if cell is None:
		return ""
	return str(cell) if isinstance(cell, int) else safe(cell)
