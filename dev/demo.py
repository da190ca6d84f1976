"""`make demo`: the whole product on loopback, with three companies in it, until Ctrl-C."""

import json
import os
import pwd
import shutil
import time
from pathlib import Path
from urllib.parse import urlsplit

from dev.bench import common_config, frappe_command
from dev.places import APP, Places, digest, only_when_changed, port, try_lock
from dev.progress import Failed, lines_of, say
from dev.services import (
	Service,
	Services,
	identity,
	is_running,
	pid_file,
	refuse_taken_port,
)
from dev.setup import set_up_bench
from dev.stack import Ports, Stack

SITE = "prepaid.localhost"
ADMIN_PASSWORD = "admin"
# Files that `bench migrate` acts upon.
MIGRATED = (".json", "hooks.py", "install.py", "modules.txt", "patches.txt", "pyproject.toml")


def run_demo(places: Places, paths: list[str]) -> int:
	"""Bring everything up, print the page of addresses, wait. Ctrl-C is the ordinary end: exit code 0."""
	lock = try_lock(lock_file(places))
	if lock is None:
		print(f"The demo is already running (process {running_process(places)}); `make stop` ends it.")
		return 0
	set_up_bench(places, paths)
	stack = Stack(places, "demo", SITE, demo_ports(places))
	with Services(places.run / "demo", places.logs) as services:
		pid_file(places.run, "demo").write_text(identity(os.getpid()))
		try:
			start(stack, services, paths)
			wait(services)
		except KeyboardInterrupt:
			print(flush=True)
			say("demo: stopping all that it started")
		finally:
			pid_file(places.run, "demo").unlink()
	say("demo: stopped")
	return 0


def lock_file(places: Places) -> Path:
	"""Held for as long as a demo runs."""
	return places.run / "demo.lock"


def running_process(places: Places) -> str:
	"""The process id of the demo that holds the lock."""
	file = pid_file(places.run, "demo")
	return file.read_text().split()[0] if file.exists() else "starting"


def demo_ports(places: Places) -> Ports:
	"""Fixed ports, so that addresses can be written down; Redis where the bench's own commands look for it."""
	config = common_config(places)
	return Ports(
		web=port("WEB_PORT", 8000),
		simulator=port("SIMULATOR_PORT", 9101),
		mariadb=port("DB_PORT", 3397),
		redis_cache=port("REDIS_CACHE_PORT", urlsplit(str(config.get("redis_cache"))).port or 13000),
		redis_queue=port("REDIS_QUEUE_PORT", urlsplit(str(config.get("redis_queue"))).port or 11000),
		mail=port("MAIL_PORT", 1025),
	)


def start(stack: Stack, services: Services, paths: list[str]) -> None:
	"""Stores, site, servers, data, and the page that says where everything is."""
	stores = stack.stores()
	servers = [*stack.servers(), background(stack, "worker"), background(stack, "schedule")]
	for service in (*stores, *servers):
		refuse_taken_port(service)
	say("demo: starting MariaDB and Redis")
	services.start(*stores)
	ensure_site(stack, paths)
	stack.site.configure(stack.site_settings())
	say("demo: starting web server, simulated Stripe, mail server, worker and scheduler")
	services.start(*servers)
	print_page(stack, load_data(stack))


def ensure_site(stack: Stack, paths: list[str]) -> None:
	"""Make the site the first time; migrate it when the app changed in a way that asks for it."""
	log = stack.places.step_log("demo-site")
	made = stack.mariadb.directory / "site-is-made"
	with only_when_changed(made, str(stack.site.directory)) as never_made:
		if never_made or not stack.site.config_file.exists():
			refuse_foreign_site(stack)
			shutil.rmtree(stack.mails, ignore_errors=True)
			stack.site.create(ADMIN_PASSWORD, log)
			never_made = True
	relevant = [stack.places.app / path for path in paths if path.endswith(MIGRATED) or "/patches/" in path]
	with only_when_changed(stack.places.stamps / "migrated", digest(relevant)) as changed:
		if changed and not never_made:
			say(f"site: migrating {SITE}")
			stack.site.configure(stack.site_settings())
			stack.site.command(["--site", SITE, "migrate"], log, f"Migrating {SITE} failed")


