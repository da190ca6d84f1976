"""The bench: found or made, with the app in it at the work tree's state and its assets built.

A bench that is already there is used as it is; nothing is changed in it but our app, our two sites and some Python
packages for the tests.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from dev.machine import PYTHON
from dev.places import APP, Places, digest, only_when_changed
from dev.progress import Failed, run, say
from dev.source import commit_copy, mirror

LS_REMOTE_SECONDS = 60
BUILT_PATHS = (f"{APP}/public/", f"{APP}/locale/")


def bench_exists(places: Places) -> bool:
	"""Whether a whole bench stands at its place; one whose making was interrupted does not count."""
	parts = (places.bench / "apps" / "frappe" / "frappe" / "__init__.py", places.bench_python, places.sites)
	return all(part.exists() for part in parts) and not is_half_made(places)


def why_no_frappe(places: Places) -> str | None:
	"""None when a bench is there or Frappe can be cloned; otherwise the reason, in words."""
	if bench_exists(places):
		return None
	where = f"{places.frappe_repository} (branch {places.frappe_branch})"
	ask = ["git", "ls-remote", "--exit-code", "--heads", places.frappe_repository, places.frappe_branch]
	try:
		subprocess.run(ask, check=True, capture_output=True, timeout=LS_REMOTE_SECONDS)
	except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
		return f"There is no bench at {places.bench} and Frappe cannot be cloned from {where}."
	return None


def ensure_bench(places: Places, paths: list[str]) -> None:
	"""Bring the bench to where the app can be served: `paths` are the files of the work tree."""
	if not bench_exists(places):
		make_bench(places)
	refuse_foreign_owner(places)
	ensure_bench_packages(places)
	ensure_app(places, paths)
	ensure_assets(places, paths)


def make_bench(places: Places) -> None:
	"""`bench init`. A marker names the directory meanwhile, so that the next start clears what a broken one left."""
	if is_half_made(places):
		shutil.rmtree(places.bench, ignore_errors=True)
	say(f"bench: cloning and building Frappe {places.frappe_branch} in {places.bench}")
	making(places).write_text(str(places.bench))
	initialise = ["bench", "init", "--frappe-path", places.frappe_repository]
	initialise += ["--frappe-branch", places.frappe_branch, "--python", PYTHON]
	initialise += ["--skip-assets", "--no-backups", str(places.bench)]
	run(initialise, places.step_log("bench-init"), "Making the bench failed")
	making(places).unlink()


def making(places: Places) -> Path:
	"""The marker of `make_bench`."""
	return places.run / "bench-in-the-making"


def is_half_made(places: Places) -> bool:
	"""Whether an earlier `make_bench` of this very directory did not come to its end."""
	marker = making(places)
	return marker.exists() and marker.read_text() == str(places.bench)


def refuse_foreign_owner(places: Places) -> None:
	"""A bench of another account cannot be written to; say it before the first step fails at it."""
	if not os.access(places.sites, os.W_OK):
		raise Failed(
			f"The bench at {places.bench} belongs to another user. Set FRAPPE_USER to that user and run this "
			"as root, or set BENCH_DIR to another place."
		)


def ensure_bench_packages(places: Places) -> None:
	"""Install dev/requirements-bench.txt into the bench's environment when that file changed."""
	requirements = places.source / "dev" / "requirements-bench.txt"
	with only_when_changed(places.stamps / "requirements", digest([requirements])) as changed:
		if changed:
			say("bench: installing the packages that the tests need")
			bench_pip(places, ["--requirement", str(requirements)], "bench-packages")


def bench_pip(places: Places, arguments: list[str], log: str) -> None:
	"""Install into the bench's environment with the installer that bench itself uses."""
	install = ["uv", "pip", "install", "--python", str(places.bench_python), *arguments]
	run(install, places.step_log(log), "Installing Python packages into the bench failed")


def ensure_app(places: Places, paths: list[str]) -> None:
	"""The app in the bench as it is in the work tree; installed again only when its dependencies may differ."""
	if places.app.is_symlink():
		return  # a developer's bench that serves its checkout directly
	manifest = places.stamps / "app.files"
	if places.app.exists() and not manifest.exists():
		refuse_unsaved_work(places)
	if APP not in (places.sites / "apps.txt").read_text().split():
		get_app(places)
	mirror(places.source, places.app, paths, manifest, places.step_log("app"))
	with only_when_changed(places.stamps / "app", digest([places.app / "pyproject.toml"])) as changed:
		if changed:
			say("bench: installing the app's Python package")
			bench_pip(places, ["--editable", str(places.app)], "app-package")


def get_app(places: Places) -> None:
	"""`bench get-app`, the way an administrator installs it."""
	say("bench: getting the app (bench get-app)")
	commit_copy(places)
	# What a try that broke off left; bench would ask whether to overwrite it.
	shutil.rmtree(places.app, ignore_errors=True)
	get = ["bench", "get-app", "--skip-assets", f"file://{places.source}"]
	run(get, places.step_log("get-app"), "bench get-app failed", cwd=places.bench)


def refuse_unsaved_work(places: Places) -> None:
	"""An app directory we did not make may hold somebody's uncommitted work: never copy over that."""
	status = ["git", "-C", str(places.app), "status", "--porcelain"]
	shown = subprocess.run(status, capture_output=True, text=True)
	if shown.returncode or shown.stdout:
		raise Failed(
			f"{places.app} has changes that are in no commit, and this command would copy the checkout over "
			"them. Commit them or move them away, or set BENCH_DIR to another place."
		)


def ensure_assets(places: Places, paths: list[str]) -> None:
	"""Production assets of Frappe once, and of the app whenever its scripts, styles or translations changed."""
	stamp = places.stamps / "assets"
	if not (places.sites / "assets" / "assets.json").exists():
		say("bench: building Frappe's assets")
		stamp.unlink(missing_ok=True)
		build(places, "frappe")
	built = [places.app / path for path in paths if path.startswith(BUILT_PATHS)]
	with only_when_changed(stamp, digest(built)) as changed:
		if changed:
			say("bench: building the app's assets and translations")
			build(places, APP)


def build(places: Places, app: str) -> None:
	"""`bench build` of one app; it compiles the app's translations too. --force keeps it from downloading."""
	log = places.step_log(f"build-{app}")
	frappe(
		places,
		["build", "--production", "--force", "--app", app],
		log,
		f"Building the assets of {app} failed",
	)


def frappe(
	places: Places,
	arguments: list[str],
	log: Path,
	failure: str,
	environment: Mapping[str, str] | None = None,
) -> None:
	"""Run one of Frappe's own commands (`bench --site S ...` comes to the same, slower)."""
	run(frappe_command(places, arguments), log, failure, places.sites, {**os.environ, **(environment or {})})


def frappe_command(places: Places, arguments: list[str]) -> list[str]:
	"""The command line behind `bench ...`; its working directory has to be `sites`."""
	return [str(places.bench_python), "-m", "frappe.utils.bench_helper", "frappe", *arguments]


def common_config(places: Places) -> dict[str, object]:
	"""What the bench's sites share."""
	config: dict[str, object] = json.loads((places.sites / "common_site_config.json").read_text())
	return config
