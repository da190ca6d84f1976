"""The demo's content, made by the app's own functions: three companies, ninety days of calls and top-ups, logins.

	env/bin/python apps/prepaid_billing/dev/demo_data.py --site prepaid.localhost

To be run in the bench's `sites`, by the bench's Python. Prints what it does, then one JSON line per login.

Everything is booked at its own moment of the past. `SET SESSION timestamp` moves the clock of one database
connection, and the ledger goes by that clock alone, so nothing in the product knows of it. Stripe's clock cannot be
moved: each payment is made now, and its webhooks are kept back until the history is complete. They would be booked
today, and no later entry can lie before them. For the same reason the scheduler rests meanwhile.
"""

import argparse
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from unittest.mock import patch
from zoneinfo import ZoneInfo

import frappe
import requests
from frappe.utils import get_system_timezone
from frappe.utils.password import update_password
from frappe.utils.scheduler import disable_scheduler, enable_scheduler

from dev.demo_plan import CUSTOMERS, DAYS, THRESHOLD, VAT_PERCENT, Customer, PlannedCall, plan, price
from prepaid_billing.calls import session
from prepaid_billing.exceptions import InsufficientBalance
from prepaid_billing.ledger import balance_of, clock
from prepaid_billing.payments import keys, topups
from prepaid_billing.permissions import CUSTOMER, GATEWAY, MANAGER

CARD = {"number": "4242 4242 4242 4242", "expiry": "12 / 34", "cvc": "123", "name": "Company card"}
DECLINED = {**CARD, "number": "4000 0000 0000 0002"}
STAFF_LOGIN = "staff@example.com"
GATEWAY_LOGIN = "gateway@example.com"
# For a customer to find the balance low, top up and come back from Checkout before the next call begins.
TOPUP_SECONDS = 240
CHECKOUT_SECONDS = 60


def main() -> None:
	"""Load what is missing, then print the logins."""
	options = arguments()
	frappe.init(site=options.site, sites_path=".")
	frappe.connect()
	try:
		if options.web_url:
			frappe.local.conf.host_name = options.web_url
		if options.simulator_url:
			frappe.local.conf.stripe_api_base = options.simulator_url
		memory = remembered()
		if not memory["complete"]:
			load(memory)
		for login in memory["logins"]:
			print(json.dumps(login))
	finally:
		frappe.destroy()


def arguments() -> argparse.Namespace:
	"""The command line."""
	parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
	parser.add_argument("--site", required=True)
	parser.add_argument(
		"--web-url", help="where customers come back to from Checkout; default: the site's own address"
	)
	parser.add_argument("--simulator-url", help="the simulated Stripe; default: stripe_api_base of the site")
	return parser.parse_args()


def say(text: str) -> None:
	"""One line of progress."""
	print(f"demo data: {text}", flush=True)


def remembered() -> dict:
	"""What an earlier run has left: the moment its history ends at, its logins, and whether it came to its end.

	Where its companies are gone, because the app was uninstalled since, the logins alone are kept.
	"""
	file = memory_file()
	memory = json.loads(file.read_text()) if file.exists() else {"complete": True, "logins": new_logins()}
	if not memory["complete"] or is_there():
		return memory
	return {"now": int(time.time()), "complete": False, "logins": memory["logins"]}


def is_there() -> bool:
	"""Whether every company of the demo is in the database."""
	names = [customer.name for customer in CUSTOMERS]
	return frappe.db.count("Billing Company", {"name": ["in", names]}) == len(names)


