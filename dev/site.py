"""A site of the bench with the app in it, made and configured for a demo or one test run."""

import json
import shutil
from pathlib import Path

from dev.bench import frappe
from dev.mariadb import MariaDB
from dev.places import APP, Places
from dev.progress import say

# What the setup wizard would ask; without it the desk shows nothing but the wizard.
WIZARD = {"language": "English", "country": "Germany", "timezone": "Europe/Berlin", "currency": "EUR"}


class Site:
	"""One site on its own MariaDB and its own pair of Redis ports."""

	def __init__(self, places: Places, name: str, mariadb: MariaDB, redis: dict[str, str]) -> None:
		self.places = places
		self.name = name
		self.mariadb = mariadb
		self.redis = redis
		self.directory: Path = places.sites / name

	@property
	def config_file(self) -> Path:
		"""The site's own settings."""
		return self.directory / "site_config.json"

	def create(self, admin_password: str, log: Path) -> None:
		"""Make the site with the app; MariaDB and Redis must be running. Replaces an earlier one of the name."""
		say(f"site: making {self.name} with Frappe and the app")
		shutil.rmtree(self.directory, ignore_errors=True)
		new = [
			"new-site",
			self.name,
			"--force",
			"--admin-password",
			admin_password,
			*self.mariadb.site_options,
		]
		# Made anew if power fails now, so it need not wait for the disk; what is paid later does.
		self.mariadb.client("SET GLOBAL innodb_flush_log_at_trx_commit = 0")
		self.command([*new, "--install-app", APP], log, f"Making the site {self.name} failed")
		wizard = "frappe.desk.page.setup_wizard.setup_wizard.setup_complete"
		arguments = ["execute", wizard, "--kwargs", repr({"args": WIZARD})]
		self.command(["--site", self.name, *arguments], log, f"Setting up the site {self.name} failed")
		self.mend_what_the_wizard_leaves(log)
		self.mariadb.client("SET GLOBAL innodb_flush_log_at_trx_commit = 1")

	def mend_what_the_wizard_leaves(self, log: Path) -> None:
		"""Numbers as this English site writes them, and jobs that do not wait for another zone's clock.

		The wizard takes the country's number format, in which 0.30 means 30; and the jobs were made hours
		ahead, by Frappe's default time zone, so that the scheduler would wait for that time to come.
		"""
		english = {"doctype": "System Settings", "name": "System Settings"}
		english |= {"fieldname": "number_format", "value": "#,###.##"}
		arguments = ["execute", "frappe.client.set_value", "--kwargs", repr(english)]
		self.command(["--site", self.name, *arguments], log, f"Setting up the site {self.name} failed")
		database = json.loads(self.config_file.read_text())["db_name"]
		self.mariadb.client(
			f"UPDATE `{database}`.`tabScheduled Job Type` SET creation = UTC_TIMESTAMP() WHERE creation > UTC_TIMESTAMP()"
		)

	def command(self, arguments: list[str], log: Path, failure: str) -> None:
		"""Run one of Frappe's commands against this site's services."""
		frappe(self.places, arguments, log, failure, self.redis)

	def configure(self, settings: dict[str, object]) -> None:
		"""Set keys of the site's configuration, whole or not at all: a running process may read it now."""
		config = json.loads(self.config_file.read_text()) | settings
		beside = self.config_file.with_suffix(".new")
		beside.write_text(json.dumps(config, indent=1, sort_keys=True))
		beside.replace(self.config_file)
