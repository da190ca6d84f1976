"""The example gateway of the docs, run as a reader runs it: it talks no second that is not paid and loses no end."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import repeat
from pathlib import Path
from threading import Thread

import pytest
import requests

from prepaid_billing.ledger import balance_of
from tests import factories, site
from tests.books import call_fields, entries_of
from tests.factories import make_company

EXAMPLE = Path(__file__).parents[2] / "docs/examples/gateway.py"
HOST = site.SITE_URL.split("//")[-1]
UNAVAILABLE, LOST = "unavailable", "lost"


class Gateway:
	"""The example with its key and its folder of unsent requests."""

	def __init__(self, folder: Path) -> None:
		self.queue = folder / "unsent"
		self.key = factories.make_gateway_key().removeprefix("token ")

	def call(self, company: str, seconds: int, url: str = site.WEB_URL, exit_code: int = 0) -> str:
		"""Make a call, insist on its exit code and return what was printed."""
		words = {"url": url, "host": HOST, "key": self.key, "company": company, "callee": "+49302"}
		words |= {"seconds": seconds, "speed": 200, "queue": self.queue}
		arguments = [f"--{name}={value}" for name, value in words.items()]
		done = subprocess.run(
			[sys.executable, EXAMPLE, *arguments], capture_output=True, text=True, timeout=120
		)
		assert done.returncode == exit_code, done.stdout + done.stderr
		return done.stdout

	def unsent(self) -> list[str]:
		"""The kinds of files in the folder."""
		return [path.suffix for path in self.queue.iterdir()]


@pytest.fixture
def example(tmp_path: Path) -> Gateway:
	"""The example gateway, with nothing unsent."""
	return Gateway(tmp_path)


@contextmanager
def in_between(**faults: Iterator[str]) -> Iterator[str]:
	"""Pass requests on to billing, each verb's first ones with these faults, and return the address.

	UNAVAILABLE: billing never sees the request. LOST: it does, and its answer never arrives.
	"""

	class Proxy(BaseHTTPRequestHandler):
		def do_POST(self) -> None:
			body = self.rfile.read(int(self.headers["Content-Length"]))
			fault = next(faults.get(self.path.rpartition(".")[2], iter(())), None)
			if fault == UNAVAILABLE:
				return self.send_error(503)
			answer = requests.post(f"{site.WEB_URL}{self.path}", body, headers=dict(self.headers), timeout=30)
			if fault != LOST:
				self.send_response(answer.status_code)
				self.send_header("Content-Type", answer.headers["Content-Type"])
				self.end_headers()
				self.wfile.write(answer.content)

		def log_message(self, *_values: object) -> None:
			"""Say nothing."""

	with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
		Thread(target=server.serve_forever, daemon=True).start()
		yield f"http://127.0.0.1:{server.server_port}"
		server.shutdown()


def id_of(printed: str) -> str:
	"""The id of the call that was made."""
	return re.search(r"^call (\w+):", printed, re.M)[1]


def test_a_long_call_is_extended_in_time_and_charged_exactly(example: Gateway) -> None:
	company = make_company("50")
	printed = example.call(company, 157)
	assert re.findall(r"(\d+) s granted", printed) == ["60", "105", "150", "195"]
	assert entries_of(company) == ["Bonus 50.0", "Call Charge -1.099"]
	assert call_fields(id_of(printed), "status", "request_number", "overrun") == ["Charged", 3, 0]
	assert balance_of(company).reserved == 0
	assert example.unsent() == []


def test_a_call_is_hung_up_at_the_last_second_that_is_paid(example: Gateway) -> None:
	company = make_company("0.63")
	printed = example.call(company, 3600)
	assert "90 s granted, final" in printed and "hung up after 90 s" in printed
	assert entries_of(company) == ["Bonus 0.63", "Call Charge -0.63"]
	assert call_fields(id_of(printed), "overrun", "review") == [0, ""]


def test_a_call_that_nobody_answers_is_released(example: Gateway) -> None:
	company = make_company("50")
	printed = example.call(company, 0)
	assert call_fields(id_of(printed), "status", "release_reason") == ["Released", "no answer"]
	assert (entries_of(company), balance_of(company).reserved) == (["Bonus 50.0"], 0)


def test_a_call_that_no_money_is_there_for_is_not_connected(example: Gateway) -> None:
	company = make_company()
	assert "INSUFFICIENT_BALANCE" in example.call(company, 60, exit_code=1)
	assert (entries_of(company), example.unsent()) == ([], [])


def test_an_end_is_delivered_when_billing_is_back_and_charged_once(example: Gateway) -> None:
	company = make_company("50")
	with in_between(end=iter([UNAVAILABLE, UNAVAILABLE, LOST, UNAVAILABLE])) as url:
		printed = example.call(company, 30, url)
	assert printed.count("billing cannot answer now (status 503)") == 3
	assert printed.count("billing does not answer (ConnectionError)") == 1
	assert entries_of(company) == ["Bonus 50.0", "Call Charge -0.21"]
	assert example.unsent() == []


def test_an_end_that_could_not_be_delivered_waits_for_the_next_run(example: Gateway) -> None:
	company = make_company("50")
	with in_between(end=repeat(UNAVAILABLE)) as url:
		example.call(company, 30, url, exit_code=3)
	assert (entries_of(company), example.unsent()) == (["Bonus 50.0"], [".json"])
	assert re.search(r"^left by an earlier run: end of call \w+$", example.call(company, 0), re.M)
	assert (entries_of(company), example.unsent()) == (["Bonus 50.0", "Call Charge -0.21"], [])


def test_a_release_of_a_call_that_billing_never_saw_is_done_in_the_next_run_and_says_what_it_was(
	example: Gateway,
) -> None:
	company = make_company("50")
	with in_between(authorize=repeat(UNAVAILABLE), release=repeat(UNAVAILABLE)) as url:
		example.call(company, 30, url, exit_code=1)
	assert example.unsent() == [".json"]
	printed = example.call(company, 0)
	told = ("left by an earlier run: release of call", "UNKNOWN_CALL", "nothing is held for this call")
	assert [text for text in told if text not in printed] == []
	assert example.unsent() == []


def test_a_call_whose_extensions_fail_runs_to_the_end_of_its_grant(example: Gateway) -> None:
	company = make_company("50")
	with in_between(extend=repeat(UNAVAILABLE)) as url:
		assert "hung up after 60 s" in example.call(company, 157, url)
	assert entries_of(company) == ["Bonus 50.0", "Call Charge -0.42"]


def test_an_extension_whose_answer_was_lost_is_made_up_for_by_the_next_one(example: Gateway) -> None:
	company = make_company("50")
	with in_between(extend=iter([LOST])) as url:
		printed = example.call(company, 90, url)
	assert int(re.findall(r"(\d+) s granted", printed)[1]) > 105
	assert call_fields(id_of(printed), "request_number") == [2]
	assert entries_of(company) == ["Bonus 50.0", "Call Charge -0.63"]


def test_an_authorisation_without_an_answer_connects_nothing_and_holds_nothing(example: Gateway) -> None:
	company = make_company("50")
	with in_between(authorize=iter([LOST, LOST])) as url:
		example.call(company, 30, url, exit_code=1)
	assert (balance_of(company).reserved, entries_of(company)) == (0, ["Bonus 50.0"])
	assert example.unsent() == []
