"""The bundles of files, lines and standard input, one after the other, however many there are."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from fhirconv.errors import ReadError
from fhirconv.exact import exactly
from fhirconv.files import Input
from fhirconv.importers import unpacked
from fhirconv.lines import Line, Reading, sniffed
from fhirconv.validate.parsing import load_json

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Document:
    """One resource as it stands in a file, with its place there; where it cannot be had, why."""

    item: Input
    line: int  # 0: it is the file
    place: str  # FILE, or FILE:LINE
    data: bytes
    problem: str = ""

    @property
    def digest(self) -> str:
        """The SHA-256 of its bytes, by which it is known again."""
        return sha256(self.data).hexdigest()

    def resource(self) -> Resource:
        """Return what it holds, each number with its digits; raises ReadError."""
        if self.problem:
            raise ReadError(self.problem, self.place)
        found = exactly(self.data)
        document = load_json(self.data, self.place) if found is None else found
        return _checked(document, self.place)


def documents(items: Iterable[Input], limit: int) -> Iterator[Document]:
    """Yield what the inputs hold, read a line or a file at a time, none of them over the limit."""
    for item in items:
        try:
            by_line, begun = sniffed(item, limit)
            shown = begun.shown
            if by_line:
                yield from (_of_line(begun, shown, line) for line in Reading(begun, limit))
            else:
                data, _ = unpacked(begun.load(limit), shown, limit)
                yield Document(begun, 0, shown, data.strip())
        except ReadError as error:
            yield Document(item, 0, item.shown, b"", error.message)


def _of_line(item: Input, shown: str, line: Line) -> Document:
    return Document(item, line.number, f"{shown}:{line.number}", line.data.strip(), line.problem)


def _checked(document: Any, place: str) -> Resource:
    if not isinstance(document, dict):
        raise ReadError("a FHIR resource is a JSON object", place)
    if not isinstance(document.get("resourceType"), str):
        facts = "schemaVersion" in document
        what = "but a facts document: convert it first" if facts else "resourceType is missing"
        raise ReadError(f"this is no FHIR resource, {what}", place)
    return document
