"""`make mutation`: do the tests of `rating/` notice when its code is wrong?

cosmic-ray changes one operator, number or branch after the other, in a copy of its own, and runs the tests on each.
"""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from dev.lint import RATING, RATING_TESTS
from dev.places import Places, exclusive
from dev.progress import Failed, run, say

LOWEST_SCORE = 95
CONFIGURATION = "dev/mutation.toml"
COPIED = (
	CONFIGURATION,
	RATING,
	"prepaid_billing/__init__.py",
	"pyproject.toml",
	"tests/__init__.py",
	"tests/unit/__init__.py",
	"tests/unit/conftest.py",
	*RATING_TESTS,
)
# Comparisons, signs and whatever rounds: there, no survivor is borne at any score.
NEVER_SURVIVES = (
	"core/NumberReplacer",
	"core/ReplaceBinaryOperator",
	"core/ReplaceComparisonOperator",
	"core/ReplaceUnaryOperator",
)


@dataclass(frozen=True)
class Mutant:
	"""One wrong version of the code, where it is wrong, and whether a test failed on it."""

	operator: str
	place: str
	killed: bool
	diff: str


def run_mutation(places: Places) -> int:
	"""Print the score and the survivors. Exit code 0 when the tests are good enough."""
	with (
		exclusive(places.run / "mutation.lock", "mutation: waiting for another mutation run to end"),
		TemporaryDirectory(prefix="mutation-", dir=places.state) as copy,
	):
		mutants = mutate(places, Path(copy))
	survivors = [mutant for mutant in mutants if not mutant.killed]
	for mutant in survivors:
		print(f"\nSurvived: {mutant.operator} at {mutant.place}\n{mutant.diff}")
	score = 100 * (len(mutants) - len(survivors)) / len(mutants)
	borne = all(not mutant.operator.startswith(NEVER_SURVIVES) for mutant in survivors)
	say(f"mutation: {score:.1f} % of {len(mutants)} mutants killed, {len(survivors)} survived")
	if not borne:
		print("A comparison, a sign or a rounding can be wrong and no test fails.")
	return 0 if borne and score >= LOWEST_SCORE else 1


def mutate(places: Places, copy: Path) -> list[Mutant]:
	"""Every mutant that cosmic-ray can make of the copy, each tried on the tests of rating."""
	for name in COPIED:
		(copy / name).parent.mkdir(parents=True, exist_ok=True)
		if (places.source / name).is_dir():
			shutil.copytree(places.source / name, copy / name)
		else:
			shutil.copy(places.source / name, copy / name)
	# Mutants of one second share their time stamp, by which Python would take the bytecode of another one.
	environment = {
		**os.environ,
		"HYPOTHESIS_PROFILE": "quick",
		"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
		"PYTHONDONTWRITEBYTECODE": "1",
	}
	log = places.step_log("mutation")
	tool = places.tools / "bin"
	for title, command in (
		("making the mutants", [tool / "cosmic-ray", "init", CONFIGURATION, "session"]),
		("leaving out those that mean nothing", [tool / "cr-filter-operators", "session", CONFIGURATION]),
		("trying the tests on the unchanged code", [tool / "cosmic-ray", "baseline", CONFIGURATION]),
		(
			"trying them on every mutant, some minutes",
			[tool / "cosmic-ray", "exec", CONFIGURATION, "session"],
		),
	):
		say(f"mutation: {title}")
		run(command, log, "The mutation run broke off", copy, environment)
	dump = [tool / "cosmic-ray", "dump", "session"]
	shown = subprocess.run(dump, cwd=copy, env=environment, capture_output=True, text=True, check=True).stdout
	mutants = [mutant for line in shown.splitlines() if (mutant := read_mutant(line))]
	if not mutants:
		raise Failed("cosmic-ray found nothing to change.", log)
	return mutants


def read_mutant(line: str) -> Mutant | None:
	"""A line of `cosmic-ray dump`; None for a mutant that was left out. One without a result was not killed."""
	item, result = json.loads(line)
	result = result or {}
	if result.get("worker_outcome") == "skipped":
		return None
	mutation = item["mutations"][0]
	return Mutant(
		operator=mutation["operator_name"],
		place=f"{mutation['module_path']}:{mutation['start_pos'][0]}",
		killed=result.get("test_outcome") == "killed",
		diff=result.get("diff") or "",
	)
