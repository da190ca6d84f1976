"""A private MariaDB: own data, port, socket and root password; the system's server is never touched."""

import secrets
import shutil
import subprocess
from pathlib import Path

from dev.machine import which
from dev.places import Places
from dev.progress import run, say
from dev.services import LOOPBACK, Service

CONFIGURATION = """\
[mysqld]
datadir = {directory}/data
# A server that starts empties its tmpdir: not one to share with a server that runs.
tmpdir = {directory}/tmp
port = {port}
bind-address = 127.0.0.1
socket = {socket}
pid-file = {directory}/mariadbd.pid
init-file = {directory}/init.sql
skip-name-resolve
skip-log-bin
character-set-server = utf8mb4
collation-server = utf8mb4_unicode_ci
# What Stripe was told is paid must survive a power cut, here as in production.
innodb-flush-log-at-trx-commit = 1
innodb-buffer-pool-size = 256M
innodb-log-file-size = 128M
max-connections = 200
"""
# Runs before the server lets anybody in. One statement per line.
INIT_SQL = """\
DELETE FROM mysql.global_priv WHERE User = 'root' AND Host NOT IN ('localhost', '127.0.0.1');
FLUSH PRIVILEGES;
CREATE USER IF NOT EXISTS 'root'@'127.0.0.1';
GRANT ALL ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;
ALTER USER 'root'@'127.0.0.1' IDENTIFIED BY '{password}';
ALTER USER 'root'@'localhost' IDENTIFIED BY '{password}';
"""
CLIENT = """\
[client]
host = 127.0.0.1
protocol = tcp
port = {port}
user = root
password = {password}
"""
LONGEST_SOCKET_PATH = 100


class MariaDB:
	"""One instance, named `demo` or `test`."""

	def __init__(self, places: Places, name: str, port: int) -> None:
		self.places = places
		self.name = name
		self.port = port
		self.directory = places.state / "mariadb" / name

	@property
	def password(self) -> str:
		"""Root's password, made at the first call."""
		file = self.directory / "root-password"
		if not file.exists():
			write_secret(file, secrets.token_hex(16))
		return file.read_text()

	def service(self) -> Service:
		"""The server process, its data directory and configuration made ready."""
		(self.directory / "tmp").mkdir(parents=True, exist_ok=True)
		self.configure()
		if not (self.directory / "data").exists():
			self.make_data()
		server = which("mariadbd") or "mariadbd"
		command = [server, f"--defaults-file={self.directory / 'my.cnf'}"]
		return Service("mariadb", command, self.answers, self.directory, self.port, "DB_PORT")

	def configure(self) -> None:
		"""Write the server's and the client's files; ports may differ from start to start."""
		socket = self.directory / "mariadb.sock"
		if len(str(socket)) > LONGEST_SOCKET_PATH:
			socket = Path("/tmp") / f"prepaid-billing-{secrets.token_hex(8)}.sock"
		settings = CONFIGURATION.format(directory=self.directory, port=self.port, socket=socket)
		(self.directory / "my.cnf").write_text(settings)
		write_secret(self.directory / "init.sql", INIT_SQL.format(password=self.password))
		write_secret(self.directory / "client.cnf", CLIENT.format(port=self.port, password=self.password))

	def make_data(self) -> None:
		"""Make the system tables, beside the final place so that an interrupted try counts for nothing."""
		say(f"mariadb: making the data directory of the {self.name}")
		beside = self.directory / "data.new"
		shutil.rmtree(beside, ignore_errors=True)
		install = ["mariadb-install-db", "--no-defaults", f"--datadir={beside}", "--skip-test-db"]
		install += ["--auth-root-authentication-method=normal", "--skip-name-resolve"]
		run(install, self.places.step_log(f"mariadb-{self.name}"), "Making MariaDB's data directory failed")
		beside.rename(self.directory / "data")

	def client(self, sql: str) -> subprocess.CompletedProcess[str]:
		"""Send SQL as root."""
		command = [
			"mariadb",
			f"--defaults-file={self.directory / 'client.cnf'}",
			"--batch",
			f"--execute={sql}",
		]
		return subprocess.run(command, capture_output=True, text=True)

	def answers(self) -> bool:
		"""Whether it answers to root's password."""
		return self.client("SELECT 1").returncode == 0

	def forget(self) -> None:
		"""Remove all data; the server must be down."""
		shutil.rmtree(self.directory / "data", ignore_errors=True)

	@property
	def site_options(self) -> list[str]:
		"""Options for `bench new-site`."""
		options = ["--db-type", "mariadb", "--db-host", LOOPBACK, "--db-port", str(self.port)]
		options += ["--db-root-username", "root", "--db-root-password", self.password]
		return [*options, "--mariadb-user-host-login-scope=%"]


def write_secret(file: Path, content: str) -> None:
	"""Write a file that was never readable by others, not even for a moment."""
	file.unlink(missing_ok=True)
	file.touch(mode=0o600)
	file.write_text(content)
