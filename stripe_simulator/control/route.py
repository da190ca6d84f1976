"""A route of the control surface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stripe_simulator.fields import Group

Json = dict[str, Any]
Handler = Callable[..., Json]
"""Called as (operation, params, **ids) under the store's lock; returns the JSON to answer."""


@dataclass(frozen=True)
class ControlRoute:
	"""A method and path under /_simulator and the form it takes."""

	method: str
	path: str
	handler: Handler
	fields: Group
