"""A call gateway in one file: holds money for a call, lets it go on in time, and never loses the end of one.

	python3 docs/examples/gateway.py --url http://127.0.0.1:8000 --host prepaid.localhost:8000 \\
		--key API_KEY:API_SECRET --company "Musterhafen AG" --callee +4930123456 --seconds 157 --speed 20

With --host the site's name need not resolve: Python on Debian 12, say, knows no prepaid.localhost. Where it does, as any
site's name on the internet, --url alone is enough.

The call is simulated: where this sleeps, a switch talks. Exits with 0 when billing knows how the call ended, with
1 when the call was not let through, with 3 when its end was not taken: it waits in the queue for the next run.
"""

import argparse
import json
import os
import sys
import time
import uuid
from datetime import datetime, timezone
from pathlib import Path

import requests

TIMEOUT = 10  # seconds that billing has for an answer
LEAD = 15  # seconds before the end of a grant at which the next one is asked for
AGAIN = 5  # seconds until an extension that failed, or brought nothing, is asked for again
PAUSES = (1, 2, 4, 8, 16, 30, 60)  # seconds between attempts; a gateway that keeps running goes on with 60
LATER = ("NOT_AUTHENTICATED", "NOT_PERMITTED", "RATE_LIMITED", "TRY_AGAIN")  # refusals that pass


class NoAnswer(Exception):
	"""Billing cannot be reached, or cannot answer now. Whether it did what was asked is not known."""


class Refused(Exception):
	"""Billing has said no, has changed nothing, and would say no again."""


class Billing:
	"""The API, reached over one connection that is kept alive."""

	def __init__(self, url: str, key: str, host: str | None) -> None:
		self.address = f"{url.rstrip('/')}/api/method/prepaid_billing.api.calls"
		self.session = requests.Session()
		self.session.headers.update({"Authorization": f"token {key}", **({"Host": host} if host else {})})

	def ask(self, verb: str, **arguments: object) -> dict:
		"""Return the answer to one request. Raises NoAnswer and Refused."""
		address = f"{self.address}.{verb}"
		try:
			answer = self.session.post(address, json=arguments, timeout=TIMEOUT, allow_redirects=False)
			is_json = "json" in answer.headers.get("Content-Type", "")
			body = answer.json() if is_json else None
		except (requests.RequestException, ValueError) as error:
			raise NoAnswer(f"billing does not answer ({type(error).__name__})") from error
		body = body if isinstance(body, dict) else {}
		if answer.status_code == 200 and "message" in body:
			return body["message"]
		# Without a code it is not billing's word, but that of something in between.
		if body.get("code", "TRY_AGAIN") in LATER:
			raise NoAnswer(f"billing cannot answer now (status {answer.status_code})")
		raise Refused(f"{body['code']}: {body.get('error')}")


class Queue:
	"""Requests that billing must get: one file each, until it has taken them. A refused end is kept for a person."""

	def __init__(self, folder: Path, billing: Billing) -> None:
		self.folder, self.billing = folder, billing
		folder.mkdir(parents=True, exist_ok=True)

	def put(self, verb: str, **arguments: object) -> Path:
		"""Write a request to disk before it is sent, so that no crash loses it."""
		path = self.folder / f"{time.time_ns()}-{os.getpid()}.json"
		with path.with_suffix(".part").open("w") as part:
			json.dump({"verb": verb, **arguments}, part)
			part.flush()
			os.fsync(part.fileno())
		return path.with_suffix(".part").rename(path)

	def deliver(self, path: Path, *pauses: float) -> bool:
		"""Send a request until it is answered, with a pause after each failure; return whether billing took it."""
		request = json.loads(path.read_text())
		for pause in (*pauses, 0):
			try:
				answer = self.billing.ask(**request)
			except NoAnswer as error:
				print(error, flush=True)
				time.sleep(pause)
			except Refused as refusal:
				print(refusal)
				self.put_aside(path, request)
				return False
			else:
				print(f"{answer['status']}: {answer['amount']} {answer['currency']}")
				path.unlink()
				return True
		return False

	def put_aside(self, path: Path, request: dict) -> None:
		"""Keep a refused end for a person; of a refused release there is nothing to keep."""
		if request["verb"] == "end":
			kept = path.rename(path.with_suffix(".refused"))
			print(f"kept for a person: {kept}")
		else:
			path.unlink()
			print("nothing is held for this call: it was never authorised, or it is closed")

	def deliver_all(self) -> None:
		"""Send what earlier runs have left, oldest first, until billing does not answer."""
		for path in sorted(self.folder.glob("*.json")):
			request = json.loads(path.read_text())
			print(f"left by an earlier run: {request['verb']} of call {request['call_id']}", flush=True)
			if not self.deliver(path) and path.exists():
				return


