"""A file of CDRs: every line is booked, a duplicate, or in the file of refused lines with its reason."""

import csv
from decimal import Decimal
from pathlib import Path

import frappe
import pytest

from prepaid_billing import cdr_file
from prepaid_billing.cdr_file import CdrFile
from prepaid_billing.exceptions import InvalidInput
from prepaid_billing.ledger import balance_of
from tests import site
from tests.factories import make_company, new_id
from tests.integration.test_commands import bench

HEADER = "call_id,company,duration_sec,callee,started_at"


class Killed(Exception):
	"""The import is stopped."""


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
	"""Let three lines be a window, so that a short file has several."""
	monkeypatch.setattr(cdr_file, "WINDOW", 3)


def write(path: Path, *lines: str, header: str = HEADER) -> Path:
	"""Write a file of CDRs."""
	path.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
	return path


def line(company: str, seconds: object = 60) -> str:
	"""A line for a call that was never heard of."""
	return f"{new_id()},{company},{seconds},+49302,2026-11-22T14:05:00+01:00"


def spent(company: str) -> Decimal:
	"""What the calls of a company with 50 to begin with have cost."""
	site.fresh()
	return 50 - balance_of(company).balance


def refused(path: Path) -> list[list[str]]:
	"""The lines of the file of refused lines."""
	with CdrFile(path).refused.open(newline="", encoding="utf-8") as source:
		return list(csv.reader(source))


def test_a_file_is_booked_and_booked_again_changes_nothing(tmp_path: Path) -> None:
	company = make_company("50")
	path = write(tmp_path / "calls.csv", *(line(company) for _n in range(10)))
	seen: list[int] = []
	assert CdrFile(path).book(seen.append).counts == {"accepted": 10, "refused": 0}
	assert seen[-1] == path.stat().st_size
	assert spent(company) == Decimal("4.2")
	assert CdrFile(path).book(seen.append).counts == {"duplicate": 10, "refused": 0}
	assert spent(company) == Decimal("4.2")
	assert sorted(file.name for file in tmp_path.iterdir()) == ["calls.csv"]


def test_a_file_as_a_spreadsheet_of_germans_writes_it(tmp_path: Path) -> None:
	company, call = make_company("50"), new_id()
	path = tmp_path / "calls.csv"
	path.write_bytes(
		f'\ufeffduration_sec;company;call_id;revision\r\n60;"{company}";{call};\r\n\r\n'.encode()
	)
	assert CdrFile(path).book(lambda _read: None).counts == {"accepted": 1, "refused": 0}
	assert spent(company) == Decimal("0.42")


def test_lines_that_are_refused_are_kept_with_their_reason(tmp_path: Path) -> None:
	company = make_company("50")
	bad = [line("No such company"), line(company, -1)]
	path = write(tmp_path / "calls.csv", line(company), *bad, line(company))
	progress = CdrFile(path).book(lambda _read: None)
	assert progress.counts == {"accepted": 2, "refused": 2}
	assert progress.reasons == {"INVALID_INPUT": 1, "UNKNOWN_COMPANY": 1}
	header, *lines = refused(path)
	assert header == [*HEADER.split(","), "code", "error"]
	assert [row[:-2] for row in lines] == [row.split(",") for row in bad]
	assert all(row[-1] for row in lines)
	assert spent(company) == Decimal("0.84")


@pytest.mark.parametrize(
	"bad",
	[
		b"short,line",
		b'"unbalanced,x,60,+49302,2026-11-22T14:05:00+01:00',
		b"return\rinside,x,60,+49302,2026-11-22T14:05:00+01:00",
		"M\u00fcller,x,60,+49302,".encode("latin-1"),
		b'"' + b"x" * 140_000,
	],
	ids=["too short", "unbalanced quote", "carriage return", "not UTF-8", "endless field"],
)
def test_a_broken_line_is_refused_as_it_is_and_harms_no_other(tmp_path: Path, bad: bytes) -> None:
	company = make_company("50")
	good = [line(company).encode() for _n in range(2)]
	path = tmp_path / "calls.csv"
	path.write_bytes(b"\n".join([HEADER.encode(), good[0], bad, good[1], b""]))
	assert CdrFile(path).book(lambda _read: None).counts == {"accepted": 2, "refused": 1}
	assert bad in CdrFile(path).refused.read_bytes()
	assert spent(company) == Decimal("0.84")


def test_a_file_that_ends_within_a_line_books_the_whole_ones(tmp_path: Path) -> None:
	company, call = make_company("50"), new_id()
	path = tmp_path / "calls.csv"
	path.write_text(f"call_id,company,duration_sec\n{new_id()},{company},60\n{call},{company},1")
	assert CdrFile(path).book(lambda _read: None).counts == {"accepted": 1, "refused": 1}
	path.write_text(path.read_text() + "57\n")
	assert CdrFile(path).book(lambda _read: None).counts == {"duplicate": 1, "accepted": 1, "refused": 0}
	assert spent(company) == Decimal("0.42") + Decimal("1.099")


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("leftover", ["", "{}", '{"header": "call_id"}', "[1]"])
def test_progress_that_cannot_be_read_begins_anew(tmp_path: Path, leftover: str) -> None:
	company = make_company("50")
	path = write(tmp_path / "calls.csv", *(line(company) for _n in range(4)))
	CdrFile(path).checkpoint.write_text(leftover)
	assert CdrFile(path).book(lambda _read: None).counts == {"accepted": 4, "refused": 0}


