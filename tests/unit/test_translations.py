"""The German texts are complete and fit the English ones."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

APP = Path(__file__).parents[2] / "prepaid_billing"
PLACEHOLDER = re.compile(r"\{\w*\}")


def catalog(name: str) -> Catalog:
	with open(APP / "locale" / name, "rb") as file:
		return read_po(file)


TEMPLATE = catalog("main.pot")
GERMAN = catalog("de.po")
MESSAGES = [message for message in TEMPLATE if message.id]


def german_for(message: Message) -> str:
	found = GERMAN.get(message.id, message.context)
	return found.string if found and not found.fuzzy else ""


def test_there_are_messages() -> None:
	assert len(MESSAGES) > 300


def test_every_message_has_a_german_text() -> None:
	assert [message.id for message in MESSAGES if not german_for(message).strip()] == []


def test_placeholders_are_the_same_in_german() -> None:
	differing = [
		message.id
		for message in MESSAGES
		if sorted(PLACEHOLDER.findall(message.id)) != sorted(PLACEHOLDER.findall(german_for(message)))
	]
	assert differing == []


@pytest.mark.parametrize(
	("english", "german"),
	[
		# A name, not what a button does.
		("Shown as", "Ansicht"),
		# Why something happened; a "Begründung" is what somebody gives.
		("Reason", "Grund"),
		# Before "weniger als einen Tag".
		("Lasts, based on the last 7 days", "Reicht bei der Nutzung der letzten 7 Tage noch"),
		("You are here", "Sie sind hier"),
	],
)
def test_words_whose_meaning_depends_on_their_place_are_those_of_that_place(
	english: str, german: str
) -> None:
	assert english in {message.id for message in MESSAGES}
	assert GERMAN.get(english).string == german


def test_no_text_shouts_at_anybody() -> None:
	assert [message.id for message in MESSAGES if "!" in message.id + german_for(message)] == []


@pytest.mark.parametrize(
	("pattern", "method"),
	[
		("**.py", "python"),
		("**.html", "jinja2.ext:babel_extract"),
		("templates/**.txt", "jinja2.ext:babel_extract"),
	],
)
def test_every_text_in_the_code_is_in_the_template(pattern: str, method: str) -> None:
	known = {message.id for message in MESSAGES}
	found = extract_from_dir(APP, [(pattern, method)], keywords={"_": None})
	assert sorted({f"{text} ({file})" for file, _line, text, *_ in found if text not in known}) == []
