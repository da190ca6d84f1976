"""A CSV file of CDRs, of any size: read in windows, booked, and gone on with where a run was stopped.

Beside FILE.csv stand FILE.csv.refused.csv with the refused lines and why, and, until the end is reached,
FILE.csv.progress. Running it again is safe in any case: what was booked is a duplicate then.
"""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO

from frappe import _

from prepaid_billing import inputs
from prepaid_billing.calls import cdr
from prepaid_billing.exceptions import InvalidInput

WINDOW = 5_000
"""Lines that are read before they are booked: many calls of one company then share a commit."""


@dataclass
class Progress:
	"""How far a file has been read (bytes), what came of its lines, and how long the refused file was then."""

	header: str
	read: int
	refused_bytes: int
	counts: dict[str, int] = field(default_factory=dict)
	reasons: dict[str, int] = field(default_factory=dict)


class CdrFile:
	"""A file of CDRs. Its first line names the columns as calls.record does; comma or semicolon between them."""

	def __init__(self, path: Path) -> None:
		self.path = path
		self.size = path.stat().st_size
		self.refused = path.with_name(path.name + ".refused.csv")
		self.checkpoint = path.with_name(path.name + ".progress")

	def book(self, on_progress: Callable[[int], None]) -> Progress:
		"""Book every line and return what came of them; ``on_progress`` gets the bytes read so far.

		Raises InvalidInput for a file whose first line is not understood.
		"""
		with self.path.open("rb") as source:
			header = source.readline().decode("utf-8-sig")
			delimiter, names = self._columns(header)
			progress = self._resumed(header, source.tell())
			source.seek(progress.read)
			on_progress(progress.read)
			with self._refused_file(progress) as target:
				writer = csv.writer(target, delimiter=delimiter)
				if not progress.refused_bytes:
					writer.writerow([*names, "code", "error"])
				for lines, read in _windows(source, delimiter):
					_book(lines, names, writer, progress)
					target.flush()
					progress.read, progress.refused_bytes = read, target.tell()
					self.checkpoint.write_text(json.dumps(asdict(progress)))
					on_progress(read)
		self.checkpoint.unlink(missing_ok=True)
		if not progress.counts.get(cdr.REFUSED):
			self.refused.unlink()
		return progress

	def _columns(self, header: str) -> tuple[str, list[str]]:
		delimiter = ";" if ";" in header else ","
		names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
		missing = {"call_id", "company"} - set(names)
		if missing or len(set(names)) != len(names):
			raise InvalidInput(
				_(
					"The first line must name the columns, each once: call_id, company, duration_sec and others of calls.record."
				)
			)
		inputs.cdr_columns(names)
		return delimiter, names

	def _resumed(self, header: str, begin: int) -> Progress:
		if self.checkpoint.exists():
			stored = Progress(**json.loads(self.checkpoint.read_text()))
			if stored.header == header and stored.read <= self.size and self.refused.exists():
				return stored
		return Progress(header, begin, 0)

	def _refused_file(self, progress: Progress) -> TextIO:
		"""Open the file of refused lines behind those of the windows that were finished."""
		target = self.refused.open("a", newline="", encoding="utf-8")
		target.truncate(progress.refused_bytes)
		target.seek(progress.refused_bytes)
		return target


def _windows(source: BinaryIO, delimiter: str) -> Iterator[tuple[list[list[str]], int]]:
	"""Yield some lines of the file at a time, and how many bytes were read by then."""
	reader = csv.reader(
		(line.decode("utf-8", errors="replace") for line in iter(source.readline, b"")), delimiter=delimiter
	)
	lines: list[list[str]] = []
	for line in reader:
		if line:
			lines.append(line)
		if len(lines) == WINDOW:
			yield lines, source.tell()
			lines = []
	if lines:
		yield lines, source.tell()


def _book(lines: list[list[str]], names: list[str], writer: object, progress: Progress) -> None:
	"""Book some lines, write down those that were refused, and count."""
	read: dict[int, cdr.Cdr] = {}
	refusals: dict[int, tuple[str, str]] = {}
	for number, line in enumerate(lines):
		try:
			read[number] = _parse(line, names)
		except InvalidInput as error:
			refusals[number] = (error.code, str(error))
	counts: Counter[str] = Counter(progress.counts)
	counts[cdr.REFUSED] += len(refusals)
	for number, outcome in zip(read, cdr.book(list(read.values())), strict=True):
		counts[outcome.result] += 1
		if outcome.result == cdr.REFUSED:
			refusals[number] = (outcome.code, outcome.error)
	reasons = Counter(progress.reasons) + Counter(code for code, _error in refusals.values())
	for number, refusal in sorted(refusals.items()):
		writer.writerow([*lines[number], *refusal])
	progress.counts, progress.reasons = dict(counts), dict(reasons)


def _parse(line: list[str], names: list[str]) -> cdr.Cdr:
	if len(line) != len(names):
		raise InvalidInput(
			_("This line has {0} fields; the first line names {1}.").format(len(line), len(names))
		)
	return inputs.cdr({name: value.strip() or None for name, value in zip(names, line, strict=True)})
