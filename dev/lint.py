"""`make lint`: style, types and coverage, without Frappe and in seconds."""

import os
import subprocess

from dev.places import Places
from dev.progress import say

RATING = "prepaid_billing/rating"
# Modules that decide and know no Frappe; tests/unit/test_house_rules.py holds them to it.
PURE = (
	"prepaid_billing/ledger/chain.py",
	"prepaid_billing/calls/grant.py",
	"prepaid_billing/calls/report.py",
	"prepaid_billing/payments/compare.py",
	"prepaid_billing/payments/decide.py",
	"prepaid_billing/payments/facts.py",
	"prepaid_billing/payments/suggest.py",
	"prepaid_billing/payments/takeback.py",
	"prepaid_billing/payments/vat.py",
	"prepaid_billing/alerts/decide.py",
)
RATING_TESTS = ("tests/unit/test_money.py", "tests/unit/test_price.py", "tests/unit/test_pricelist.py")
CHECKS = (
	("ruff", "check", "."),
	("ruff", "format", "--check", "."),
	("mypy", "--strict", RATING),
	("mypy", *PURE),
	("coverage", "run", "--branch", f"--source={RATING}", "-m", "pytest", "-q", *RATING_TESTS),
	("coverage", "report", "--show-missing", "--fail-under=100"),
)


def run_lint(places: Places) -> int:
	"""Run every check to its end, so that one run shows all there is to mend. Exit code 0 when all passed."""
	failed = [check for check in CHECKS if not passes(places, check)]
	say(f"lint: {len(CHECKS) - len(failed)} of {len(CHECKS)} checks passed")
	return 1 if failed else 0


def passes(places: Places, check: tuple[str, ...]) -> bool:
	"""Run one check, its output being ours. What it remembers lies outside of the source that bench installs."""
	say(f"lint: {' '.join(check)}")
	caches = {
		"COVERAGE_FILE": str(places.state / "lint" / "coverage"),
		"MYPY_CACHE_DIR": str(places.state / "lint" / "mypy"),
		"RUFF_CACHE_DIR": str(places.state / "lint" / "ruff"),
	}
	(places.state / "lint").mkdir(exist_ok=True)
	command = [places.tools / "bin" / "python", "-m", *check]
	environment = {**os.environ, **caches, "HYPOTHESIS_PROFILE": "quick"}
	return (
		subprocess.run(command, cwd=places.source, env=environment, stdin=subprocess.DEVNULL).returncode == 0
	)
