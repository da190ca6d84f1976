"""/: what this is, for somebody who opens it in a browser."""

from __future__ import annotations

from flask import Blueprint, render_template

from stripe_simulator import API_VERSION
from stripe_simulator.bank_accounts import GROUPED_TEST_ACCOUNTS
from stripe_simulator.cards import GROUPED_TEST_CARDS
from stripe_simulator.checkout.texts import TEXTS
from stripe_simulator.store import Store

NEWEST = 10


def home_blueprint(store: Store) -> Blueprint:
	"""Return the page."""
	home = Blueprint("home", __name__, template_folder="templates")

	@home.get("/")
	def show() -> str:
		with store.lock:
			return render_template(
				"home.html",
				api_version=API_VERSION,
				language="en",
				text=TEXTS["en"],
				merchant=store.settings.business_name,
				endpoints=store.newest_first("webhook_endpoint"),
				sessions=store.newest_first("checkout.session")[:NEWEST],
				test_numbers=GROUPED_TEST_CARDS | GROUPED_TEST_ACCOUNTS,
			)

	return home
