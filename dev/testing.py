"""`make test`: every test this machine can run, each on the real thing it is about.

Unit and simulator tests need no Frappe and come first. The others get a site of their own, with a database, Redis
pair, web server and simulated Stripe on free ports, so that they run beside a demo and leave nothing behind.
"""

import os
import secrets
import shlex
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.bench import why_no_frappe
from dev.machine import which
from dev.places import Places, exclusive
from dev.progress import Failed, say
from dev.services import Services, free_port
from dev.setup import set_up_bench
from dev.stack import Ports, Stack
from dev.tools import axe_script, ensure_axe, ensure_stripe_cli, stripe_cli

# Directories below tests/, grouped by the pytest process they share.
Groups = list[tuple[str, ...]]

# One pytest process per line: Playwright keeps an event loop in the main thread, which would disturb its neighbours.
WITHOUT_FRAPPE: Groups = [("unit", "simulator")]
WITH_FRAPPE: Groups = [("integration", "concurrency"), ("browser",)]
NO_TESTS_COLLECTED = 5


@dataclass(frozen=True)
class Tally:
	"""How many tests passed, failed (errors too) and were skipped."""

	passed: int = 0
	failed: int = 0
	skipped: int = 0

	def __add__(self, other: "Tally") -> "Tally":
		return Tally(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

	def __str__(self) -> str:
		return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def run_tests(places: Places, paths: list[str]) -> int:
	"""Run what was asked for and is there. Exit code 0 only when nothing failed."""
	with exclusive(places.run / "test.lock", "test: waiting for another test run to end"):
		total = Tally()
		for kinds in wanted(places.source, WITHOUT_FRAPPE):
			environment = simulator_environment(places) if "simulator" in kinds else {}
			total += pytest(places, places.tools / "bin" / "python", places.source, kinds, environment)
		with_frappe = wanted(places.source, WITH_FRAPPE)
		missing = why_no_frappe(places) if with_frappe else None
		if with_frappe and not missing:
			set_up_bench(places, paths)
			if ("browser",) in with_frappe:
				ensure_axe(places)
			total += run_on_fresh_site(places, with_frappe)
	if missing:
		print(f"\nNot run: the {' and '.join(kind for kinds in with_frappe for kind in kinds)} tests.")
		print(f"{missing} Set BENCH_DIR to a bench or FRAPPE_REPO to a repository of Frappe.")
	print(total, flush=True)
	return 1 if total.failed else 0


def take_pictures(places: Places, paths: list[str]) -> int:
	"""Let the browser tests of the customer's pages and mails keep the pictures that the documentation shows."""
	pictures = places.state / "pictures"
	shutil.rmtree(pictures, ignore_errors=True)
	pictures.mkdir()
	os.environ |= {"ONLY": "browser", "ARGS": "-k fits_its_width", "PB_PICTURES": str(pictures)}
	code = run_tests(places, paths)
	print(f"{len(list(pictures.iterdir()))} pictures in {pictures}; copy them to docs/images.")
	return code


def simulator_environment(places: Places) -> dict[str, str]:
	"""What the simulator's tests are told. Without Stripe's command line those that need it fail, the others run."""
	try:
		ensure_stripe_cli(places)
	except Failed as failure:
		print(failure.report(), flush=True)
	return {"PB_STRIPE_CLI": str(stripe_cli(places))}


def wanted(source: Path, groups: Groups) -> Groups:
	"""The groups without the directories that $ONLY leaves out or that hold no test."""
	only = os.environ.get("ONLY")
	chosen = only.replace(",", " ").split() if only else None
	kept = (
		tuple(
			kind
			for kind in kinds
			if (chosen is None or kind in chosen) and has_tests(source / "tests" / kind)
		)
		for kinds in groups
	)
	return [kinds for kinds in kept if kinds]


def has_tests(directory: Path) -> bool:
	"""Whether any file below it is one that pytest collects."""
	return any(directory.rglob("test_*.py"))


def run_on_fresh_site(places: Places, groups: Groups) -> Tally:
	"""Run the groups of tests against a site of their own."""
	with fresh_site(places) as (stack, services):
		total = Tally()
		for kinds in groups:
			total += pytest(places, places.bench_python, places.app, kinds, test_environment(stack))
			services.check()
		return total


def run_benchmark(places: Places, paths: list[str], subject: str) -> int:
	"""Measure one subject on a site of its own. Exit code 0 when the wanted ratios hold."""
	with exclusive(places.run / "test.lock", f"bench-{subject}: waiting for a test run to end"):
		set_up_bench(places, paths)
		with fresh_site(places) as (stack, _services):
			command = [str(places.bench_python), "-m", f"benchmarks.{subject}"]
			environment = {**os.environ, **test_environment(stack)}
			return subprocess.run(
				command, cwd=places.app, env=environment, stdin=subprocess.DEVNULL
			).returncode


@contextmanager
def fresh_site(places: Places) -> Iterator[tuple[Stack, Services]]:
	"""Make a site with all that serves it, and drop it whatever happens."""
	name = f"test-{secrets.token_hex(4)}.localhost"
	stack = Stack(places, "test", name, Ports(*(free_port() for _ in range(6))))
	drop_leftover(places, stack)
	with Services(places.run / "test", places.logs) as services:
		services.start(*stack.stores())
		try:
			make_site(stack)
			services.start(*stack.servers())
			yield stack, services
		finally:
			drop_site(stack)


def make_site(stack: Stack) -> None:
	"""A fresh site as in production (`allow_tests` slows each statement), with its scheduler at rest."""
	name_of_leftover(stack.places).write_text(stack.site.name)
	stack.site.create(secrets.token_hex(8), stack.places.step_log("test-site"))
	# Frappe lets 60 users be made in an hour, and v16 some 500 jobs wait; the tests make more, and run no worker.
	limits = {"throttle_user_limit": 10_000, "max_queued_jobs": 100_000}
	stack.site.configure({**stack.site_settings(), "pause_scheduler": 1, **limits})


def drop_site(stack: Stack) -> None:
	"""Drop database, database user and directory. Not `bench drop-site`, which archives each one."""
	shown = stack.mariadb.client("SHOW DATABASES LIKE '\\_%'").stdout.split()[1:]
	drops = "".join(f"DROP DATABASE `{name}`; DROP USER IF EXISTS `{name}`@`%`;" for name in shown)
	stack.mariadb.client(drops)
	shutil.rmtree(stack.site.directory, ignore_errors=True)
	shutil.rmtree(stack.mails, ignore_errors=True)
	name_of_leftover(stack.places).unlink(missing_ok=True)


def drop_leftover(places: Places, stack: Stack) -> None:
	"""Remove the site of a test run that was killed, with all its data; no server can be running on it now."""
	leftover = name_of_leftover(places)
	if leftover.exists():
		say("test: removing the site that a broken run left behind")
		with Services(places.run / "test", places.logs):
			stack.mariadb.forget()
		shutil.rmtree(places.sites / leftover.read_text(), ignore_errors=True)
		leftover.unlink()


def name_of_leftover(places: Places) -> Path:
	"""Names the site of the test run that goes on, or that was killed."""
	return places.run / "test-site"


def test_environment(stack: Stack) -> dict[str, str]:
	"""What the tests are told about the site and its processes."""
	return stack.redis | {
		"PB_AXE": str(axe_script(stack.places)),
		"PB_BENCH_DIR": str(stack.places.bench),
		"PB_CHROMIUM": which("chromium") or "",
		"PB_DB_PORT": str(stack.ports.mariadb),
		"PB_DB_ROOT_PASSWORD": stack.mariadb.password,
		"PB_SIMULATOR_URL": stack.simulator_url,
		"PB_SITE": stack.site.name,
		"PB_SITES_PATH": str(stack.places.sites),
		"PB_TOOLS_PYTHON": str(stack.places.tools / "bin" / "python"),
		"PB_SITE_URL": stack.site_url,
		"PB_WEBHOOK_SECRET": stack.keys.webhook,
		"PB_WEB_URL": stack.web_url,
	}


def pytest(
	places: Places, python: Path, directory: Path, kinds: tuple[str, ...], environment: dict[str, str]
) -> Tally:
	"""One pytest process on some directories of tests; its output is ours."""
	say(f"test: {' and '.join(kinds)}")
	report = places.run / "junit.xml"
	report.unlink(missing_ok=True)
	command = [str(python), "-m", "pytest", f"--junitxml={report}", *(f"tests/{kind}" for kind in kinds)]
	command += shlex.split(os.environ.get("ARGS", ""))
	process = subprocess.run(
		command, cwd=directory, env={**os.environ, **environment}, stdin=subprocess.DEVNULL
	)
	return tally(report, process.returncode)


def tally(report: Path, code: int) -> Tally:
	"""Count from pytest's own report. A pytest that broke off counts as a failure, whatever it had counted."""
	if not report.exists():
		return Tally(failed=1)
	suites = ElementTree.parse(report).getroot().iter("testsuite")
	counts = [
		{key: int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")}
		for suite in suites
	]
	tests, failures, errors, skipped = (sum(count[key] for count in counts) for key in counts[0])
	failed = failures + errors
	if code not in (0, NO_TESTS_COLLECTED) and not failed:
		failed = 1
	return Tally(tests - failures - errors - skipped, failed, skipped)
