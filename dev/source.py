"""The copy of the checkout that is served and tested.

A copy, because the checkout may lie where only root can read, and because tests must not leave files in it. It
follows the work tree, not the last commit: what a developer has just typed is what runs.
"""

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from dev.machine import Owner
from dev.places import CHECKOUT, Places
from dev.progress import run

GIT_IDENTITY = [
	"-c",
	"user.name=Prepaid Billing",
	"-c",
	"user.email=demo@localhost",
	"-c",
	"commit.gpgsign=false",
]


def copy_checkout(places: Places, owner: Owner) -> list[str]:
	"""Bring `source/` to the state of the checkout's work tree; gives the relative paths of all its files."""
	paths = work_tree_files()
	mirror(CHECKOUT, places.source, paths, places.state / "source.files", places.step_log("source"), owner)
	return paths


def work_tree_files() -> list[str]:
	"""Tracked and new files that .gitignore does not name, also where the checkout came without its .git."""
	with TemporaryDirectory() as empty:
		git = ["git", "-c", "safe.directory=*"]
		if not (CHECKOUT / ".git").exists():
			subprocess.run([*git, "init", "--quiet", "--bare", empty], check=True)
			git += [f"--git-dir={empty}", f"--work-tree={CHECKOUT}"]
		listing = [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
		shown = subprocess.run(listing, cwd=CHECKOUT, capture_output=True, check=True).stdout
	paths = {os.fsdecode(name) for name in shown.split(b"\0") if name}
	return sorted(path for path in paths if os.path.lexists(CHECKOUT / path))


def mirror(
	origin: Path, destination: Path, paths: list[str], manifest: Path, log: Path, owner: Owner | None = None
) -> None:
	"""Copy `paths` and remove what an earlier call copied and is gone now.

	What others made beside our files (built assets, compiled translations, bytecode) stays.
	"""
	listing = b"\0".join(os.fsencode(path) for path in paths)
	names = manifest.with_suffix(".names")
	names.write_bytes(listing)
	rsync: list[str | Path] = ["rsync", "-a", "--checksum", "--from0", f"--files-from={names}"]
	if owner and os.getuid() == 0:
		rsync.append(f"--chown={owner.uid}:{owner.gid}")
	run([*rsync, f"{origin}/", f"{destination}/"], log, f"Copying {origin} to {destination} failed")
	before = manifest.read_bytes().split(b"\0") if manifest.exists() else []
	for gone in {os.fsdecode(name) for name in before if name} - set(paths):
		(destination / gone).unlink(missing_ok=True)
	names.replace(manifest)


def commit_copy(places: Places) -> None:
	"""Make `source/` a repository at its present state: bench installs apps from nothing else."""
	log = places.step_log("source-commit")
	for arguments in (
		["init", "--quiet", "--initial-branch=main"],
		["add", "--all", "--force", "."],
		[*GIT_IDENTITY, "commit", "--quiet", "--allow-empty", "--no-verify", "--message=Work tree"],
	):
		run(["git", *arguments], log, f"git in {places.source} failed", cwd=places.source)
