"""What a person sees while they wait: one line per long step, and where to read more when a step fails."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

STARTED = time.monotonic()
TAIL_LINES = 20


class Failed(Exception):
	"""A step that cannot go on. The message says what happened and what to do; `log` has the details."""

	def __init__(self, message: str, log: Path | None = None) -> None:
		super().__init__(message)
		self.log = log

	def report(self) -> str:
		"""The message, and the last lines of the step's log when there is one."""
		if self.log is None:
			return str(self)
		return f"{self}\nThe last lines of {self.log}:\n{tail(self.log)}"


def say(text: str) -> None:
	"""Print one progress line, stamped with the seconds since the command began."""
	print(f"[{time.monotonic() - STARTED:6.1f} s] {text}", flush=True)


def tail(log: Path) -> str:
	"""The last lines of a log, indented so that they stand out from our own."""
	lines = log.read_text(errors="replace").splitlines() if log.exists() else []
	return "\n".join(f"    {line}" for line in lines[-TAIL_LINES:])


def run(
	arguments: Sequence[str | Path],
	log: Path,
	failure: str,
	cwd: Path | None = None,
	environment: Mapping[str, str] | None = None,
) -> None:
	"""Run one program to its end with its output in `log`; raise Failed with `failure` when it fails.

	The program gets a process group of its own and the whole group ends when we are interrupted: yarn and
	bench start children that would otherwise go on writing into a half-made bench.
	"""
	with log.open("ab") as output:
		process = subprocess.Popen(
			arguments,
			cwd=cwd,
			env=environment,
			stdin=subprocess.DEVNULL,
			stdout=output,
			stderr=subprocess.STDOUT,
			start_new_session=True,
		)
		try:
			code = process.wait()
		except BaseException:
			os.killpg(process.pid, signal.SIGKILL)
			process.wait()
			raise
	if code:
		raise Failed(f"{failure} (exit code {code}).", log)


def lines_of(
	arguments: Sequence[str | Path], log: Path, failure: str, cwd: Path, environment: Mapping[str, str]
) -> Iterator[str]:
	"""Run one program and yield what it prints, line by line as it comes; its errors go to `log`."""
	with log.open("ab") as errors:
		process = subprocess.Popen(
			arguments,
			cwd=cwd,
			env={**os.environ, **environment},
			stdin=subprocess.DEVNULL,
			stdout=subprocess.PIPE,
			stderr=errors,
			start_new_session=True,
			text=True,
		)
		assert process.stdout
		try:
			for line in process.stdout:
				yield line.rstrip("\n")
			code = process.wait()
		except BaseException:
			os.killpg(process.pid, signal.SIGKILL)
			process.wait()
			raise
	if code:
		raise Failed(f"{failure} (exit code {code}).", log)
