"""The tests can fail: each bug in tests/planted, put on a copy of the source, is caught by the test it names.

A patch says in its first lines what the bug is and which test must fail. Where the bug is one of the database,
it brings the statements that make and mend it. The companies of these runs are removed afterwards.
"""

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import frappe
import pymysql
import pytest

from tests import site
from tests.concurrency.conftest import server

ROOT = Path(__file__).parents[2]
PATCHES = sorted((ROOT / "tests/planted").glob("*.patch"))
COMPANIES = "Planted"
OWNED = {
	"Balance Transaction": "balance",
	"Balance Adjustment": "company",
	"Billing Refund": "company",
	"Billing Dispute": "company",
	"Balance Topup": "company",
	"Call Charge": "company",
	"Low Balance Warning": "company",
	"Billing Rate": "company",
	"Prepaid Balance": "company",
	"Billing Company": "name",
}
REPORT_HEADER = """
import prepaid_billing


def pytest_report_header() -> str:
	return f"code under test: {prepaid_billing.__file__}"
"""
ASSERTIONS = ("AssertionError", "assert ", "Failed: DID NOT RAISE")


def header(patch: Path, field: str) -> str:
	found = re.search(rf"^{field}: (.+)$", patch.read_text(), re.M)
	return found[1] if found else ""


def copy_source(directory: Path) -> Path:
	"""Copy what the tests need; a report header says whose code runs there."""
	for part in ("prepaid_billing", "tests"):
		ignored = shutil.ignore_patterns("__pycache__", "node_modules", "browser", "simulator")
		shutil.copytree(ROOT / part, directory / part, symlinks=True, ignore=ignored)
	shutil.copy(ROOT / "pyproject.toml", directory)
	(directory / "conftest.py").write_text(REPORT_HEADER)
	return directory


def failures(tree: Path, *tests: str) -> tuple[int, list[str]]:
	"""Run tests with the code of a tree; return how many ran and the messages of those that failed."""
	report = tree / "junit.xml"
	done = subprocess.run(
		[sys.executable, "-m", "pytest", "-x", f"--junitxml={report}", *tests],
		cwd=tree,
		env={**os.environ, "PB_COMPANY_PREFIX": COMPANIES, "SCALE": ""},
		capture_output=True,
		text=True,
		timeout=300,
		stdin=subprocess.DEVNULL,
	)
	assert f"code under test: {tree}/prepaid_billing/__init__.py" in done.stdout, done.stdout + done.stderr
	cases = list(ElementTree.parse(report).getroot().iter("testcase"))
	failed = [failure.get("message", "") for case in cases for failure in case.iter("failure")]
	assert failed or done.returncode == 0, done.stdout
	return len(cases), failed


def remove_companies() -> None:
	"""Delete every row of the companies that planted bugs may have ruined."""
	site.fresh()
	for doctype, column in OWNED.items():
		frappe.db.sql(f"DELETE FROM `tab{doctype}` WHERE `{column}` LIKE %s", (f"{COMPANIES} %",))
	frappe.db.commit()


@pytest.fixture
def ruins() -> Iterator[None]:
	"""Leave no company of a planted bug behind, whatever happens."""
	yield
	remove_companies()


def test_there_are_twelve_planted_bugs() -> None:
	assert len(PATCHES) == 12


def test_the_named_tests_pass_on_the_untouched_source(ruins: None, tmp_path: Path) -> None:
	tests = {header(patch, "Must fail") for patch in PATCHES}
	count, failed = failures(copy_source(tmp_path), *sorted(tests))
	assert (count, failed) == (len(tests), [])


def end_sleeping_connections() -> None:
	"""End what earlier tests left open in a transaction: a table changes only when nobody is in one with it."""
	own = frappe.db.sql("SELECT CONNECTION_ID()")[0][0]
	frappe.db.sql("SET SESSION lock_wait_timeout = 20")
	with server() as cursor:
		cursor.execute(
			"SELECT id FROM information_schema.processlist WHERE db = %s AND command = 'Sleep' AND id != %s",
			(frappe.conf.db_name, own),
		)
		for (number,) in cursor.fetchall():
			with suppress(pymysql.OperationalError):  # it has just ended by itself
				cursor.execute(f"KILL {number}")


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_a_planted_bug_is_caught_by_the_test_it_names(ruins: None, patch: Path, tmp_path: Path) -> None:
	tree = copy_source(tmp_path)
	subprocess.run(["git", "apply", "--unsafe-paths", f"--directory={tree}", patch], cwd="/", check=True)
	frappe.db.commit()
	end_sleeping_connections()
	try:
		for statement in filter(None, [header(patch, "SQL before")]):
			frappe.db.sql_ddl(statement)
		_count, failed = failures(tree, header(patch, "Must fail"))
	finally:
		remove_companies()
		for statement in filter(None, [header(patch, "SQL after")]):
			frappe.db.sql_ddl(statement)
	assert len(failed) == 1, "the planted bug was not caught"
	assert failed[0].startswith(ASSERTIONS), failed[0]
