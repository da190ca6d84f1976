"""What a PDF says, as a person reads it."""

import io

from pypdf import PdfReader


def text_of(pdf: bytes) -> str:
	"""The text of all pages, each run of white space (hard spaces too) as one space."""
	return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())
