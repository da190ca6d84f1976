"""What code and forms both list is the same in both."""

import ast
import json
from pathlib import Path

import pytest

APP = Path(__file__).parents[2] / "prepaid_billing"


def constants(module: str) -> dict[str, object]:
	"""The constants of a module, read from its source: it needs Frappe to be imported."""
	found: dict[str, object] = {}
	for node in ast.parse((APP / module).read_text()).body:
		if isinstance(node, ast.Assign):
			names = node.targets[0]
			values = node.value
			if isinstance(names, ast.Tuple):
				found |= {name.id: value.value for name, value in zip(names.elts, values.elts, strict=True)}
			elif isinstance(values, ast.Tuple) and isinstance(names, ast.Name):
				found[names.id] = [
					item.value if isinstance(item, ast.Constant) else found.get(getattr(item, "id", ""))
					for item in values.elts
				]
	return found


@pytest.mark.parametrize(
	"module,constant,fieldname",
	[("calls/care.py", "REASONS", "refund_reason"), ("calls/settle.py", "REVIEWS", "review")],
)
def test_the_options_of_a_field_are_those_of_the_code(module: str, constant: str, fieldname: str) -> None:
	doctype = json.loads((APP / "prepaid_billing/doctype/call_charge/call_charge.json").read_text())
	options = next(field["options"] for field in doctype["fields"] if field["fieldname"] == fieldname)
	assert options.split("\n") == ["", *constants(module)[constant]]
