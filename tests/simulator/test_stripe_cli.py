"""Stripe's own command line, as `make test` installs it, runs its scripts against the simulator."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from stripe_simulator.server import Simulator

from .conftest import SECRET_KEY
from .receiver import Receiver

REFUND_CREATED = Path(__file__).with_name("refund_created.json")
"""Stripe's command line has no script of its own for this event."""

SCRIPTS = [
	(("trigger", "payment_intent.succeeded"), ("payment_intent.succeeded", "charge.succeeded")),
	(("trigger", "payment_intent.payment_failed"), ("payment_intent.payment_failed", "charge.failed")),
	(("trigger", "charge.refunded"), ("charge.refunded", "refund.created")),
	(("trigger", "charge.refund.updated"), ("charge.refund.updated", "refund.updated")),
	(("trigger", "charge.dispute.created"), ("charge.dispute.created",)),
	(("trigger", "charge.dispute.updated"), ("charge.dispute.updated",)),
	(("trigger", "charge.dispute.closed"), ("charge.dispute.closed",)),
	(("trigger", "checkout.session.completed"), ("checkout.session.completed", "payment_intent.succeeded")),
	(("trigger", "checkout.session.expired"), ("checkout.session.expired",)),
	(
		("trigger", "checkout.session.async_payment_succeeded"),
		("checkout.session.completed", "payment_intent.processing"),
	),
	(("trigger", "customer.created"), ("customer.created",)),
	(("trigger", "customer.updated"), ("customer.updated",)),
	(("trigger", "payment_method.detached"), ("payment_method.attached", "payment_method.detached")),
	(("trigger", "setup_intent.succeeded"), ("setup_intent.created", "setup_intent.succeeded")),
	(("trigger", "setup_intent.setup_failed"), ("setup_intent.setup_failed",)),
	(("trigger", "payment_intent.requires_action"), ("payment_intent.requires_action",)),
	(("trigger", "charge.captured"), ("payment_intent.amount_capturable_updated", "charge.captured")),
	(("fixtures", str(REFUND_CREATED)), ("refund.created", "charge.refunded")),
]


def run(simulator: Simulator, home: Path, *arguments: str, key: str = SECRET_KEY) -> str:
	"""Run Stripe's command line without a login, telemetry or a way to any other machine; return what it printed."""
	nowhere = "http://127.0.0.1:9"
	done = subprocess.run(
		[os.environ["PB_STRIPE_CLI"], *arguments, "--api-base", simulator.url, "--api-key", key],
		env={
			"PATH": os.environ["PATH"],
			"HOME": str(home),
			"STRIPE_CLI_TELEMETRY_OPTOUT": "1",
			"HTTP_PROXY": nowhere,
			"HTTPS_PROXY": nowhere,
			"NO_PROXY": "127.0.0.1",
		},
		stdin=subprocess.DEVNULL,
		capture_output=True,
		text=True,
		timeout=60,
	)
	printed = done.stdout + done.stderr
	assert done.returncode == 0, printed
	return printed


def test_it_is_the_version_that_the_simulator_was_written_for() -> None:
	shown = subprocess.run(
		[os.environ["PB_STRIPE_CLI"], "--version"], capture_output=True, text=True, timeout=60
	)
	assert "1.52.0" in shown.stdout


@pytest.mark.parametrize("script,types", SCRIPTS, ids=lambda value: Path(value[-1]).stem)
def test_a_script_of_stripes_command_line_makes_its_events(
	script: tuple[str, ...], types: tuple[str, ...], simulator: Simulator, receiver: Receiver, tmp_path: Path
) -> None:
	run(simulator, tmp_path, *script)
	receiver.wait_for(*types)


def test_a_script_with_another_key_fails(simulator: Simulator, tmp_path: Path) -> None:
	with pytest.raises(AssertionError, match="Invalid API Key"):
		run(simulator, tmp_path, "trigger", "customer.created", key="sk_test_of_somebody_else")
