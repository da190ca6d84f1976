"""`make setup`, and the first part of the two other commands: from a bare machine to a bench with the app."""

import os
import shutil

from dev.bench import ensure_bench, why_no_frappe
from dev.machine import Owner, become, ensure_owner, ensure_packages
from dev.places import Places, exclusive, make_state, places_of
from dev.progress import Failed
from dev.source import copy_checkout
from dev.tools import ensure_tools, ensure_yarn

WAITING = "setup: waiting for another command that sets up the same bench"


def set_up_machine(with_browser: bool) -> tuple[Places, list[str]]:
	"""What root may have to do, then become the owner; gives the places and the work tree's files.

	Afterwards nothing of the checkout can be read any more, where only root could: the copy is used.
	"""
	owner = ensure_owner()
	places = places_of(owner)
	make_state(places, owner)
	try:
		ensure_packages(with_browser, places.step_log("packages"))
		with exclusive(places.run / "setup.lock", WAITING):
			paths = copy_checkout(places, owner)
	finally:
		hand_over(places, owner)
	become(owner, [places.tools / "bin", places.node / "bin"])
	ensure_tools(places)
	return places, paths


def hand_over(places: Places, owner: Owner) -> None:
	"""Give the owner the few files that root made by now."""
	made = [*places.logs.iterdir(), *places.run.iterdir(), *places.state.glob("source.*")]
	for path in made if os.getuid() == 0 else ():
		if path.lstat().st_uid == 0:
			shutil.chown(path, owner.uid, owner.gid)


def set_up_bench(places: Places, paths: list[str]) -> None:
	"""The bench with the app at the work tree's state, or Failed with what to set."""
	missing = why_no_frappe(places)
	if missing:
		raise Failed(f"{missing}\nSet BENCH_DIR to a bench, or FRAPPE_REPO to a repository of Frappe.")
	with exclusive(places.run / "setup.lock", WAITING):
		ensure_yarn(places)
		ensure_bench(places, paths)