@pytest.mark.usefixtures("small_windows")
def test_another_file_under_the_name_of_one_that_was_stopped_is_read_from_its_beginning(
	tmp_path: Path,
) -> None:
	company, seen = make_company("50"), []

	def stop(read: int) -> None:
		seen.append(read)
		if len(seen) == 2:
			raise Killed

	path = write(tmp_path / "calls.csv", *(line(company) for _n in range(5)))
	with pytest.raises(Killed):
		CdrFile(path).book(stop)
	write(path, *(line(company) for _n in range(5)))
	assert CdrFile(path).book(lambda _read: None).counts == {"accepted": 5, "refused": 0}
	assert spent(company) == Decimal("0.42") * 8


def test_the_file_of_refused_lines_is_imported_when_it_was_mended(tmp_path: Path) -> None:
	company = make_company("50")
	path = write(tmp_path / "calls.csv", line(company), line("No such company"), line(company, "long"))
	CdrFile(path).book(lambda _read: None)
	mended = CdrFile(path).refused
	mended.write_text(mended.read_text().replace("No such company", company))
	assert CdrFile(mended).book(lambda _read: None).counts == {"accepted": 1, "refused": 1}
	assert [row[1] for row in refused(mended)] == ["company", company]
	assert spent(company) == Decimal("0.84")


@pytest.mark.usefixtures("small_windows")
def test_a_stopped_import_goes_on_where_it_was_and_counts_the_whole_file(tmp_path: Path) -> None:
	company = make_company("50")
	lines = [line(company, seconds) for seconds in (60, -1, 60, 60, 60, -1, 60, 60, 60, 60)]
	path = write(tmp_path / "calls.csv", *lines)
	seen: list[int] = []

	def stop_in_the_second_window(read: int) -> None:
		seen.append(read)
		if len(seen) == 3:
			raise Killed

	with pytest.raises(Killed):
		CdrFile(path).book(stop_in_the_second_window)
	assert spent(company) == Decimal("0.42") * 4
	seen.clear()
	assert CdrFile(path).book(seen.append).counts == {"accepted": 8, "refused": 2}
	assert seen[0] > len(HEADER) and len(seen) == 3
	assert len(refused(path)) == 3
	assert spent(company) == Decimal("0.42") * 8


@pytest.mark.usefixtures("small_windows")
def test_a_window_that_was_booked_but_not_noted_is_a_duplicate_and_its_refusals_stand_once(
	tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
	company = make_company("50")
	path = write(tmp_path / "calls.csv", *(line(company, seconds) for seconds in (60, 60, -1, 60)))

	def killed(*_values: object) -> None:
		raise Killed

	with monkeypatch.context() as patch:
		patch.setattr(cdr_file, "asdict", killed)
		with pytest.raises(Killed):
			CdrFile(path).book(lambda _read: None)
	assert spent(company) == Decimal("0.84")
	progress = CdrFile(path).book(lambda _read: None)
	assert progress.counts == {"duplicate": 2, "accepted": 1, "refused": 1}
	assert len(refused(path)) == 2
	assert spent(company) == Decimal("1.26")


@pytest.mark.parametrize(
	"header",
	[
		"",
		"call_id,duration_sec",
		"call_id,company,duration_sec,prize",
		"call_id,call_id,company,duration_sec",
	],
)
def test_a_first_line_that_is_not_understood_books_nothing(tmp_path: Path, header: str) -> None:
	path = write(tmp_path / "calls.csv", line("x"), header=header)
	with pytest.raises(InvalidInput):
		CdrFile(path).book(lambda _read: None)
	assert [file.name for file in tmp_path.iterdir()] == ["calls.csv"]


def test_the_command_reports_what_it_did(tmp_path: Path) -> None:
	company = make_company("50")
	path = write(tmp_path / "calls.csv", line(company), line(company, "long"))
	printed = bench("prepaid-billing", "import-cdrs", str(path), exit_code=1)
	assert [row.split() for row in printed.splitlines()[-5:-1]] == [
		["1", "accepted"],
		["0", "duplicate"],
		["1", "refused"],
		["1", "INVALID_INPUT"],
	]
	assert str(CdrFile(path).refused) in printed
	path = write(tmp_path / "good.csv", line(company))
	bench("prepaid-billing", "import-cdrs", str(path))
	assert "no-such-file.csv" in bench("prepaid-billing", "import-cdrs", "no-such-file.csv", exit_code=1)
	assert spent(company) == Decimal("0.84")
	assert frappe.db.count("Call Charge", {"company": company}) == 2


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
	company = make_company("50")
	path = write(tmp_path / "calls.csv", line(company))
	tmp_path.chmod(0o555)
	try:
		printed = bench("prepaid-billing", "import-cdrs", str(path), exit_code=1)
	finally:
		tmp_path.chmod(0o755)
	assert "calls.csv.refused.csv: Permission denied. The user that runs bench must be able" in printed
	assert "Errno" not in printed
	assert spent(company) == 0
