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
	if (places.node / "bin" / "yarn").exists():
		return
	say(f"tools: installing {YARN}")
	install = ["npm", "install", "--global", f"--prefix={places.node}", YARN]
	run(install, places.step_log("yarn"), f"Installing {YARN} failed")


def ensure_axe(places: Places) -> None:
	"""Install axe-core, which the browser tests put into the pages they look at."""
	with only_when_changed(places.tools / "axe.stamp", AXE) as changed:
		if not changed and axe_script(places).exists():
			return
		say(f"tools: installing {AXE}")
		install = ["npm", "install", "--global", f"--prefix={places.node}", AXE]
		run(install, places.step_log("axe"), f"Installing {AXE} failed")


def axe_script(places: Places) -> Path:
	"""Where axe-core is."""
	return places.node / "lib" / "node_modules" / "axe-core" / "axe.min.js"


def ensure_stripe_cli(places: Places) -> None:
	"""Install Stripe's command line, which the tests of the simulated Stripe let talk to it."""
	with only_when_changed(places.tools / "stripe-cli.stamp", STRIPE_CLI) as changed:
		if not changed and stripe_cli(places).exists():
			return
		say(f"tools: installing {STRIPE_CLI}")
		install = ["npm", "install", "--global", f"--prefix={places.node}", STRIPE_CLI]
		run(install, places.step_log("stripe-cli"), f"Installing {STRIPE_CLI} failed")


def stripe_cli(places: Places) -> Path:
	"""Where Stripe's command line is."""
	return places.node / "bin" / "stripe"
