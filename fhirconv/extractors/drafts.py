"""Facts in the making: what the sentences tell, before ids are given."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fhirconv.extractors.assertion import Assertion
from fhirconv.extractors.mentions import Mention

Span = tuple[int, int]


@dataclass(eq=False, slots=True)
class Draft:
    """A fact in the making; what refers to another fact holds its draft until ids are given."""

    kind: str
    label: str
    patient: int
    told: Assertion
    evidence: list[Span]
    method: str
    rule: str
    confidence: float
    fields: dict[str, Any] = field(default_factory=dict)
    time: dict[str, Any] | None = None
    keys: frozenset[str] = frozenset()  # the keys of the words of its label
    head: str = ""
    term: str = ""
    mentions: list[Mention] = field(default_factory=list)
    reading: int = -1
    about: Any = None  # what the making of other facts needs to know of it
    id: str = ""

    def add_evidence(self, span: Span) -> None:
        """Add a span that is not yet there."""
        if span not in self.evidence:
            self.evidence.append(span)


@dataclass(eq=False, slots=True)
class Link:
    """A relation in the making."""

    type: str
    source: Draft
    target: Draft
    span: Span
    explicit: bool = True
    basis: str = "stated"
    assessment: str = ""


def nearest(drafts: Sequence[Draft], kind: str) -> Draft | None:
    """Return the last draft of a kind."""
    return next((d for d in reversed(drafts) if d.kind == kind), None)
