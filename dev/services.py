"""Processes we start, wait for and stop.

All are private instances on 127.0.0.1. They live in sessions of their own, so that Ctrl-C reaches us alone and we
stop them in order, and the kernel ends them should we be killed without a chance to.
"""

import contextlib
import ctypes
import http.client
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dev.progress import Failed, say

LOOPBACK = "127.0.0.1"
_SERVER_PORTS = range(20_000, 32_000)
START_SECONDS = 60.0
STOP_SECONDS = 20.0
PATIENCE_SECONDS = 2.0
PROBE_SECONDS = 0.1
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


@dataclass(frozen=True)
class Service:
	"""One process: how it is started and how one sees that it answers."""

	name: str
	command: list[str]
	is_ready: Callable[[], bool]
	cwd: Path
	port: int | None = None
	port_variable: str | None = None
	environment: Mapping[str, str] = field(default_factory=dict)


class Services:
	"""The processes of one demo or one test run. Leaving the `with` block stops all that were started."""

	def __init__(self, run_directory: Path, logs: Path) -> None:
		self.run_directory = run_directory
		self.logs = logs
		self.started: list[tuple[Service, subprocess.Popen[bytes]]] = []

	def __enter__(self) -> "Services":
		self.run_directory.mkdir(exist_ok=True)
		stop_leftovers(self.run_directory)
		return self

	def __exit__(self, *_: object) -> None:
		self.stop()

	def start(self, *services: Service) -> None:
		"""Start them side by side; back when every one really answers."""
		for service in services:
			refuse_taken_port(service)
			self.spawn(service)
		deadline = time.monotonic() + START_SECONDS
		for service in services:
			self.wait_for(service, deadline)

	def spawn(self, service: Service) -> None:
		"""Start one and write its pid file."""
		with self.log_of(service).open("wb") as output:
			process = subprocess.Popen(
				service.command,
				cwd=service.cwd,
				env={**os.environ, **service.environment},
				stdin=subprocess.DEVNULL,
				stdout=output,
				stderr=subprocess.STDOUT,
				start_new_session=True,
				preexec_fn=end_with_parent,
			)
		self.started.append((service, process))
		pid_file(self.run_directory, service.name).write_text(identity(process.pid))

	def wait_for(self, service: Service, deadline: float) -> None:
		"""Probe until the service answers; a dead process or a passed deadline is a failure."""
		while not service.is_ready():
			self.check()
			if time.monotonic() > deadline:
				raise Failed(
					f"{service.name} did not answer within {START_SECONDS:.0f} s.", self.log_of(service)
				)
			time.sleep(PROBE_SECONDS)
		self.check()

	def check(self) -> None:
		"""Raise Failed when one of them has ended."""
		for service, process in self.started:
			if process.poll() is not None:
				raise Failed(f"{service.name} ended with code {process.returncode}.", self.log_of(service))

	def stop(self) -> None:
		"""Stop in reverse order. Not to be interrupted: a second Ctrl-C must not leave the other half running."""
		handlers = {
			number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)
		}
		while self.started:
			service, process = self.started.pop()
			stop_group(process.pid, lambda process=process: process.poll() is not None)  # type: ignore[misc]
			pid_file(self.run_directory, service.name).unlink(missing_ok=True)
		for number, handler in handlers.items():
			signal.signal(number, handler)

	def log_of(self, service: Service) -> Path:
		"""Where its output goes."""
		return self.logs / f"{self.run_directory.name}-{service.name}.log"


def end_with_parent() -> None:
	"""In the child: ask the kernel for a SIGTERM when our parent dies, however it dies."""
	LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def pid_file(run_directory: Path, name: str) -> Path:
	"""Where a service's process id is kept."""
	return run_directory / f"{name}.pid"


def identity(pid: int) -> str:
	"""Process id with its start time: the pair names one process for as long as the machine is up.

	Empty for a process that is gone.
	"""
	try:
		after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
	except OSError:
		return ""
	return "" if after_name[0] == "Z" else f"{pid} {after_name[19]}"


def stop_leftovers(run_directory: Path) -> int:
	"""Stop what an earlier run left behind when it was killed; gives how many."""
	count = 0
	for file in run_directory.glob("*.pid"):
		content = file.read_text()
		pid = int(content.split()[0]) if content else 0
		if pid and identity(pid) == content:
			say(f"stopping {file.stem}, left over from an earlier run")
			stop_group(pid, lambda pid=pid, content=content: identity(pid) != content)  # type: ignore[misc]
			count += 1
		file.unlink()
	return count


def stop_group(group: int, is_gone: Callable[[], bool]) -> None:
	"""TERM to a process group, KILL to what is left of it after a while.

	TERM comes again and again: to Frappe's worker the first says "after this job", the second says "now".
	"""
	deadline = time.monotonic() + STOP_SECONDS
	while not is_gone() and time.monotonic() < deadline:
		send(group, signal.SIGTERM)
		patience = time.monotonic() + PATIENCE_SECONDS
		while not is_gone() and time.monotonic() < patience:
			time.sleep(PROBE_SECONDS / 4)
	send(group, signal.SIGKILL)
	while not is_gone():
		time.sleep(PROBE_SECONDS / 4)


def send(group: int, number: signal.Signals) -> None:
	"""Signal a process group that may be gone."""
	try:
		os.killpg(group, number)
	except ProcessLookupError:
		pass


def free_port() -> int:
	"""A port nobody listens on now, and below those that the kernel lends to connections: one of them would take it."""
	for port in random.sample(_SERVER_PORTS, len(_SERVER_PORTS)):
		with socket.socket() as probe, contextlib.suppress(OSError):
			probe.bind((LOOPBACK, port))
			return port
	raise Failed("There is no free port.")


def refuse_taken_port(service: Service) -> None:
	"""Say whose door is blocked and which variable opens another, instead of letting the service fail."""
	if service.port is None:
		return
	with socket.socket() as probe:
		probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		try:
			probe.bind((LOOPBACK, service.port))
		except OSError:
			hint = f" Free it or set {service.port_variable} to another." if service.port_variable else ""
			raise Failed(f"Port {service.port}, wanted for {service.name}, is in use.{hint}") from None


def answers_http(port: int, path: str) -> Callable[[], bool]:
	"""Probe: an HTTP request is answered without a server error."""

	def is_ready() -> bool:
		connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30)
		try:
			connection.request("GET", path)
			return connection.getresponse().status < 500
		except (OSError, http.client.HTTPException):
			return False
		finally:
			connection.close()

	return is_ready


def answers_line(port: int, question: bytes, answer: bytes) -> Callable[[], bool]:
	"""Probe for line protocols: the reply to `question`, or the greeting where it is empty, begins with `answer`."""

	def is_ready() -> bool:
		try:
			with socket.create_connection((LOOPBACK, port), timeout=5) as connection:
				connection.sendall(question)
				return connection.recv(256).startswith(answer)
		except OSError:
			return False

	return is_ready


def is_running() -> bool:
	"""For a process nobody can ask anything: it is enough that it was started; `check` sees it end."""
	return True