def authorize(billing: Billing, queue: Queue, call: dict, speed: float) -> dict | None:
	"""Return what billing grants the call, or None: then it must not be connected."""
	for _attempt in range(2):
		try:
			return billing.ask("authorize", **call)
		except Refused as refusal:
			print(refusal)
			return None
		except NoAnswer as error:
			print(error, flush=True)
			time.sleep(1 / speed)
	# It may have been granted all the same: the caller is not to wait, and the money is not to stay held.
	queue.deliver(queue.put("release", call_id=call["call_id"], reason="billing did not answer"))
	return None


def talk(billing: Billing, call_id: str, limit: float, seconds: float, speed: float) -> float:
	"""Let an answered call run to its end, or to the last second that was granted, and return its length.

	``limit`` is the total granted: the time limit that a switch is told, and told anew with each grant.
	"""
	used, number, answered_at = 0.0, 0, datetime.now(timezone.utc).isoformat()
	while True:
		ask_at = max(limit - min(LEAD, (limit - used) / 2), used + AGAIN)
		until = max(used, min(seconds, limit, ask_at))
		time.sleep((until - used) / speed)
		if until >= min(seconds, limit):
			return min(seconds, limit)
		used, number, asked = until, number + 1, time.monotonic()
		words = {"used_seconds": round(used, 3), "request_number": number, "answered_at": answered_at}
		granted = limit
		try:
			grant = billing.ask("extend", call_id=call_id, **words)
			granted = grant["granted_seconds"]
			print(f"{used:.0f} s used, {granted} s granted{', final' * grant['final']}", flush=True)
		except NoAnswer as error:
			print(error, flush=True)  # what was granted stands
		except Refused as refusal:
			print(refusal)
			return round(used, 3)
		used += time.monotonic() - asked
		if used < limit:  # else the switch has hung up meanwhile
			limit = granted


def main() -> int:
	"""Make one call and return the exit code."""
	parser = argparse.ArgumentParser(description="Make a simulated call that prepaid billing pays for.")
	parser.add_argument("--url", required=True)
	parser.add_argument("--host", help="Host header, where the name of the site does not resolve")
	parser.add_argument("--key", required=True, help="API_KEY:API_SECRET")
	parser.add_argument("--company", required=True)
	parser.add_argument("--caller", default="")
	parser.add_argument("--callee", required=True)
	parser.add_argument("--seconds", type=float, default=60, help="until somebody hangs up; 0: not answered")
	parser.add_argument("--speed", type=float, default=1, help="how many times faster than a real call")
	parser.add_argument("--queue", type=Path, default=Path("unsent"), help="folder of what is not delivered")
	options = parser.parse_args()

	billing = Billing(options.url, options.key, options.host)
	queue = Queue(options.queue, billing)
	queue.deliver_all()
	call = {"call_id": uuid.uuid4().hex, "company": options.company}
	numbers = {"caller": options.caller, "callee": options.callee}
	grant = authorize(billing, queue, {**call, **numbers}, options.speed)
	if not grant:
		return 1
	limit = grant["granted_seconds"]
	print(f"call {call['call_id']}: {limit} s granted{', final' * grant['final']}", flush=True)
	if options.seconds > 0:
		used = talk(billing, call["call_id"], limit, options.seconds, options.speed)
		print(f"hung up after {used:g} s", flush=True)
		path = queue.put("end", call_id=call["call_id"], duration_sec=used)
	else:
		path = queue.put("release", call_id=call["call_id"], reason="no answer")
	return 0 if queue.deliver(path, *(pause / options.speed for pause in PAUSES)) else 3


if __name__ == "__main__":
	sys.exit(main())
