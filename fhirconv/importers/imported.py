"""What an importer hands on: a facts document a patient, and what is worth a word."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fhirconv.errors import ReadError
from fhirconv.importers.drafts import Record, document_of
from fhirconv.importers.knowledge import Knowledge
from fhirconv.outcome import Issue

SHOWN = 8  # problems of a file that are told in one sentence

TextOf = Callable[[str], Any]  # the report of a file of this name beside the input


@dataclass(frozen=True, slots=True)
class Imported:
    """The facts documents of one file, and the issues of what no row could take."""

    documents: tuple[dict[str, Any], ...]
    issues: tuple[Issue, ...] = ()

    @classmethod
    def of(cls, made: Sequence[tuple[Record, list[Issue]]], known: Knowledge) -> "Imported":
        """Return records, each with its issues, as what is handed on."""
        documents = tuple(document_of(record, known) for record, _ in made)
        return cls(documents, tuple(issue for _, issues in made for issue in issues))


def left_out(what: str, why: str, where: str) -> Issue:
    """Return the issue of something that the source says and no fact takes."""
    return Issue("information", "incomplete", f"{what} is left out: {why}", where)


def refuse(problems: Iterable[str], name: str) -> None:
    """Raise ReadError with all that is wrong in a file, where anything is."""
    listed = list(problems)
    if listed:
        more = [f"and {len(listed) - SHOWN} more"] if len(listed) > SHOWN else []
        raise ReadError("; ".join([*listed[:SHOWN], *more]), name)
