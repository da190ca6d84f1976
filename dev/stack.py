"""The processes that a demo and a test run have in common, wired to each other by their ports."""

import secrets
from dataclasses import dataclass, field

from dev.mariadb import MariaDB
from dev.places import Places
from dev.services import LOOPBACK, Service, answers_http, answers_line
from dev.site import Site


@dataclass(frozen=True)
class Ports:
	"""Where each process listens on 127.0.0.1."""

	web: int
	simulator: int
	mariadb: int
	redis_cache: int
	redis_queue: int
	mail: int


@dataclass(frozen=True)
class StripeKeys:
	"""Keys between the app and the simulated Stripe, new at each start: nothing outside ever needs them."""

	secret: str = field(default_factory=lambda: f"sk_test_{secrets.token_hex(16)}")
	publishable: str = field(default_factory=lambda: f"pk_test_{secrets.token_hex(16)}")
	webhook: str = field(default_factory=lambda: f"whsec_{secrets.token_hex(16)}")


class Stack:
	"""MariaDB, two Redis, the simulated Stripe, a mail server and the web server of one site."""

	def __init__(self, places: Places, name: str, site_name: str, ports: Ports) -> None:
		self.places = places
		self.ports = ports
		self.keys = StripeKeys()
		self.mails = places.state / "mail" / name
		self.mariadb = MariaDB(places, name, ports.mariadb)
		# The environment beats the bench's own settings in every process of Frappe.
		self.redis = {
			"FRAPPE_REDIS_CACHE": f"redis://{LOOPBACK}:{ports.redis_cache}",
			"FRAPPE_REDIS_QUEUE": f"redis://{LOOPBACK}:{ports.redis_queue}",
		}
		self.site = Site(places, site_name, self.mariadb, self.redis)

	@property
	def site_url(self) -> str:
		"""The address for a browser."""
		return f"http://{self.site.name}:{self.ports.web}"

	@property
	def web_url(self) -> str:
		"""The address that needs no name to be resolved."""
		return f"http://{LOOPBACK}:{self.ports.web}"

	@property
	def simulator_url(self) -> str:
		"""The simulated Stripe."""
		return f"http://{LOOPBACK}:{self.ports.simulator}"

	def site_settings(self) -> dict[str, object]:
		"""What the site's configuration has to say about these processes."""
		return {
			"auto_email_id": f"billing@{self.site.name}",
			"db_host": LOOPBACK,
			"disable_mail_smtp_authentication": 1,
			"email_sender_name": "Prepaid Billing",
			"db_port": self.ports.mariadb,
			"host_name": self.site_url,
			"mail_port": self.ports.mail,
			"mail_server": LOOPBACK,
			"redis_cache": self.redis["FRAPPE_REDIS_CACHE"],
			"redis_queue": self.redis["FRAPPE_REDIS_QUEUE"],
			"redis_socketio": self.redis["FRAPPE_REDIS_CACHE"],
			"stripe_api_base": self.simulator_url,
			"stripe_publishable_key": self.keys.publishable,
			"stripe_secret": self.keys.secret,
			"stripe_webhook_secret": self.keys.webhook,
			"use_ssl": 0,
			"use_tls": 0,
		}

	def stores(self) -> list[Service]:
		"""What a site needs to be made: MariaDB and both Redis."""
		cache = self.redis_service("redis-cache", self.ports.redis_cache, ["--maxmemory", "256mb"])
		queue = self.redis_service("redis-queue", self.ports.redis_queue, [])
		return [self.mariadb.service(), cache, queue]

	def redis_service(self, name: str, port: int, options: list[str]) -> Service:
		"""A Redis that keeps nothing on disk."""
		command = [
			"redis-server",
			"--port",
			str(port),
			"--bind",
			LOOPBACK,
			"--save",
			"",
			"--appendonly",
			"no",
		]
		if options:
			command += [*options, "--maxmemory-policy", "allkeys-lru"]
		variable = f"{name.upper().replace('-', '_')}_PORT"
		ready = answers_line(port, b"PING\r\n", b"+PONG")
		return Service(name, command, ready, self.places.run, port, variable)

	def servers(self) -> list[Service]:
		"""What a site needs to be used."""
		return [self.web(), self.simulator(), self.mail()]

	def mail(self) -> Service:
		"""A mail server that delivers everything into one Maildir, whoever it is for."""
		self.mails.parent.mkdir(exist_ok=True)
		command = [
			str(self.places.bench_python),
			"-m",
			"aiosmtpd",
			"-n",
			"-l",
			f"{LOOPBACK}:{self.ports.mail}",
		]
		command += ["-c", "aiosmtpd.handlers.Mailbox", str(self.mails)]
		ready = answers_line(self.ports.mail, b"", b"220")
		return Service("mail", command, ready, self.places.run, self.ports.mail, "MAIL_PORT")

	def simulator(self) -> Service:
		"""The simulated Stripe, which posts its webhooks to the web server."""
		command = [str(self.places.tools / "bin" / "python"), "-m", "stripe_simulator"]
		command += ["--port", str(self.ports.simulator), "--secret-key", self.keys.secret]
		command += ["--publishable-key", self.keys.publishable, "--webhook-secret", self.keys.webhook]
		command += ["--webhook-url", f"{self.web_url}/api/stripe/webhook"]
		ready = answers_http(self.ports.simulator, "/")
		return Service(
			"simulator", command, ready, self.places.source, self.ports.simulator, "SIMULATOR_PORT"
		)

	def web(self) -> Service:
		"""Frappe behind gunicorn, several processes and threads as in production."""
		command = [str(self.places.bench_python.with_name("gunicorn")), "--chdir", str(self.places.sites)]
		command += ["--pythonpath", str(self.places.app), "--bind", f"{LOOPBACK}:{self.ports.web}"]
		command += ["--workers", "2", "--threads", "4", "--worker-class", "gthread"]
		command += ["--timeout", "60", "--graceful-timeout", "1", f'dev.web:application("{self.site.name}")']
		ready = answers_http(self.ports.web, "/api/method/ping")
		return Service("web", command, ready, self.places.sites, self.ports.web, "WEB_PORT", self.redis)
