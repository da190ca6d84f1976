"""A CSV file of CDRs, of any size: read in windows, booked, and gone on with where a run was stopped.

Beside FILE.csv stand FILE.csv.refused.csv with the refused lines and why, and, until the end is reached,
FILE.csv.progress. Running it again is safe in any case: what was booked is a duplicate then.
"""

import csv
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO

from frappe import _

from prepaid_billing import inputs
from prepaid_billing.calls import cdr
from prepaid_billing.exceptions import InvalidInput

WHY = ["code", "error"]
"""The columns that say why a line was refused; a refused file is imported again without them."""

WINDOW = 5_000
"""Lines that are read before they are booked: many calls of one company then share a commit."""


@dataclass
class Progress:
	"""How far a file has been read (bytes, and their digest), what came of it, and how long the refused file was."""

	read: int
	digest: str
	refused_bytes: int = 0
	counts: dict[str, int] = field(default_factory=dict)
	reasons: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Columns:
	"""What the first line names: the delimiter, the columns of a record, and whether reasons stand behind them."""

	delimiter: str
	names: list[str]
	has_reasons: bool

	def fields(self, line: str) -> list[str]:
		"""Return the fields of a line without its reasons. Raises InvalidInput."""
		try:
			fields = next(csv.reader([line], delimiter=self.delimiter, strict=True), [])
		except csv.Error as error:
			raise InvalidInput(_("This line is no CSV: {0}.").format(error)) from error
		expected = len(self.names) + self.has_reasons * len(WHY)
		if len(fields) != expected:
			raise InvalidInput(
				_("This line has {0} fields; the first line names {1}.").format(len(fields), expected)
			)
		return fields[: len(self.names)]


class CdrFile:
	"""A file of CDRs in UTF-8, a record a line. Its first line names the columns as calls.record does; comma or
	semicolon between them."""

	def __init__(self, path: Path) -> None:
		self.path = path
		self.size = path.stat().st_size
		self.refused = path.with_name(path.name + ".refused.csv")
		self.checkpoint = path.with_name(path.name + ".progress")

	def book(self, on_progress: Callable[[int], None]) -> Progress:
		"""Book every line and return what came of them; ``on_progress`` gets the bytes read so far.

		Raises InvalidInput for a file whose first line is not understood, and TryAgain while the database is
		busy: the next run goes on from there.
		"""
		with self.path.open("rb") as source:
			columns = _columns(source.readline())
			progress = self._resumed(source)
			digest = _digest(source, progress.read)
			on_progress(progress.read)
			with self._refused_file(progress) as target:
				if not progress.refused_bytes:
					_writer(target, columns).writerow([*columns.names, *WHY])
				for lines in _windows(source):
					_book(lines, columns, target, progress)
					target.flush()
					for line in lines:
						digest.update(line)
					progress.read, progress.digest = source.tell(), digest.hexdigest()
					progress.refused_bytes = target.tell()
					self._keep(progress)
					on_progress(progress.read)
		self.checkpoint.unlink(missing_ok=True)
		if not progress.counts.get(cdr.REFUSED):
			self.refused.unlink()
		return progress

	def _resumed(self, source: BinaryIO) -> Progress:
		"""Return how far a run that was stopped had come, if it read this very file so far."""
		begin = source.tell()
		try:
			stored = Progress(**json.loads(self.checkpoint.read_text()))
		except (OSError, ValueError, TypeError):
			stored = None
		if stored and self.refused.exists() and _digest(source, stored.read).hexdigest() == stored.digest:
			return stored
		return Progress(begin, "")

	def _keep(self, progress: Progress) -> None:
		"""Write the progress whole or not at all."""
		beside = self.checkpoint.with_name(self.checkpoint.name + ".new")
		beside.write_text(json.dumps(asdict(progress)))
		os.replace(beside, self.checkpoint)

	def _refused_file(self, progress: Progress) -> TextIO:
		"""Open the file of refused lines behind those of the windows that were finished."""
		target = self.refused.open("a", newline="", encoding="utf-8", errors="surrogateescape")
		target.truncate(progress.refused_bytes)
		target.seek(progress.refused_bytes)
		return target


