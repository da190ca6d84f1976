"""Where everything lies, and the few variables that move it."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.machine import Owner
from dev.progress import Failed, say

CHECKOUT = Path(__file__).resolve().parent.parent
APP = "prepaid_billing"


@dataclass(frozen=True)
class Places:
	"""The directories of one owner. `state` holds all that we make outside the bench."""

	state: Path
	bench: Path
	frappe_repository: str
	frappe_branch: str

	@property
	def tools(self) -> Path:
		"""Virtual environment with bench, the linters and what the tests without Frappe need."""
		return self.state / "tools"

	@property
	def node(self) -> Path:
		"""npm prefix that holds yarn."""
		return self.state / "node"

	@property
	def source(self) -> Path:
		"""Copy of the checkout that the owner can read, with uncommitted work in it."""
		return self.state / "source"

	@property
	def logs(self) -> Path:
		"""One log per step and per service."""
		return self.state / "logs"

	@property
	def run(self) -> Path:
		"""Locks, process ids and sockets."""
		return self.state / "run"

	@property
	def stamps(self) -> Path:
		"""What was done to the bench. Lies in the bench, so that both go together."""
		return self.bench / ".prepaid-billing"

	@property
	def app(self) -> Path:
		"""The app's place in the bench."""
		return self.bench / "apps" / APP

	@property
	def sites(self) -> Path:
		"""The bench's sites; Frappe's processes run in here."""
		return self.bench / "sites"

	@property
	def bench_python(self) -> Path:
		"""The interpreter that has Frappe and the app."""
		return self.bench / "env" / "bin" / "python"

	def step_log(self, name: str) -> Path:
		"""A fresh log for one step."""
		log = self.logs / f"{name}.log"
		log.write_text("")
		return log


def places_of(owner: Owner) -> Places:
	"""The owner's directories, as the environment has them or at their usual places."""
	return Places(
		state=directory("PREPAID_BILLING_HOME", owner.home / ".prepaid-billing"),
		bench=directory("BENCH_DIR", owner.home / "frappe-bench"),
		frappe_repository=os.environ.get("FRAPPE_REPO") or "https://github.com/frappe/frappe",
		frappe_branch=os.environ.get("FRAPPE_BRANCH") or "version-15",
	)


def directory(variable: str, default: Path) -> Path:
	"""An absolute path from the environment, or the default."""
	return Path(os.environ.get(variable) or default).absolute()


def port(variable: str, default: int) -> int:
	"""A port number from the environment, or the default."""
	value = os.environ.get(variable) or str(default)
	if not value.isdigit():
		raise Failed(f"{variable} must be a port number, not {value!r}.")
	return int(value)


def make_state(places: Places, owner: Owner) -> None:
	"""Make the directories we write to, the owner's also when root makes them."""
	for path in (places.state, places.logs, places.run, places.source):
		path.mkdir(parents=True, exist_ok=True)
		shutil.chown(path, owner.uid, owner.gid)


def digest(paths: Iterable[Path]) -> str:
	"""One hash over names and contents; missing files count as empty."""
	total = hashlib.sha256()
	for path in paths:
		total.update(f"{path}\0".encode())
		total.update(path.read_bytes() if path.is_file() else b"")
	return total.hexdigest()


@contextmanager
def only_when_changed(stamp: Path, value: str) -> Iterator[bool]:
	"""Yield whether `value` differs from the stamp's; the stamp is written only after the work succeeded."""
	changed = not stamp.exists() or stamp.read_text() != value
	yield changed
	if changed:
		stamp.parent.mkdir(parents=True, exist_ok=True)
		stamp.write_text(value)


def try_lock(path: Path) -> int | None:
	"""Take a lock that the kernel gives back whenever and however we end; None where another process has it."""
	# Not inherited by children (PEP 446), so a service that outlives us does not keep the lock.
	descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
	try:
		fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
	except BlockingIOError:
		os.close(descriptor)
		return None
	return descriptor


@contextmanager
def exclusive(path: Path, waiting: str) -> Iterator[None]:
	"""Hold a lock for the length of a block; say why when we have to wait for it."""
	descriptor = try_lock(path)
	if descriptor is None:
		say(waiting)
		descriptor = os.open(path, os.O_RDWR)
		fcntl.flock(descriptor, fcntl.LOCK_EX)
	try:
		yield
	finally:
		os.close(descriptor)