def refuse_foreign_site(stack: Stack) -> None:
	"""A site of this name that we did not begin is somebody's: never replace it."""
	ours = stack.places.stamps / "demo-site"
	if stack.site.directory.exists() and not ours.exists():
		raise Failed(
			f"{stack.site.directory} is there and was not made by the demo. Move it away and try again."
		)
	ours.touch()


def background(stack: Stack, name: str) -> Service:
	"""Frappe's `worker` or `schedule`."""
	command = frappe_command(stack.places, [name])
	return Service(name, command, is_running, stack.places.sites, environment=stack.redis)


def load_data(stack: Stack) -> list[dict[str, str]]:
	"""Load the demo's companies through the app's own functions; gives the logins it made, one dict each."""
	script = stack.places.app / "dev" / "demo_data.py"
	if not script.exists():
		return []
	say("demo: loading companies, rates, calls and top-ups")
	log = stack.places.step_log("demo-data")
	command = [str(stack.places.bench_python), str(script), "--site", SITE, "--web-url", stack.web_url]
	logins: list[dict[str, str]] = []
	for line in lines_of(command, log, "Loading the demo data failed", stack.places.sites, stack.redis):
		if line.startswith("{"):
			logins.append(json.loads(line))
		else:
			say(line)
	return logins


def print_page(stack: Stack, logins: list[dict[str, str]]) -> None:
	"""All a newcomer has to know to look around."""
	administrator = {"who": "Administrator (desk)", "login": "Administrator", "password": ADMIN_PASSWORD}
	print(
		f"""
Prepaid Billing is running, on this machine only.

  Customer portal   {stack.site_url}/business/billing
  Staff desk        {stack.site_url}/app
  Mails it sent     {stack.mails}/new
  Logs              {stack.places.logs}, {stack.places.bench}/logs

Logins
{chr(10).join(describe(login) for login in [administrator, *logins])}

Try
  - Log in to the portal as a customer and top up any amount with card 4242 4242 4242 4242, any later date, any CVC and any name.
    4000 0000 0000 3220 asks for 3-D Secure, 4000 0000 0000 0002 is declined. Checkout lists all cards and bank accounts.
  - A bank debit (SEPA) is on its way for days. Let them pass at the local Stripe, here six of them:
    curl -d seconds=518400 {stack.simulator_url}/_simulator/clock/advance
  - Log in to the desk as Administrator: companies, rates, balances, calls and top-ups are in Prepaid Billing.
  - As staff, adjust a balance by more than 500.00: it waits until Administrator confirms it.
  - Ask how things stand, as {pwd.getpwuid(os.getuid()).pw_name} in {stack.places.bench}:
    {stack.places.tools}/bin/bench --site {stack.site.name} prepaid-billing status
{describe_call(stack, logins)}
Ctrl-C stops everything.
""",
		flush=True,
	)


def describe(login: dict[str, str]) -> str:
	"""One line: who it is, for which company, and what to log in with."""
	company = login.get("company", "")
	if "api_key" in login:
		company, secret = "all companies", f"API key {login['api_key']}, API secret {login['api_secret']}"
	else:
		secret = f"{login['login']} / {login['password']}"
	return f"  {login['who']:<40} {company:<24} {secret}"


def describe_call(stack: Stack, logins: list[dict[str, str]]) -> str:
	"""A call by curl, as the gateway whose API key was made."""
	for login in logins:
		if "api_key" in login:
			head = f"-H 'Authorization: token {login['api_key']}:{login['api_secret']}' -H 'Content-Type: application/json'"
			call = {"call_id": "first-call"}
			asked = (
				("authorize", {**call, "company": login["company"]}),
				("end", {**call, "duration_sec": 65}),
			)
			lines = [
				f"    curl {head} \\\n      -d '{json.dumps(body)}' {stack.site_url}/api/method/{APP}.api.calls.{verb}"
				for verb, body in asked
			]
			return "\n".join(
				["  - Be the telephone system: ask whether a call may start, then end it:", *lines, ""]
			)
	return ""


def wait(services: Services) -> None:
	"""Until somebody interrupts us, or one of the processes ends by itself."""
	while True:
		time.sleep(1)
		services.check()
