"""A card for each resource, and for each fact that made none: all that is told of it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhirconv.build import Trace
from fhirconv.convert import serialise
from fhirconv.view.course import Anchor, time_words
from fhirconv.view.legend import Kind, Legend, Sign
from fhirconv.view.shown import shown_within
from fhirconv.view.sight import Sight, UsedRow
from fhirconv.view.values import words_of

INDENT = re.compile(r"^ +", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Code:
    """One code: of which system, what it is called there, how well it fits."""

    system: str
    code: str
    display: str
    match: str  # exact | close | broad; empty where no row says it
    row: UsedRow


@dataclass(frozen=True, slots=True)
class Told:
    """What leads to another card: 'suspected cause', the other, how sure, in which words."""

    label: str
    card: str
    text: str
    basis: str
    quotes: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Element:
    """What one row of a table put into a resource: the elements and values, the rows of codes."""

    paths: tuple[str, ...]
    values: tuple[tuple[str, str], ...]  # words, the card that they lead to (or none)
    row: UsedRow
    codes: tuple[UsedRow, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """All that is told of one item."""

    anchor: str
    kind: Kind
    label: str
    signs: tuple[Sign, ...]
    resource: str  # Condition/6ee46900-...; empty: none was made
    result: str  # mapped | text only | skipped; empty: no fact
    reason: str
    quotes: tuple[Mapping[str, Any], ...]
    sentence: str
    alike: tuple[Told, ...]  # what rests on the very same words
    when: str
    anchors: tuple[Anchor, ...]
    codes: tuple[Code, ...]
    values: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, tuple[Told, ...]], ...]  # by label
    found: Mapping[str, Any]  # provenance of the fact
    rule: UsedRow | None  # by which it was found
    elements: tuple[Element, ...]
    json: str


def cards_of(number: int, sight: Sight) -> Iterator[Card]:
    """Yield the cards of the case of that number, in the order of its items."""
    case, built = sight.conversion.cases[number]
    traces: dict[str, list[Trace]] = {}
    for trace in built.traces:
        traces.setdefault(trace.item, []).append(trace)
    entries = {entry.fact: entry for entry in built.entries}
    resources = {f"{r['resourceType']}/{r['id']}": r for r in built.resources}
    for item in case.items.values():
        mine = traces.get(item.id, [])
        entry = entries.get(item.id)
        if not mine and entry is None:
            continue  # a part of the document that this release makes nothing of
        place = mine[0].resource if mine else ""
        made = resources.get(place)
        fact = sight.facts.get(item.id, {})
        shown = _shown(mine, sight.legend)
        when, anchors = time_words(fact, sight.facts, sight.legend)
        quotes = tuple(item.fields.get("evidence", ()))
        yield Card(
            anchor=sight.anchor(item.id),
            kind=sight.legend.kind(item.kind),
            label=sight.title_of(item),
            signs=sight.legend.signs_of(item.fields),
            resource=place,
            result=entry.result if entry else "",
            reason=entry.reason if entry else "",
            quotes=quotes,
            sentence=sight.sentence(quotes),
            alike=tuple(_alike(item.id, quotes, sight)),
            when=when,
            anchors=tuple(anchors),
            codes=tuple(_codes(mine, sight)),
            values=shown,
            links=_grouped(_links(fact, sight)),
            found=fact.get("provenance") or {},
            rule=_rule(fact, sight),
            elements=tuple(_elements(mine, sight)),
            json=_json(made) if made else "",
        )


def _json(resource: Mapping[str, Any]) -> str:
    """Return a resource as JSON with one space a level, as pages are many."""
    try:
        text = serialise(resource).decode().rstrip()
    except TypeError:  # half a character: a Bundle with it is not written, but it is to be seen
        text = serialise(shown_within(resource)).decode().rstrip()
    return INDENT.sub(lambda found: found[0][::2], text)


def _alike(name: str, quotes: Iterable[Mapping[str, Any]], sight: Sight) -> Iterator[Told]:
    """Yield the other facts that rest on the very same words."""
    others = {o: None for quote in quotes for o in sight.at(quote) if o != sight.anchor(name)}
    for other in others:
        yield Told("", other, sight.labels[other], "", ())


def _shown(traces: Iterable[Trace], legend: Legend) -> tuple[tuple[str, str], ...]:
    """Return the elements that stand on the face of a card: label and values."""
    found: dict[str, dict[str, str]] = {}
    for trace in traces:
        place, label = legend.shown_as(trace.element)
        if place == "value":
            words = words_of(trace.value)
            found.setdefault(label, {}).setdefault(words.casefold(), words)
    return tuple((label, ", ".join(words.values())) for label, words in found.items())


def _codes(traces: Iterable[Trace], sight: Sight) -> Iterator[Code]:
    """Yield the codes of what a resource is about."""
    for trace in traces:
        if sight.legend.shown_as(trace.element)[0] != "code" or not trace.codes:
            continue
        value = trace.value
        codings = value.get("coding", [value]) if isinstance(value, Mapping) else ()
        for coding, row in zip(codings, trace.codes, strict=False):
            if "code" in coding:
                used = sight.row(row, coding["code"])
                system = sight.legend.system(coding.get("system", ""))
                said = (coding["code"], coding.get("display", ""), used.cells.get("match", ""))
                yield Code(system, *said, used)


def _rule(fact: Mapping[str, Any], sight: Sight) -> UsedRow | None:
    """Return the row of the tables by which a fact was found, where it names one."""
    origin = str((fact.get("provenance") or {}).get("rule", ""))
    known = origin.rpartition(":")[2].isdecimal() and sight.rows.cells(origin)
    return sight.row(origin) if known else None


def _links(fact: Mapping[str, Any], sight: Sight) -> Iterator[Told]:
    """Yield what leads from a fact to others and back: its relations, and fields that lead."""
    name = fact.get("id", "")
    for relation in sight.relations.get(name, ()):
        forth = relation["from"] == name
        other = relation["to" if forth else "from"]
        label = sight.legend.links.get(relation["type"], (relation["type"], relation["type"]))
        basis = relation.get("basis") or ("stated" if relation["explicit"] else "inferred")
        basis = ", ".join(filter(None, (basis, relation.get("assessment"))))
        yield _told(label[not forth], other, basis, relation["evidence"], sight)
    for field, other, forth in sight.leads.get(name, ()):
        yield _told(sight.legend.links[field][not forth], other, "", (), sight)


def _grouped(links: Iterable[Told]) -> tuple[tuple[str, tuple[Told, ...]], ...]:
    """Return links by their label, each once; a relation tells more than a field."""
    found: dict[str, dict[str, Told]] = {}
    for link in links:
        found.setdefault(link.label, {}).setdefault(link.card, link)
    return tuple((label, tuple(told.values())) for label, told in found.items())


def _told(
    label: str, other: str, basis: str, quotes: Sequence[Mapping[str, Any]], sight: Sight
) -> Told:
    anchor = sight.anchor(other)
    return Told(label, anchor, sight.labels.get(anchor, other), basis, tuple(quotes))


def _elements(traces: Iterable[Trace], sight: Sight) -> Iterator[Element]:
    """Yield what the rows put into a resource, what one row put there at several places as one."""
    by_row: dict[tuple[str, tuple[str, ...]], list[Trace]] = {}
    for trace in traces:
        by_row.setdefault((trace.row, trace.codes), []).append(trace)
    for (row, codes), mine in by_row.items():
        values = dict.fromkeys(_value(trace.value, sight) for trace in mine)
        rows = tuple(sight.row(code, mine[0].value) for code in codes)
        paths = tuple(dict.fromkeys(trace.element for trace in mine))
        yield Element(paths, tuple(values), sight.row(row), rows)


def _value(value: Any, sight: Sight) -> tuple[str, str]:
    """Return a value in words, and the card that a Reference leads to."""
    if isinstance(value, Mapping):
        card = sight.cards_by_urn.get(value.get("reference", ""), "")
        if card:
            return str(value.get("display") or sight.labels.get(card, card)), card
        if "code" in value and "display" in value:
            return f"{value['code']} “{value['display']}”", ""
        if "coding" in value:
            return "; ".join(_value(coding, sight)[0] for coding in value["coding"]), ""
    return words_of(value), ""
