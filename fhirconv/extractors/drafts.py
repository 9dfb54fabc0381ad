"""Facts in the making: what the sentences tell, before ids are given."""

from collections.abc import Iterator
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
    modelled: list[str] = field(default_factory=list)  # fields whose words a model found
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


TREATED = frozenset(("medication", "procedure"))


class Drafts:
    """The facts in the making in the order in which they are told, by kind and by sentence."""

    def __init__(self) -> None:
        self.listed: list[Draft] = []
        self.by_kind: dict[str, list[Draft]] = {}
        self.by_reading: dict[int, list[Draft]] = {}
        self.treatments: list[Draft] = []

    def __iter__(self) -> Iterator[Draft]:
        return iter(tuple(self.listed))

    def add(self, draft: Draft) -> None:
        """Add a fact, whose kind and sentence stand."""
        self.listed.append(draft)
        self.by_kind.setdefault(draft.kind, []).append(draft)
        self.by_reading.setdefault(draft.reading, []).append(draft)
        if draft.kind in TREATED:
            self.treatments.append(draft)

    def put_behind(self, draft: Draft) -> None:
        """Put what a sentence only presupposes behind what it says."""
        self.listed.remove(draft)
        self.listed.append(draft)

    def of_kind(self, kind: str) -> list[Draft]:
        """Return the facts of one kind."""
        return self.by_kind.get(kind, [])

    def told_in(self, *readings: int) -> list[Draft]:
        """Return the facts that these sentences told first."""
        return [d for n in readings for d in self.by_reading.get(n, ())]
