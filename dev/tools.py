"""The tools' own environment and yarn. Neither touches the system's Python or Node packages."""

from pathlib import Path

from dev.machine import PYTHON
from dev.places import Places, digest, only_when_changed
from dev.progress import run, say

YARN = "yarn@1.22.22"
AXE = "axe-core@4.14.1"
"""Finds what keeps people with a screen reader or a keyboard out of a page; only the browser tests use it."""
STRIPE_CLI = "@stripe/cli@1.52.0"
"""Stripe's own command line; only the tests of the simulated Stripe use it."""


def ensure_tools(places: Places) -> None:
	"""Make the virtual environment of dev/requirements-tools.txt, or bring it to that file's state."""
	requirements = places.source / "dev" / "requirements-tools.txt"
	python = places.tools / "bin" / "python"
	wanted = f"{PYTHON} {digest([requirements])}"
	with only_when_changed(places.tools / "requirements.stamp", wanted) as changed:
		if not changed and python.exists():
			return
		say("tools: installing bench, pytest and linters into their own environment")
		log = places.step_log("tools")
		failure = "Installing the tools failed"
		run([PYTHON, "-m", "venv", places.tools], log, failure)
		run([python, "-m", "pip", "install", "--quiet", "--requirement", requirements], log, failure)


def ensure_yarn(places: Places) -> None:
	"""Install yarn, with which Frappe fetches its JavaScript packages."""
	_ensure_npm(places, "yarn", YARN, places.node / "bin" / "yarn")


def ensure_axe(places: Places) -> None:
	"""Install axe-core, which the browser tests put into the pages they look at."""
	_ensure_npm(places, "axe", AXE, axe_script(places))


def axe_script(places: Places) -> Path:
	"""Where axe-core is."""
	return places.node / "lib" / "node_modules" / "axe-core" / "axe.min.js"


def ensure_stripe_cli(places: Places) -> None:
	"""Install Stripe's command line, which the tests of the simulated Stripe let talk to it."""
	_ensure_npm(places, "stripe-cli", STRIPE_CLI, stripe_cli(places))


def stripe_cli(places: Places) -> Path:
	"""Where Stripe's command line is."""
	return places.node / "bin" / "stripe"


def _ensure_npm(places: Places, name: str, package: str, made: Path) -> None:
	"""Install a package, where this version of it was not installed before or the file ``made`` is gone."""
	with only_when_changed(places.tools / f"{name}.stamp", package) as changed:
		if not changed and made.exists():
			return
		say(f"tools: installing {package}")
		install = ["npm", "install", "--global", f"--prefix={places.node}", package]
		run(install, places.step_log(name), f"Installing {package} failed")
