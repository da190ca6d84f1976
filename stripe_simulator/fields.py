"""What a parameter may be: each field turns the text that was sent into a checked value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from stripe_simulator.errors import parameter_invalid, parameter_missing, parameter_unknown

MAX_METADATA_KEYS = 50
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


class Field(Protocol):
	"""Checks one parameter; `path` is its full name, as in `line_items[0][quantity]`."""

	def parse(self, value: Any, path: str) -> Any: ...


@dataclass(frozen=True)
class Text:
	"""A string. An empty one clears the value where `clearable`, and is refused elsewhere."""

	longest: int = 5000
	clearable: bool = False

	def parse(self, value: Any, path: str) -> str | None:
		if not isinstance(value, str):
			raise parameter_invalid(path, f"Invalid string: {path}")
		if not value and self.clearable:
			return None
		if not value:
			raise parameter_invalid(
				path,
				f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a parameter; "
				f"however '{path}' cannot be unset. You should remove '{path}' from your request or supply a "
				"non-empty value.",
				"parameter_invalid_empty",
			)
		if len(value) > self.longest:
			raise parameter_invalid(
				path,
				f"Invalid string: {path} must be at most {self.longest} characters",
				"parameter_invalid_string",
			)
		return value


@dataclass(frozen=True)
class Email:
	"""An e-mail address."""

	clearable: bool = False

	def parse(self, value: Any, path: str) -> str | None:
		text = Text(512, self.clearable).parse(value, path)
		if text is not None and not is_email(text):
			raise parameter_invalid(path, f"Invalid email address: {text}", "email_invalid")
		return text


@dataclass(frozen=True)
class Url:
	"""An absolute http or https address."""

	def parse(self, value: Any, path: str) -> str:
		text = Text().parse(value, path) or ""
		try:
			parts = urlsplit(text)
			valid = parts.scheme in ("http", "https") and bool(parts.hostname)
		except ValueError:
			valid = False
		if not valid:
			raise parameter_invalid(path, "Not a valid URL", "url_invalid")
		return text


@dataclass(frozen=True)
class Integer:
	"""A whole number in plain digits, within limits."""

	least: int | None = None
	most: int | None = None

	def parse(self, value: Any, path: str) -> int:
		if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,18}", value):
			raise parameter_invalid(path, f"Invalid integer: {value}", "parameter_invalid_integer")
		number = int(value)
		if self.least is not None and number < self.least:
			raise parameter_invalid(
				path,
				f"This value must be greater than or equal to {self.least}.",
				"parameter_invalid_integer",
			)
		if self.most is not None and number > self.most:
			raise parameter_invalid(
				path, f"This value must be less than or equal to {self.most}.", "parameter_invalid_integer"
			)
		return number


@dataclass(frozen=True)
class Boolean:
	"""`true` or `false`."""

	def parse(self, value: Any, path: str) -> bool:
		if value not in ("true", "false"):
			raise parameter_invalid(path, f"Invalid boolean: {value}")
		return bool(value == "true")


@dataclass(frozen=True)
class Choice:
	"""One of a few words."""

	words: tuple[str, ...]

	def parse(self, value: Any, path: str) -> str:
		if not isinstance(value, str) or value not in self.words:
			raise parameter_invalid(path, f"Invalid {path}: must be one of {', '.join(self.words)}")
		return value


@dataclass(frozen=True)
class Metadata:
	"""Own keys and values of the caller; an empty value removes its key, an empty string all of them."""

	def parse(self, value: Any, path: str) -> dict[str, str]:
		if value == "":
			return {}
		if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
			raise parameter_invalid(path, f"Invalid object: {path} must map strings to strings")
		if len(value) > MAX_METADATA_KEYS:
			raise parameter_invalid(path, f"{path} can have up to {MAX_METADATA_KEYS} keys")
		for key, text in value.items():
			if len(key) > 40 or len(text) > 500:
				raise parameter_invalid(
					f"{path}[{key}]", "Metadata keys can have up to 40 characters and values up to 500"
				)
		return value


@dataclass(frozen=True)
class ListOf:
	"""A list of one kind, written as `name[0]`, `name[1]` or `name[]`."""

	item: Field
	most: int = 100

	def parse(self, value: Any, path: str) -> list[Any]:
		if not isinstance(value, dict) or not all(re.fullmatch(r"[0-9]{1,4}", key) for key in value):
			raise parameter_invalid(path, f"Invalid array: {path}")
		if len(value) > self.most:
			raise parameter_invalid(path, f"{path} can have up to {self.most} elements")
		positions = sorted(value, key=int)
		return [self.item.parse(value[position], f"{path}[{position}]") for position in positions]


@dataclass(frozen=True)
class Group:
	"""Named parameters; what was not sent is not in the result."""

	fields: Mapping[str, Field] = field(default_factory=dict)
	required: tuple[str, ...] = ()

	def parse(self, value: Any, path: str = "") -> dict[str, Any]:
		if not isinstance(value, dict):
			raise parameter_invalid(path, f"Invalid object: {path}")
		for name in value:
			if name not in self.fields:
				raise parameter_unknown(_join(path, name))
		for name in self.required:
			if name not in value:
				raise parameter_missing(_join(path, name))
		return {name: self.fields[name].parse(sent, _join(path, name)) for name, sent in value.items()}


def is_email(text: str) -> bool:
	"""Tell whether the text could be an e-mail address."""
	return bool(_EMAIL.fullmatch(text)) and len(text) <= 512


def _join(path: str, name: str) -> str:
	return f"{path}[{name}]" if path else name
