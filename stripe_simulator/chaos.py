"""What goes wrong with webhooks between the simulator and an endpoint, when a test asks for it."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field
from random import Random


@dataclass
class Chaos:
	"""Counts for each event and delivery from now on; all 0, everything goes well.

	`twins` are further events with ids of their own for the same fact, `duplicates` further deliveries of the same
	event, `drops` first attempts that never arrive, `forged` next ones that are signed with a secret nobody knows,
	`stale` next ones whose stamp is older than receivers accept, `delay` and `shuffle` seconds of simulated time: a
	delivery begins `delay` late and up to `shuffle` more, by chance.
	"""

	twins: int = 0
	duplicates: int = 0
	drops: int = 0
	forged: int = 0
	stale: int = 0
	delay: int = 0
	shuffle: int = 0
	types: tuple[str, ...] = ()
	random: Random = field(default_factory=Random)

	def touches(self, type: str) -> bool:
		"""Tell whether events of this type are meant: patterns such as `charge.*`, and all where none is given."""
		return not self.types or any(fnmatch.fnmatchcase(type, pattern) for pattern in self.types)

	def lateness(self) -> float:
		"""Draw the seconds by which one delivery begins late."""
		return self.delay + self.random.uniform(0, self.shuffle)
