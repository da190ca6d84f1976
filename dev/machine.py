"""The machine under it all: Debian packages, the user that owns the bench, and that user's environment.

Frappe refuses to be run by root. As root we therefore install packages, make the user, and then become that user
for good, so that every later file and process is theirs without a word about it anywhere else.
"""

import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from dev.progress import Failed, run, say

PYTHON = os.environ.get("PYTHON") or "/usr/bin/python3"
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
OLDEST_NODE = 18

# Debian package -> the program that shows it is there, or None where only dpkg can tell. A program that came another
# way (another vendor's MariaDB or Node) is as good, and Debian's package could not be put beside it.
PACKAGES: dict[str, str | None] = {
	"ca-certificates": None,
	"build-essential": None,
	"curl": "curl",
	"fonts-dejavu-core": None,
	"fonts-liberation": None,
	"git": "git",
	"libffi-dev": None,
	"libmariadb-dev": None,
	"mariadb-client": "mariadb",
	"mariadb-server-core": "mariadbd",
	"pkg-config": "pkg-config",
	"python3-dev": None,
	"python3-venv": None,
	"redis-server": "redis-server",
	"rsync": "rsync",
	"wkhtmltopdf": "wkhtmltopdf",
}
BROWSER: dict[str, str | None] = {"chromium": "chromium"}

# Variables that would lead the bench to another Frappe, another account or the caller's own directories. STRIPE_*
# goes because the app prefers it to the site's settings: a developer's real key must never reach a demo or a test.
FOREIGN_PREFIXES = tuple(
	"FRAPPE_ MAKE NVM_ PB_ PYENV_ PYTHON STRIPE_ SUDO_ VIRTUAL_ENV XDG_ npm_config_cache npm_config_prefix".split()
)
FOREIGN = frozenset(
	"BASH_ENV DEV_SERVER ENV GIT_DIR GIT_INDEX_FILE GIT_WORK_TREE MAIL MFLAGS NO_STATICS OLDPWD PIP_CACHE_DIR "
	"PIP_USER PWD SITES_PATH TMPDIR USE_PROXY UV_CACHE_DIR npm_config_userconfig".split()
)
# bench installs with uv, which reads none of pip's variables: a machine that names its index to pip names it to both.
SAME_FOR_UV = {"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL": "UV_INDEX"}


@dataclass(frozen=True)
class Owner:
	"""The account that owns the bench and everything we keep."""

	name: str
	uid: int
	gid: int
	home: Path


def use_the_machines_python() -> None:
	"""Start over with $PYTHON where root came with another one, which the owner may not be able to read."""
	if os.getuid() == 0 and not os.path.samefile(sys.executable, PYTHON):
		os.execv(PYTHON, [PYTHON, *sys.orig_argv[1:]])


def find_owner() -> Owner:
	"""The caller, or for root the user of $FRAPPE_USER. Raises KeyError where that user is not there yet."""
	name = os.environ.get("FRAPPE_USER") or "frappe"
	entry = pwd.getpwuid(os.getuid()) if os.getuid() else pwd.getpwnam(name)
	return Owner(entry.pw_name, entry.pw_uid, entry.pw_gid, Path(entry.pw_dir))


def ensure_owner() -> Owner:
	"""As `find_owner`; root makes the missing user."""
	try:
		return find_owner()
	except KeyError:
		name = os.environ.get("FRAPPE_USER") or "frappe"
		say(f"machine: creating the user {name}, who owns the bench")
		subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", name], check=True)
		return find_owner()


def become(owner: Owner, program_directories: list[Path]) -> None:
	"""Take the owner's identity, home and environment, for good."""
	environment = owner_environment(owner, program_directories)
	if os.getuid() != owner.uid:
		os.initgroups(owner.name, owner.gid)
		os.setgid(owner.gid)
		os.setuid(owner.uid)
	os.environ.clear()
	os.environ.update(environment)
	os.chdir(owner.home)


def owner_environment(owner: Owner, program_directories: list[Path]) -> dict[str, str]:
	"""The caller's environment (certificates, proxies, indexes, LANG, CI ...) as it has to look for the owner."""
	kept = {
		name: value
		for name, value in os.environ.items()
		if name not in FOREIGN and not name.startswith(FOREIGN_PREFIXES)
	}
	for pip_name, uv_name in SAME_FOR_UV.items():
		if pip_name in kept:
			kept.setdefault(uv_name, kept[pip_name])
	path = ":".join([*map(str, program_directories), SYSTEM_PATH])
	kept |= {"HOME": str(owner.home), "USER": owner.name, "LOGNAME": owner.name, "PATH": path}
	# Without a terminal git would wait for a password that nobody can type.
	kept |= {"GIT_TERMINAL_PROMPT": "0", "PYTHONUNBUFFERED": "1"}
	kept.setdefault("LANG", "C.UTF-8")
	return kept


def ensure_packages(with_browser: bool, log: Path) -> None:
	"""Install the Debian packages that are missing; no package manager is started when none is."""
	missing = missing_packages(PACKAGES | BROWSER if with_browser else PACKAGES) + missing_node()
	if not missing:
		return
	if not shutil.which("apt-get"):
		raise Failed(f"These are missing and there is no apt-get to install them: {' '.join(missing)}.")
	say(f"machine: installing Debian packages: {' '.join(missing)}")
	apt_get(["update"], log)
	apt_get(["install", "--yes", "--no-install-recommends", *missing], log)
	if missing_node():
		raise Failed(
			f"Node {OLDEST_NODE} or newer with npm is needed in {SYSTEM_PATH}; install it and try again."
		)


def missing_packages(packages: dict[str, str | None]) -> list[str]:
	"""Those of `packages` that neither their program nor dpkg shows."""
	unseen = [name for name, program in packages.items() if not (program and which(program))]
	return [name for name in unseen if not is_installed(name)]


def missing_node() -> list[str]:
	"""The packages that bring Node and npm. Debian's npm is never asked for where a good one is there."""
	node = which("node")
	if node is None or node_version(node) < OLDEST_NODE:
		return ["nodejs", "npm"]
	return [] if which("npm") else ["npm"]


def node_version(node: str) -> int:
	"""Major version of a Node binary."""
	shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
	return int(shown.strip().lstrip("v").split(".")[0])


def which(program: str) -> str | None:
	"""Where the owner will find a program; the caller's own PATH may name directories only the caller can read."""
	return shutil.which(program, path=SYSTEM_PATH)


def is_installed(package: str) -> bool:
	"""Whether dpkg knows the package as installed."""
	if not shutil.which("dpkg-query"):
		return False
	query = ["dpkg-query", "--show", "--showformat", "${db:Status-Status}", package]
	return subprocess.run(query, capture_output=True, text=True).stdout == "installed"


def apt_get(arguments: list[str], log: Path) -> None:
	"""Run apt-get as root. Through sudo it keeps our terminal, where sudo may ask for the password."""
	kept = [f"{name}={value}" for name, value in os.environ.items() if name.lower().endswith("_proxy")]
	command = ["env", "DEBIAN_FRONTEND=noninteractive", *kept, "apt-get", "-q", *arguments]
	failure = f"apt-get {arguments[0]} failed"
	if os.getuid() == 0:
		return run(command, log, failure)
	if not shutil.which("sudo"):
		raise Failed(f"Packages are missing and there is no sudo. As root: apt-get {' '.join(arguments)}")
	with log.open("ab") as output:
		code = subprocess.run(["sudo", *command], stdout=output, stderr=sys.stderr).returncode
	if code:
		raise Failed(f"{failure} (exit code {code}).", log)
