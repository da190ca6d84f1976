"""The page at /, for somebody who opens the simulator in a browser."""

from __future__ import annotations

import re

import requests

from stripe_simulator import API_VERSION
from stripe_simulator.server import Simulator

from .conftest import OpenSession


def test_it_says_what_this_is_and_every_link_leads_somewhere(
	simulator: Simulator, open_session: OpenSession
) -> None:
	session = open_session(client_reference_id="T-<1>")
	page = requests.get(f"{simulator.url}/", timeout=10)
	assert page.status_code == 200
	for words in (API_VERSION, "moves no money", "4242 4242 4242 4242", "T-&lt;1&gt;", "/api/stripe/webhook"):
		assert words in page.text
	links = re.findall(r'(?:href|src)="([^"]+)"', page.text)
	assert f"/c/pay/{session.id}" in links
	for link in links:
		assert requests.get(f"{simulator.url}{link}", timeout=10).status_code == 200, link