def _columns(first_line: bytes) -> Columns:
	try:
		header = first_line.decode("utf-8-sig").rstrip("\r\n")
	except UnicodeDecodeError as error:
		raise InvalidInput(_("The file is not in UTF-8. Save it as such and import it again.")) from error
	delimiter = ";" if ";" in header else ","
	names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
	has_reasons = names[-len(WHY) :] == WHY
	names = names[: -len(WHY)] if has_reasons else names
	if not {"call_id", "company"} <= set(names) or len(set(names)) != len(names):
		raise InvalidInput(
			_(
				"The first line must name the columns, each once: call_id, company, duration_sec and others of calls.record."
			)
		)
	inputs.cdr_columns(names)
	return Columns(delimiter, names, has_reasons)


def _digest(source: BinaryIO, read: int) -> "hashlib._Hash":
	"""Return the digest of the first bytes of a file, and leave the file behind them."""
	source.seek(0)
	digest = hashlib.sha256()
	while read > 0 and (piece := source.read(min(read, 1 << 20))):
		digest.update(piece)
		read -= len(piece)
	return digest


def _windows(source: BinaryIO) -> Iterator[list[bytes]]:
	"""Yield some lines of the file at a time. A record never holds a line break, so a stray quote harms one line."""
	lines: list[bytes] = []
	for line in iter(source.readline, b""):
		lines.append(line)
		if len(lines) == WINDOW:
			yield lines
			lines = []
	if lines:
		yield lines


def _book(lines: list[bytes], columns: Columns, target: TextIO, progress: Progress) -> None:
	"""Book some lines, write down those that were refused, and count."""
	read: dict[int, cdr.Cdr] = {}
	refusals: dict[int, tuple[str, str]] = {}
	for number, line in enumerate(lines):
		try:
			if line.strip():
				read[number] = _parse(line, columns)
		except InvalidInput as error:
			refusals[number] = (error.code, str(error))
	counts: Counter[str] = Counter(progress.counts)
	counts[cdr.REFUSED] += len(refusals)
	for number, outcome in zip(read, cdr.book(list(read.values())), strict=True):
		counts[outcome.result] += 1
		if outcome.result == cdr.REFUSED:
			refusals[number] = (outcome.code, outcome.error)
	for number, refusal in sorted(refusals.items()):
		_refuse(lines[number], refusal, columns, target)
	reasons = Counter(progress.reasons) + Counter(code for code, _error in refusals.values())
	progress.counts, progress.reasons = dict(counts), dict(reasons)


def _parse(line: bytes, columns: Columns) -> cdr.Cdr:
	if not line.endswith(b"\n"):
		raise InvalidInput(_("The file ends within this line: it may not be whole."))
	try:
		fields = columns.fields(line.decode().rstrip("\r\n"))
	except UnicodeDecodeError as error:
		raise InvalidInput(_("This line is not in UTF-8.")) from error
	return inputs.cdr(
		{name: value.strip() or None for name, value in zip(columns.names, fields, strict=True)}
	)


def _refuse(line: bytes, refusal: tuple[str, str], columns: Columns, target: TextIO) -> None:
	"""Write a refused line as it was, with its reason behind; one that has reasons already gets new ones."""
	text = line.decode(errors="surrogateescape").rstrip("\r\n")
	try:
		_writer(target, columns).writerow([*columns.fields(text), *refusal])
	except InvalidInput:
		target.write(text + columns.delimiter)
		_writer(target, columns).writerow(refusal)


def _writer(target: TextIO, columns: Columns) -> "csv._writer":
	return csv.writer(target, delimiter=columns.delimiter, lineterminator="\n")
