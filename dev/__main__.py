"""python3 -m dev COMMAND: what the Makefile calls."""

import os
import signal
import sys
import time
from types import FrameType

from dev.demo import lock_file, run_demo
from dev.lint import run_lint
from dev.machine import become, find_owner, use_the_machines_python
from dev.mutation import run_mutation
from dev.places import Places, make_state, places_of, try_lock
from dev.progress import Failed, say
from dev.services import identity, pid_file, stop_leftovers
from dev.setup import hand_over, set_up_bench, set_up_machine
from dev.testing import run_benchmark, run_tests, take_pictures

COMMANDS = (
	"demo",
	"test",
	"proof",
	"pictures",
	"bench-ledger",
	"bench-calls",
	"bench-portal",
	"bench-warnings",
	"bench-webhooks",
	"lint",
	"mutation",
	"setup",
	"stop",
)
INTERRUPTED = 130
STOP_SECONDS = 60


def main(arguments: list[str]) -> int:
	"""Run one command; gives its exit code."""
	if len(arguments) != 1 or arguments[0] not in COMMANDS:
		print(f"python3 -m dev {' | '.join(COMMANDS)}", file=sys.stderr)
		return 2
	use_the_machines_python()
	for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
		signal.signal(number, interrupt)
	os.umask(0o022)
	try:
		return run_command(arguments[0])
	except Failed as failure:
		print(f"\n{failure.report()}", file=sys.stderr, flush=True)
		return 1
	except KeyboardInterrupt:
		print("\nInterrupted; nothing was left running.", file=sys.stderr, flush=True)
		return INTERRUPTED


def interrupt(number: int, frame: FrameType | None) -> None:
	"""Every polite way to end us takes the road of Ctrl-C, on which all children are stopped."""
	raise KeyboardInterrupt


def run_command(command: str) -> int:
	"""The command itself, once the machine has what it needs."""
	if command == "stop":
		return stop()
	if command == "proof":
		os.environ["SCALE"] = "full"
	places, paths = set_up_machine(with_browser=command in ("test", "proof", "pictures", "setup"))
	if command == "demo":
		return run_demo(places, paths)
	if command in ("test", "proof"):
		return run_tests(places, paths)
	if command == "pictures":
		return take_pictures(places, paths)
	if command.startswith("bench-"):
		return run_benchmark(places, paths, command.removeprefix("bench-"))
	if command == "lint":
		return run_lint(places)
	if command == "mutation":
		return run_mutation(places)
	set_up_bench(places, paths)
	say("setup: done")
	return 0


def stop() -> int:
	"""End a demo that runs elsewhere, and what killed commands left behind."""
	try:
		owner = find_owner()
	except KeyError:
		print("Nothing is running.")
		return 0
	places = places_of(owner)
	make_state(places, owner)
	hand_over(places, owner)
	become(owner, [])
	stopped = stop_demo(places)
	for name in ("demo", "test"):
		if try_lock(places.run / f"{name}.lock") is not None:
			stopped += stop_leftovers(places.run / name)
	print("Stopped." if stopped else "Nothing was running.")
	return 0


def stop_demo(places: Places) -> int:
	"""Ask a running demo to end and wait until it has; gives how many were stopped."""
	file = pid_file(places.run, "demo")
	content = file.read_text() if file.exists() else ""
	if not content or identity(int(content.split()[0])) != content:
		return 0
	say("stopping the demo")
	os.kill(int(content.split()[0]), signal.SIGTERM)
	deadline = time.monotonic() + STOP_SECONDS
	while try_lock(lock_file(places)) is None:
		if time.monotonic() > deadline:
			raise Failed(f"The demo (process {content.split()[0]}) did not stop within {STOP_SECONDS} s.")
		time.sleep(0.1)
	return 1


if __name__ == "__main__":
	sys.exit(main(sys.argv[1:]))
