"""Stripe's form encoding: `line_items[0][price_data][currency]=eur` to nested values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from stripe_simulator.errors import ApiError

MAX_DEPTH = 8
_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")


def nested_params(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
	"""Nest flat pairs. Lists stay dicts keyed by position ("0", "1", ...) until a field says they are lists.

	Raises ApiError for a key that is no key, or that is used both as a value and as a group.
	"""
	params: dict[str, Any] = {}
	for key, value in pairs:
		match = _KEY.fullmatch(key)
		parts = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])] if match else []
		if not parts or len(parts) > MAX_DEPTH:
			raise ApiError(f"Invalid parameter name: {key}")
		_put(params, parts, key, value)
	return params


def _put(target: dict[str, Any], parts: list[str], key: str, value: str) -> None:
	for part in parts[:-1]:
		target = target.setdefault(part or str(len(target)), {})
		if not isinstance(target, dict):
			raise ApiError(f"Invalid parameter name: {key}")
	last = parts[-1] or str(len(target))
	if isinstance(target.get(last), dict):
		raise ApiError(f"Invalid parameter name: {key}")
	target[last] = value