def remember(memory: dict) -> None:
	"""Keep it for the next run. It holds passwords, so nobody else may read it."""
	descriptor = os.open(memory_file(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
	with open(descriptor, "w") as file:
		json.dump(memory, file, indent=1)


def memory_file() -> Path:
	"""In the site's private folder, so that it goes where the site goes."""
	return Path(frappe.get_site_path("private", "prepaid-billing-demo.json"))


def new_logins() -> list[dict[str, str]]:
	"""Fresh passwords and an API key, in the form in which they are printed."""
	customers = [
		{
			"who": f"Customer, {customer.story}{', in German' if customer.language == 'de' else ''}",
			"role": CUSTOMER,
			"company": customer.name,
			"login": customer.login,
		}
		for customer in CUSTOMERS
	]
	people = [*customers, {"who": "Staff (desk)", "role": MANAGER, "login": STAFF_LOGIN}]
	gateway = {
		"who": "Call gateway (API)",
		"role": GATEWAY,
		"company": CUSTOMERS[0].name,
		"api_key": secrets.token_hex(8),
		"api_secret": secrets.token_hex(16),
	}
	return [*({**login, "password": secrets.token_urlsafe(9)} for login in people), gateway]


def load(memory: dict) -> None:
	"""Make everything; what an interrupted run has made before is left as it is."""
	remember(memory)
	say("setting up the site")
	make_users(memory["logins"])
	name_the_seller()
	zone = ZoneInfo(get_system_timezone())
	for customer in CUSTOMERS:
		make_company(customer, memory["now"], zone)
	frappe.db.commit()
	with undisturbed():
		for customer in CUSTOMERS:
			play(customer, plan(customer, memory["now"], zone))
	remember(memory | {"complete": True})


def make_users(logins: list[dict[str, str]]) -> None:
	"""Make whoever logs in, with the passwords and the API key of `logins`."""
	languages = {customer.login: customer.language for customer in CUSTOMERS}
	for login in logins:
		email = login.get("login", GATEWAY_LOGIN)
		if not frappe.db.exists("User", email):
			user = {"doctype": "User", "email": email, "first_name": shown_name(login)}
			user |= {"language": languages.get(email, "en"), "send_welcome_email": 0}
			frappe.get_doc(user).insert()
		# Uninstalling the app takes its roles from users who stay.
		frappe.get_doc("User", email).add_roles(login["role"])
		if "password" in login:
			update_password(email, login["password"])
		else:
			frappe.get_doc("User", email).update(
				{"api_key": login["api_key"], "api_secret": login["api_secret"]}
			).save()


def shown_name(login: dict[str, str]) -> str:
	"""Return what the desk and the portal call somebody who logs in: what they are, nobody's name."""
	return f"{login['company']}, owner" if login["role"] == CUSTOMER else login["who"].split(" (")[0]


def name_the_seller() -> None:
	"""Give the settings what every receipt must name: the merchant that the simulated Stripe shows, a German one."""
	settings = frappe.get_doc("Prepaid Billing Settings")
	address = "Am Sandtorkai 1\n20457 Hamburg"
	seller = {"seller_name": "Demo Telecom", "seller_address": address, "seller_vat_id": "DE123456789"}
	settings.update(seller | {"vat_rate": VAT_PERCENT})
	settings.save()


def make_company(customer: Customer, now: int, zone: ZoneInfo) -> None:
	"""Make a company with its balance, its login, and a rate that is older than its first call."""
	if frappe.db.exists("Billing Company", customer.name):
		return
	frappe.get_doc(
		{
			"doctype": "Billing Company",
			"company_name": customer.name,
			"currency": "EUR",
			"language": customer.language,
			"billing_emails": customer.login,
			"low_balance_threshold": float(THRESHOLD),
			"users": [{"user": customer.login, "is_owner": 1, "may_top_up": 1, "gets_warnings": 1}],
		}
	).insert()
	frappe.get_doc(
		{
			"doctype": "Billing Rate",
			"company": customer.name,
			"currency": "EUR",
			"rate_per_minute": float(customer.rate.rate_per_minute),
			"billing_increment": customer.rate.billing_increment,
			"valid_from": datetime.fromtimestamp(now - (DAYS + 2) * 86400, zone).replace(
				tzinfo=None, microsecond=0
			),
		}
	).insert()


@contextmanager
def undisturbed() -> Iterator[None]:
	"""Keep back webhooks and scheduled jobs while this connection lives in the past, then let them come."""
	disable_scheduler()
	frappe.db.commit()
	requests.post(f"{keys.api_base()}/_simulator/pause", timeout=10).raise_for_status()
	try:
		yield
	finally:
		frappe.set_user("Administrator")
		frappe.db.rollback()
		frappe.db.sql("SET SESSION timestamp = DEFAULT")
		enable_scheduler()
		frappe.db.commit()
		requests.post(f"{keys.api_base()}/_simulator/resume", timeout=10).raise_for_status()


def play(customer: Customer, calls: list[PlannedCall]) -> None:
	"""Make the calls of a customer one after the other, and the top-ups that they need."""
	begun = time.monotonic()
	ended = set(
		frappe.get_all(
			"Call Charge", {"company": customer.name, "status": ["!=", "Authorized"]}, pluck="call_id"
		)
	)
	still_to_pay = sum((price(customer, call) for call in calls), Decimal())
	for call in calls:
		if call.call_id not in ended:
			top_up_where_due(customer, call.starts - TOPUP_SECONDS, still_to_pay)
			make_call(customer, call)
		still_to_pay -= price(customer, call)
	if customer.ends_near < 0:
		give_up_paying(customer)
	view = balance_of(customer.name)
	took = time.monotonic() - begun
	say(
		f"{customer.name}: {len(calls)} calls in {took:.0f} s, {view.available:.2f} {view.currency} available"
	)


def move_clock(instant: int) -> None:
	"""Let this database connection live at an instant, in Unix seconds."""
	frappe.db.sql("SET SESSION timestamp = %s", (instant,))
	# Frappe dates the documents themselves by this.
	frappe.flags.current_date = datetime.fromtimestamp(instant, ZoneInfo(get_system_timezone())).date()


def make_call(customer: Customer, call: PlannedCall) -> None:
	"""Be the call gateway: ask, let the call run for as long as the money lasts, report its end."""
	frappe.session.user = GATEWAY_LOGIN
	move_clock(call.starts)
	try:
		granted = session.authorize(call.call_id, customer.name, caller=call.caller, callee=call.callee)
	except InsufficientBalance:
		return
	if not call.reported:
		move_clock(call.starts + 3600)
		session.expire_stale()
		return
	lasts = min(call.seconds, int(str(granted["max_seconds"])))
	answered = call.starts + call.rings
	move_clock(answered + lasts)
	if lasts:
		session.end(call.call_id, lasts, answered_us=answered * clock.SECOND)
	else:
		session.release(call.call_id, "no answer")


def top_up_where_due(customer: Customer, instant: int, still_to_pay: Decimal) -> None:
	"""Be the customer who finds the balance low, and pay by card."""
	amount = customer.topup_due(balance_of(customer.name).available, still_to_pay)
	if not amount:
		return
	topup = begin_topup(customer, Decimal(amount), instant)
	submit_card(topup["checkout_url"], CARD, expected=303)
	move_clock(instant + CHECKOUT_SECONDS)
	topups.refresh(topup["topup"])


def give_up_paying(customer: Customer) -> None:
	"""Be the customer whose card is declined and who leaves Checkout, until the page expires."""
	last = frappe.db.get_value("Prepaid Balance", customer.name, "last_booked_us") // clock.SECOND
	topup = begin_topup(customer, Decimal(customer.usual_topup), last + TOPUP_SECONDS)
	submit_card(topup["checkout_url"], DECLINED, expected=402)
	address = (
		f"{keys.api_base()}/v1/checkout/sessions/{topups.find(topup['topup']).checkout_session_id}/expire"
	)
	requests.post(address, auth=(keys.secret_key(), ""), timeout=10).raise_for_status()
	move_clock(last + TOPUP_SECONDS + topups.SESSION_SECONDS)
	topups.refresh(topup["topup"])


def begin_topup(customer: Customer, amount: Decimal, instant: int) -> dict[str, str]:
	"""Open Checkout as the customer, at an instant of the past."""
	frappe.session.user = customer.login
	move_clock(instant)
	# Stripe takes no session that has ended already.
	ends_today = int(time.time()) - instant + topups.SESSION_SECONDS
	with patch.object(topups, "SESSION_SECONDS", ends_today):
		return topups.create(customer.name, amount)


def submit_card(address: str, card: dict[str, str], expected: int) -> None:
	"""Send the form of the Checkout page, as the browser does."""
	answer = requests.post(address, data=card, allow_redirects=False, timeout=10)
	if answer.status_code != expected:
		raise SystemExit(f"The Checkout page {address} answered {answer.status_code}, not {expected}.")


if __name__ == "__main__":
	main()
