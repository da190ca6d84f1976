"""Rules that hold for the whole source and that no single test would see broken."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.lint import PURE

ROOT = Path(__file__).parents[2]
APP = ROOT / "prepaid_billing"
LEDGER_TABLES = ("Balance Transaction", "Prepaid Balance")


def sources(folder: Path = APP) -> Iterator[Path]:
	# The short path prepaid_billing/doctype is a link to the same files.
	yield from (path for path in sorted(folder.rglob("*.py")) if APP / "doctype" not in path.parents)


def imports_of(path: Path) -> set[str]:
	tree = ast.parse(path.read_text())
	plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
	return plain | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def room_of(module: str) -> str:
	return module.split(".")[1] if module.startswith("prepaid_billing.") else ""


def test_stripe_is_imported_by_its_adapter_alone() -> None:
	importers = [
		path.relative_to(APP)
		for path in sources()
		if any(name.split(".")[0] == "stripe" for name in imports_of(path))
	]
	assert [str(path) for path in importers] == ["payments/gateway.py"]


DECISIONS = [*sources(APP / "rating"), *(ROOT / name for name in PURE)]


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: str(path.relative_to(APP)))
def test_decisions_know_no_frappe(path: Path) -> None:
	assert not {name for name in imports_of(path) if name.split(".")[0] == "frappe"}


ARROWS = {
	"rating": set(),
	"ledger": {"rating"},
	"calls": {"ledger", "rating"},
	"payments": {"ledger", "rating"},
	"alerts": {"calls", "payments", "ledger", "rating"},
}


@pytest.mark.parametrize("room", ARROWS)
def test_arrows_between_rooms_point_one_way(room: str) -> None:
	used = {room_of(name) for path in sources(APP / room) for name in imports_of(path)} & set(ARROWS)
	assert used - {room} <= ARROWS[room]


def test_nothing_below_calls_the_http_surface() -> None:
	callers = {
		path.relative_to(APP).parts[0]
		for path in sources()
		if any(name.startswith("prepaid_billing.api") for name in imports_of(path))
	}
	assert callers <= {"api", "http.py"}


# The webhook by its signature, the count by Frappe's permissions.
CHECKS_ITSELF = {"webhook", "get_count"}


def is_whitelist(node: ast.expr) -> bool:
	return "whitelist" in ast.unparse(node)


def whitelisted() -> Iterator[tuple[Path, ast.FunctionDef]]:
	for path in sources():
		for node in ast.walk(ast.parse(path.read_text())):
			if isinstance(node, ast.FunctionDef) and any(is_whitelist(item) for item in node.decorator_list):
				yield path, node


def test_every_whitelisted_method_is_in_api_names_its_verbs_and_says_who_may_call_it() -> None:
	for path, node in whitelisted():
		assert path.parent == APP / "api", node.name
		decorators = [ast.unparse(item) for item in node.decorator_list]
		assert any("methods=" in text for text in decorators), node.name
		assert any(text.startswith("endpoint(") for text in decorators) or node.name in CHECKS_ITSELF, (
			node.name
		)
		assert all(argument.annotation for argument in node.args.args), node.name
		assert len(node.args.defaults) == len(node.args.args), f"{node.name}: every argument has a default"


_TABLES = "`tab(?:%s)`" % "|".join(LEDGER_TABLES)
WRITES = re.compile(
	r"(?:INSERT (?:IGNORE )?INTO|DELETE FROM|REPLACE INTO|TRUNCATE(?: TABLE)?)\s+%s" % _TABLES
	+ r"|UPDATE\s+%s" % _TABLES
	# Joined to another table, only where it is the one that is set.
	+ r"|UPDATE\s(?:(?!\bSET\b)[^;\"])*%s\s+(\w+)\b(?:(?!\bSET\b)[^;\"])*\bSET\s+\1\." % _TABLES,
	re.I,
)
ORM_WRITES = re.compile(
	r"(?:set_value|delete|insert|update|bulk_insert|bulk_update|qb\.update|qb\.into|DocType)\(\s*[\"'](?:%s)[\"']"
	% "|".join(LEDGER_TABLES)
)
# The warning's own columns of the balance row, written under the lock.
ALLOWED = {"ledger/balance.py", "alerts/marks.py"}


@pytest.mark.parametrize(
	"code",
	[
		'rows.update("Prepaid Balance", name, {})',
		'rows.insert("Balance Transaction", now, row)',
		'frappe.db.set_value("Prepaid Balance", name, "balance", 1)',
		"INSERT IGNORE INTO `tabBalance Transaction` VALUES (1)",
		"UPDATE `tabCall Charge` c JOIN `tabPrepaid Balance` b ON b.name = c.company SET b.balance = 0",
	],
)
def test_every_way_to_write_the_ledgers_tables_is_recognised(code: str) -> None:
	assert WRITES.search(code) or ORM_WRITES.search(code)


def test_only_the_ledger_writes_its_tables() -> None:
	writers = {
		str(path.relative_to(APP))
		for path in sources()
		if WRITES.search(path.read_text()) or ORM_WRITES.search(path.read_text())
	}
	assert writers == ALLOWED
	columns = set(
		re.findall(
			r"(\w+) = %s",
			re.search(
				r"UPDATE `tabPrepaid Balance` SET(.*?)WHERE", (APP / "alerts/marks.py").read_text(), re.S
			)[1],
		)
	)
	assert columns == {"warning_level", "last_warning_us", "last_warning_sent_at", "warnings_today"}


def test_no_document_is_written_past_its_controller() -> None:
	for path in sources():
		assert not re.search(r"\.(db_set|db_update|db_insert)\(|frappe\.db\.set_value\(", path.read_text()), (
			path
		)


@pytest.mark.parametrize("room", ["rating", "ledger", "calls", "payments"])
def test_no_float_arithmetic_in_a_money_path(room: str) -> None:
	for path in sources(APP / room):
		for node in ast.walk(ast.parse(path.read_text())):
			called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
			assert called not in ("float", "flt", "round", "frappe.utils.flt"), f"{path}: {called}"
			assert (
				not (isinstance(node, ast.Constant) and isinstance(node.value, float))
				or path.name == "transaction.py"
			), path


def test_rating_never_divides_into_a_float() -> None:
	for path in sources(APP / "rating"):
		operators = {
			type(node) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.operator)
		}
		assert ast.Div not in operators, path


def test_every_public_function_has_a_docstring_and_annotations() -> None:
	for path in sources():
		if "doctype" in path.parts or "www" in path.parts:
			continue  # the names there are Frappe's own hooks
		for node in ast.parse(path.read_text()).body:
			if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
				assert ast.get_docstring(node), f"{path}: {node.name}"
			if isinstance(node, ast.FunctionDef):
				assert (
					all(argument.annotation for argument in node.args.args + node.args.kwonlyargs)
					and node.returns
				), f"{path}: {node.name}"


@pytest.mark.parametrize(
	"patch", sorted((ROOT / "tests/planted").glob("*.patch")), ids=lambda patch: patch.stem
)
def test_a_planted_bug_fits_the_code(patch: Path) -> None:
	checked = subprocess.run(
		["git", "apply", "--check", "--unsafe-paths", f"--directory={ROOT}", patch],
		cwd="/",
		capture_output=True,
	)
	assert checked.returncode == 0, checked.stderr.decode()


def names_of(module: str) -> set[str] | None:
	"""Return what can be imported from a module of this repository, None where it is none of it."""
	folder = ROOT.joinpath(*module.split("."))
	source = next(
		(path for path in (folder.with_suffix(".py"), folder / "__init__.py") if path.is_file()), None
	)
	if not source:
		return None
	inside = {path.stem for path in folder.iterdir()} if folder.is_dir() else set()
	body = ast.walk(ast.parse(source.read_text()))
	return inside | {
		name
		for node in body
		for name in (
			[node.name]
			if isinstance(node, ast.FunctionDef | ast.ClassDef)
			else [alias.asname or alias.name for alias in node.names]
			if isinstance(node, ast.ImportFrom)
			else [node.id]
			if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
			else []
		)
	}


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_a_benchmark_imports_what_there_is(path: Path) -> None:
	# No other test runs them, and their names move with the code.
	for node in ast.walk(ast.parse(path.read_text())):
		known = names_of(node.module or "") if isinstance(node, ast.ImportFrom) else None
		if known is not None:
			assert not {alias.name for alias in node.names} - known, f"{path}: from {node.module}"
