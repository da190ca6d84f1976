"""Check JSON against the classes of the genuine stripe library.

A key that a class doesn't declare and a field that it needs but didn't get are both problems, at any depth.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import json
import sys
import types
import typing
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import stripe
from stripe._stripe_object import StripeObject, UntypedStripeObject
from stripe.events._event_classes import get_v2_event_class

CLASSES: dict[str, type[StripeObject]] = {
	"balance": stripe.Balance,
	"balance_transaction": stripe.BalanceTransaction,
	"billing_portal.session": stripe.billing_portal.Session,
	"charge": stripe.Charge,
	"checkout.session": stripe.checkout.Session,
	"customer": stripe.Customer,
	"dispute": stripe.Dispute,
	"event": stripe.Event,
	"item": stripe.LineItem,
	"list": stripe.ListObject,
	"payment_intent": stripe.PaymentIntent,
	"payment_method": stripe.PaymentMethod,
	"price": stripe.Price,
	"product": stripe.Product,
	"refund": stripe.Refund,
	"setup_intent": stripe.SetupIntent,
	"v2.core.event": stripe.v2.core.Event,
	"webhook_endpoint": stripe.WebhookEndpoint,
}
_PLAIN: dict[Any, tuple[type, ...]] = {
	str: (str,),
	int: (int,),
	bool: (bool,),
	float: (float, int),
	Decimal: (str,),
}


@dataclass(frozen=True)
class Answer:
	"""What the API answered to a request: `rule` is the path of the route, empty where there is none."""

	method: str
	rule: str
	path: str
	status: int
	body: bytes

	def json(self) -> dict[str, Any]:
		"""Return the body, parsed."""
		return json.loads(self.body)

	def problems(self) -> list[str]:
		"""Return what is wrong with the body, whether it is an object, a list or an error."""
		problems = (problems_of if self.status == 200 else problems_of_error)(self.json())
		return [f"{self.method} {self.path}: {problem}" for problem in problems]


def problems_of(thing: dict[str, Any]) -> list[str]:
	"""Return what is wrong with an object, or with all objects in a list; empty when it parses fully."""
	kind = thing.get("object", "list of v2")
	if thing.get("deleted"):
		return [] if thing == {"id": thing["id"], "object": kind, "deleted": True} else [f"{kind}: {thing}"]
	problems = _check_class(thing, _class_of(thing, kind), kind)
	if "list" in kind:
		return problems + [problem for entry in thing["data"] for problem in problems_of(entry)]
	if kind == "event":
		return problems + problems_of(thing["data"]["object"])
	return problems


def _class_of(thing: dict[str, Any], kind: str) -> type[StripeObject]:
	if kind == "list of v2":
		return stripe.v2.ListObject
	return get_v2_event_class(thing["type"]) if kind == "v2.core.event" else CLASSES[kind]


def problems_of_error(answer: dict[str, Any]) -> list[str]:
	"""Return what is wrong with the body of an error."""
	unknown = [f"{name}: unknown" for name in answer if name != "error"]
	return unknown + _check_class(answer["error"], stripe.ErrorObject, "error")


def _check_class(value: Any, cls: type[StripeObject], path: str) -> list[str]:
	if not isinstance(value, dict):
		return [f"{path}: {value!r} is no {cls.__name__}"]
	fields = _fields_of(cls)
	problems = [f"{path}.{name}: unknown" for name in value if name not in fields]
	for name, annotation in fields.items():
		if name in value:
			problems += _check(value[name], annotation, f"{path}.{name}")
		elif type(None) not in typing.get_args(annotation):
			problems.append(f"{path}.{name}: missing")
	return problems


def _check(value: Any, annotation: Any, path: str) -> list[str]:
	origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
	if annotation is Any or isinstance(annotation, typing.TypeVar):
		return []
	if origin in (typing.Union, types.UnionType):
		if value is None and type(None) in arguments:
			return []
		results = [_check(value, argument, path) for argument in arguments if argument is not type(None)]
		return min(results, key=len)
	if origin is typing.Literal:
		return [] if value in arguments else [f"{path}: {value!r} is none of {arguments}"]
	if origin is list:
		if not isinstance(value, list):
			return [f"{path}: {value!r} is no list"]
		return [problem for entry in value for problem in _check(entry, arguments[0], f"{path}[]")]
	if origin in (dict, UntypedStripeObject):
		if not isinstance(value, dict):
			return [f"{path}: {value!r} is no object"]
		return [
			problem
			for key, entry in value.items()
			for problem in _check(entry, arguments[-1], f"{path}.{key}")
		]
	if annotation in _PLAIN:
		right = isinstance(value, _PLAIN[annotation]) and (annotation is bool or not isinstance(value, bool))
		return [] if right else [f"{path}: {value!r} is no {annotation.__name__}"]
	return _check_class(value, origin or annotation, path)


@functools.cache
def _fields_of(cls: type[StripeObject]) -> dict[str, Any]:
	"""Return the declared fields of a class with their resolved types."""
	names: dict[str, Any] = {}
	for base in reversed(cls.__mro__):
		names |= _names_in(base.__module__)
	hints = typing.get_type_hints(cls, globalns=names)
	fields = {name: hint for name, hint in hints.items() if not name.startswith("_") and not name.isupper()}
	return fields | ({"object": typing.Literal["list"]} if cls is stripe.ListObject else {})


@functools.cache
def _names_in(module_name: str) -> dict[str, Any]:
	"""Return a module's names with those it imports for type checkers only."""
	module = sys.modules[module_name]
	names = dict(vars(module))
	if not module_name.startswith("stripe."):
		return names
	for node in ast.walk(ast.parse(inspect.getsource(module))):
		if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
			for line in node.body:
				if isinstance(line, ast.ImportFrom) and line.module:
					source = importlib.import_module(line.module)
					names |= {alias.asname or alias.name: getattr(source, alias.name) for alias in line.names}
	return names
