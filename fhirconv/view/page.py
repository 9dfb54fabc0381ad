"""The page of one report: its words with marks, the course and the cards of each patient."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from fhirconv.outcome import Issue
from fhirconv.view.cards import Card, cards_of
from fhirconv.view.course import Course, course_of
from fhirconv.view.drawing import Drawing, drawing_of
from fhirconv.view.legend import Kind, Sign
from fhirconv.view.marks import Block, Span, headings_of, marked, paragraphs, patches
from fhirconv.view.sight import Sight, UsedRow

FACT = re.compile(r"facts\[([^\]]+)\]")
RESOURCE = re.compile(r"\b([A-Z][A-Za-z]+/[0-9a-f-]{36})\b")
RANK = {"fatal": 0, "error": 1, "warning": 2, "information": 3}
MAPPED = "mapped"


@dataclass(frozen=True, slots=True)
class Patient:
    """One patient: what is told of the person, the course, the cards by kind."""

    anchor: str
    about: tuple[Card, ...]  # the person, the age
    course: Course
    drawing: Drawing
    groups: tuple[tuple[Kind, tuple[Card, ...]], ...]


@dataclass(frozen=True, slots=True)
class Record:
    """Words that stand in a record and not in a text."""

    anchor: str
    pointer: str
    words: str
    cards: tuple[str, ...]
    looks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """What the report says of nobody in particular."""

    anchor: str
    kind: str
    text: str
    signs: tuple[Sign, ...]
    quotes: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Remark:
    """An issue, the card that it speaks of, and the sentence there."""

    issue: Issue
    card: str
    label: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Page:
    """All that stands on the page of one report."""

    sight: Sight
    blocks: tuple[tuple[Block, Markup], ...]
    records: tuple[Record, ...]
    patients: tuple[Patient, ...]
    record: tuple[Card, ...]  # what is made of the document itself
    statements: tuple[Statement, ...]
    unmapped: tuple[Card, ...]  # facts kept as text or left out
    remarks: tuple[Remark, ...]
    rows: tuple[UsedRow, ...]  # of the tables
    counts: Mapping[str, int]

    @property
    def looks(self) -> list[str]:
        """The kinds that have marks, in the order of the legend."""
        order = {name: place for place, name in enumerate(self.sight.legend.kinds)}
        marked = {next(iter(found.values())) for found in self.sight.quoted.values()}
        return sorted(marked, key=lambda name: (order.get(name, len(order)), name))

    @property
    def signs(self) -> list[Sign]:
        """The signs that marks have, in the order of the legend."""
        told = (*self.sight.document["facts"], *self.sight.document["statements"])
        found = {sign.name for fields in told for sign in self.sight.legend.signs_of(fields)}
        return [sign for name, sign in self.sight.legend.signs.items() if name in found]


def page_of(sight: Sight) -> Page:
    """Return the page of a report."""
    seen: set[str] = set()
    parts: list[Card] = []
    patients = tuple(
        _patient(number, sight, seen, parts) for number in range(len(sight.conversion.cases))
    )
    cards = [card for patient in patients for _, group in patient.groups for card in group]
    left = tuple(card for card in cards if card.result and card.result != MAPPED)
    return Page(
        sight=sight,
        blocks=tuple(marked(_blocks(sight), _spans(sight), sight.prefix)),
        records=tuple(_records(sight)),
        patients=patients,
        record=tuple(parts),
        statements=tuple(_statements(sight)),
        unmapped=left,
        remarks=tuple(_remarks(sight, {card.anchor: card for card in cards})),
        rows=tuple(sorted(sight.used.values(), key=_by_line)),
        counts=sight.conversion.ledger.counts,
    )


def _by_line(row: UsedRow) -> tuple[str, int]:
    file, _, line = row.origin.rpartition(":")
    return (file, int(line)) if line.isdecimal() else (row.origin, 0)


def _patient(number: int, sight: Sight, seen: set[str], parts: list[Card]) -> Patient:
    """Return a patient; the cards of the document itself go to the parts, each once."""
    case, _ = sight.conversion.cases[number]
    about: list[Card] = []
    by_kind: dict[str, list[Card]] = {}
    for card in cards_of(number, sight):
        if card.anchor in seen:
            continue
        seen.add(card.anchor)
        if card.result:
            by_kind.setdefault(card.kind.name, []).append(card)
        else:
            (about if card.kind.name in ("patient", "age") else parts).append(card)
    facts = [f for f in sight.document["facts"] if f["patient"] == case.patient]
    course = course_of(facts, sight.document["relations"], sight.legend)
    order = {name: place for place, name in enumerate(sight.legend.kinds)}
    kinds = sorted(by_kind, key=lambda name: order.get(name, len(order)))
    groups = tuple((sight.legend.kind(name), tuple(by_kind[name])) for name in kinds)
    name = f"{sight.prefix}p-{case.patient}"
    return Patient(name, tuple(about), course, drawing_of(course), groups)


def _blocks(sight: Sight) -> list[Block]:
    """Return the paragraphs of the report, or what its quotes tell of it."""
    report = sight.report
    if report is not None:
        return list(paragraphs(report.text, headings_of(report)))
    return list(patches(_quotes(sight)))


def _quotes(sight: Sight) -> Iterator[tuple[int, str]]:
    for part in ("facts", "patients", "statements", "citation"):
        yield from _inside(sight.document[part])


def _inside(item: Any) -> Iterator[tuple[int, str]]:
    """Yield the quotes of a part of a document: where they begin, and their words."""
    if isinstance(item, Mapping):
        if {"start", "end", "section"} <= item.keys():
            yield item["start"], item["text"]
        else:
            for value in item.values():
                yield from _inside(value)
    elif isinstance(item, list):
        for value in item:
            yield from _inside(value)


def _spans(sight: Sight) -> Iterator[Span]:
    """Yield the words to be marked, each once, looking like the first fact that rests on them."""
    for place, found in sight.quoted.items():
        if not isinstance(place[0], str):
            yield Span(place[0], place[1], tuple(found), _looks(sight, found))


def _looks(sight: Sight, found: Mapping[str, str]) -> tuple[str, ...]:
    """Return the classes of words: of the kind and the signs of the first that rests on them."""
    name, kind = next(iter(found.items()))
    signs = sight.legend.signs_of(sight.fields_of(name))
    return (f"k-{sight.legend.kind(kind).name}", *(f"s-{sign.name}" for sign in signs))


def _records(sight: Sight) -> Iterator[Record]:
    """Yield the words that stand in records, in the order of the facts."""
    for place, number in sight.pointed.items():
        found = sight.quoted[place]
        anchor = f"{sight.prefix}w{number}"
        yield Record(anchor, place[0], place[1], tuple(found), _looks(sight, found))


def _statements(sight: Sight) -> Iterator[Statement]:
    for told in sight.document["statements"]:
        signs = sight.legend.signs_of(told)
        yield Statement(
            sight.anchor(told["id"]), told["kind"], told["text"], signs, told["evidence"]
        )


def _remarks(sight: Sight, cards: Mapping[str, Card]) -> Iterator[Remark]:
    """Yield the issues, the worst first, with the card and the sentence that they speak of."""
    by_place = {card.resource: card for card in cards.values() if card.resource}
    for issue in sorted(sight.conversion.issues, key=lambda i: RANK.get(i.severity, 9)):
        fact = FACT.search(issue.where)
        card = cards.get(sight.anchor(fact[1])) if fact else None
        if card is None:
            place = RESOURCE.search(f"{issue.where} {issue.message}")
            card = by_place.get(place[1]) if place else None
        told = (card.anchor, card.label, card.sentence) if card else ("", "", "")
        yield Remark(issue, *told)
