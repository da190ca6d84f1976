"""What one simulator is told when it starts, from the command line or the environment."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stripe_simulator.loopback import why_no_webhook_url

ENVIRONMENT_PREFIX = "STRIPE_SIMULATOR_"
LIVE_KEY_PREFIXES = ("sk_live_", "rk_live_", "pk_live_")


class SettingsError(ValueError):
	"""A setting the simulator refuses to start with; the message is a sentence for people."""


@dataclass(frozen=True)
class Settings:
	"""Checked settings. Times are in seconds; `webhook_url` empty means that events are kept but not sent."""

	port: int = 9101
	secret_key: str = "sk_test_simulator"
	publishable_key: str = "pk_test_simulator"
	webhook_url: str = ""
	webhook_secret: str = "whsec_simulator"
	retry_delays: tuple[float, ...] = (0.2, 1, 5, 15)
	webhook_timeout: float = 10
	business_name: str = "Demo Telecom"

	def __post_init__(self) -> None:
		if not 0 <= self.port <= 65535:
			raise SettingsError(f"The port must be between 0 and 65535, not {self.port}.")
		_check_key("secret key", self.secret_key, ("sk_test_", "rk_test_"))
		_check_key("publishable key", self.publishable_key, ("pk_test_",))
		if not self.webhook_secret.strip():
			raise SettingsError("The webhook secret is empty; webhooks could not be verified.")
		if self.webhook_url and (problem := why_no_webhook_url(self.webhook_url)):
			raise SettingsError(f"The webhook URL {self.webhook_url!r} {problem}")
		if not all(math.isfinite(delay) and delay >= 0 for delay in self.retry_delays):
			raise SettingsError("Retry delays must be seconds, 0 or more.")
		if not (math.isfinite(self.webhook_timeout) and self.webhook_timeout > 0):
			raise SettingsError("The webhook timeout must be more than 0 seconds.")


def settings_from(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Settings:
	"""Read the options; each may also come from STRIPE_SIMULATOR_<OPTION>, and the command line wins.

	Raises SettingsError for a value that is refused; argparse exits for an option it doesn't know.
	"""
	parser = argparse.ArgumentParser(
		prog="python -m stripe_simulator",
		description="A stateful local Stripe: test keys only, this machine only.",
		epilog=f"Each option may also be given as {ENVIRONMENT_PREFIX}<OPTION>, such as {ENVIRONMENT_PREFIX}PORT.",
	)
	parser.add_argument("--port", help="port on 127.0.0.1, 0 for any free one (default: 9101)")
	parser.add_argument("--secret-key", help="the only secret key that is accepted")
	parser.add_argument("--publishable-key", help="the publishable key of the same account")
	parser.add_argument("--webhook-url", help="where events are posted, on this machine only")
	parser.add_argument("--webhook-secret", help="secret the webhooks are signed with")
	parser.add_argument("--retry-delays", help="seconds before each further attempt, such as 0.2,1,5,15")
	parser.add_argument("--webhook-timeout", help="seconds an endpoint has to answer (default: 10)")
	parser.add_argument("--business-name", help="merchant name on the Checkout page")
	options = vars(parser.parse_args(arguments))
	given = {
		name: value if value is not None else environment.get(ENVIRONMENT_PREFIX + name.upper())
		for name, value in options.items()
	}
	return Settings(**{name: _convert(name, value) for name, value in given.items() if value is not None})


def _convert(name: str, value: str) -> Any:
	try:
		if name == "port":
			return int(value)
		if name == "webhook_timeout":
			return float(value)
		if name == "retry_delays":
			return tuple(float(delay) for delay in value.split(",") if delay.strip())
	except ValueError:
		raise SettingsError(f"{value!r} is no valid value for {name.replace('_', ' ')}.") from None
	return value


def _check_key(label: str, key: str, prefixes: tuple[str, ...]) -> None:
	if key.startswith(LIVE_KEY_PREFIXES):
		raise SettingsError(
			f"The {label} is a live key. The simulator is for test keys only; nothing was started."
		)
	if not key.startswith(prefixes):
		raise SettingsError(f"The {label} must start with {' or '.join(prefixes)}.")
