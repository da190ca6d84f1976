"""python -m stripe_simulator: run until SIGTERM or SIGINT."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType

from stripe_simulator import API_VERSION
from stripe_simulator.server import Simulator
from stripe_simulator.settings import SettingsError, settings_from


def main() -> int:
	"""Return 0 after a clean stop, 2 when a setting is refused; werkzeug itself exits with 1 when the port is taken."""
	stopping = threading.Event()

	def stop(signal_number: int, frame: FrameType | None) -> None:
		stopping.set()

	signal.signal(signal.SIGTERM, stop)
	signal.signal(signal.SIGINT, stop)
	try:
		simulator = Simulator(settings_from(sys.argv[1:]))
	except SettingsError as error:
		print(f"stripe_simulator: {error}", file=sys.stderr)
		return 2
	with simulator:
		target = simulator.settings.webhook_url or "nowhere"
		print(f"Simulated Stripe {API_VERSION} ready at {simulator.url}, webhooks to {target}", flush=True)
		stopping.wait()
	return 0


if __name__ == "__main__":
	sys.exit(main())
