"""Starting from the command line, what is refused, and stopping."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from stripe_simulator.settings import Settings, SettingsError, settings_from

from .receiver import DEADLINE, Receiver, wait_until

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def running(*options: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
	process = subprocess.Popen(
		[sys.executable, "-m", "stripe_simulator", *options],
		cwd=ROOT,
		env=os.environ | environment,
		stdout=subprocess.PIPE,
		stderr=subprocess.PIPE,
		text=True,
	)
	try:
		yield process
	finally:
		process.kill()
		process.communicate()


def url_in(line: str) -> str:
	return next(word for word in line.split() if word.startswith("http://127.0.0.1:")).rstrip(",")


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_it_tells_in_one_line_that_it_is_ready_and_stops_at_once_when_asked(sent: signal.Signals) -> None:
	with running(
		"--port", "0", "--webhook-url", "http://prepaid.localhost:8000/api/stripe/webhook"
	) as process:
		assert process.stdout
		line = process.stdout.readline()
		assert "ready" in line
		assert "http://prepaid.localhost:8000/api/stripe/webhook" in line
		assert requests.get(f"{url_in(line)}/_simulator/health", timeout=10).json()["status"] == "ok"
		began = time.monotonic()
		process.send_signal(sent)
		rest, errors = process.communicate(timeout=DEADLINE)
		assert (process.returncode, rest, errors) == (0, "", "")
		assert time.monotonic() - began < 2


def test_it_stops_at_once_also_while_a_webhook_hangs(receiver: Receiver) -> None:
	receiver.gate.clear()
	hook = f"http://127.0.0.1:{receiver.port}/"
	with running(
		"--port", "0", "--webhook-url", hook, "--webhook-secret", receiver.secret, "--secret-key", "sk_test_x"
	) as process:
		assert process.stdout
		url = url_in(process.stdout.readline())
		requests.post(f"{url}/v1/customers", headers={"Authorization": "Bearer sk_test_x"}, timeout=10)
		receiver.wait_for("customer.created")
		process.terminate()
		assert process.wait(timeout=2) == 0


def test_a_live_key_is_refused_before_anything_listens() -> None:
	with running("--port", "0", "--secret-key", "sk_live_abc") as process:
		output, errors = process.communicate(timeout=DEADLINE)
		assert (process.returncode, output) == (2, "")
		assert "live key" in errors
		assert "Traceback" not in errors
		assert "sk_live_abc" not in errors


def test_a_taken_port_is_told_without_a_traceback() -> None:
	with socket.create_server(("127.0.0.1", 0)) as taken:
		with running("--port", str(taken.getsockname()[1])) as process:
			_, errors = process.communicate(timeout=DEADLINE)
			assert process.returncode == 1
			assert "in use" in errors
			assert "Traceback" not in errors


def test_it_listens_on_127_0_0_1_only() -> None:
	with running("--port", "0") as process:
		assert process.stdout
		port = int(url_in(process.stdout.readline()).rpartition(":")[2])
		wait_until(lambda: socket.create_connection(("127.0.0.1", port), 1).close() is None, "the port")
		with pytest.raises(OSError):
			socket.create_connection(("127.0.0.2", port), 1)


def test_every_option_may_come_from_the_environment_and_the_command_line_wins() -> None:
	environment = {
		"STRIPE_SIMULATOR_PORT": "9200",
		"STRIPE_SIMULATOR_SECRET_KEY": "sk_test_env",
		"STRIPE_SIMULATOR_PUBLISHABLE_KEY": "pk_test_env",
		"STRIPE_SIMULATOR_WEBHOOK_URL": "http://127.0.0.9:1/x",
		"STRIPE_SIMULATOR_WEBHOOK_SECRET": "whsec_env",
		"STRIPE_SIMULATOR_RETRY_DELAYS": "0.5, 2",
		"STRIPE_SIMULATOR_WEBHOOK_TIMEOUT": "3",
		"STRIPE_SIMULATOR_BUSINESS_NAME": "Nordlicht",
	}
	assert settings_from([], environment) == Settings(
		9200, "sk_test_env", "pk_test_env", "http://127.0.0.9:1/x", "whsec_env", (0.5, 2), 3, "Nordlicht"
	)
	assert settings_from(["--port", "9300", "--retry-delays", ""], environment).port == 9300
	assert settings_from(["--retry-delays", ""], environment).retry_delays == ()
	assert settings_from([], {}) == Settings()


@pytest.mark.parametrize(
	"url",
	[
		"http://example.com/hook",
		"http://127.0.0.1.example.com/hook",
		"http://localhost@example.com/hook",
		"http://example.com#@localhost/",
		"http://notlocalhost/hook",
		"http://10.0.0.1/hook",
		"http://0.0.0.0/hook",
		"http://2130706433/hook",
		"http://[::1]/hook",
		"http://localhost:99999/hook",
		"https://localhost/hook",
		"ftp://localhost/hook",
		"localhost/hook",
		"http:///hook",
	],
)
def test_a_webhook_url_beyond_this_machine_is_refused(url: str) -> None:
	with pytest.raises(SettingsError, match="webhook URL"):
		Settings(webhook_url=url)


@pytest.mark.parametrize(
	"url",
	["http://localhost/x", "http://prepaid.localhost:8000/x", "http://127.1.2.3/x", "http://LOCALHOST./x"],
)
def test_a_webhook_url_on_this_machine_is_taken(url: str) -> None:
	assert Settings(webhook_url=url).webhook_url == url


@pytest.mark.parametrize(
	("arguments", "words"),
	[
		(["--port", "many"], "port"),
		(["--port", "70000"], "between 0 and 65535"),
		(["--secret-key", "rk_live_x"], "live key"),
		(["--publishable-key", "pk_live_x"], "live key"),
		(["--secret-key", "pk_test_x"], "must start with sk_test_"),
		(["--webhook-secret", " "], "webhook secret is empty"),
		(["--retry-delays", "1,x"], "retry delays"),
		(["--retry-delays", "-1"], "0 or more"),
		(["--retry-delays", "nan"], "0 or more"),
		(["--webhook-timeout", "0"], "more than 0"),
	],
)
def test_a_wrong_setting_is_refused_with_a_sentence(arguments: list[str], words: str) -> None:
	with pytest.raises(SettingsError, match=words):
		settings_from(arguments, {})
