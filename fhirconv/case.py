"""One patient's case as the tables see it: facts, relations from both ends, and what follows.

The derived fields are listed in mappings/README.md; what a table can say, a table says.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fhirconv.times import offset_fields, time_fields

Fields = dict[str, Any]

REASON = "treats"  # mapped though inferred, where its words touch both ends
TEMPORAL = "suspected_cause"  # mapped though only temporal, and said to be so (H10)
DOCUMENT_KINDS = ("patient", "age", "document", "citation", "device", "composition", "provenance")


@dataclass(frozen=True, slots=True)
class Link:
    """A field that leads to another item; own is what the relation itself says."""

    to: str
    own: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """What becomes a resource: a fact, a patient, an age, or a part of the document."""

    id: str
    kind: str
    fields: Fields
    said: frozenset[str] = frozenset()  # the fields that the document itself gives it

    @property
    def evidence(self) -> list[dict[str, Any]]:
        """The words it rests on."""
        return list(self.fields.get("evidence", ()))


@dataclass(frozen=True, slots=True)
class Case:
    """The items of one patient, by id, in the order of the document."""

    patient: str
    items: dict[str, Item]

    def values(self, item: Item, path: tuple[str, ...]) -> list[Any]:
        """Return the values at the end of a path, aligned: None where one branch has none.

        A list on the way is followed item by item; a Link leads into the fact at its end,
        what the relation says of itself first.
        """
        found: list[Any] = [item.fields]
        for step in path:
            found = [value for each in found for value in self._step(each, step)]
        return found if any(value is not None for value in found) else []

    def _step(self, value: Any, step: str) -> list[Any]:
        if isinstance(value, Link):
            own = value.own.get(step)
            value = own if own is not None else self._fields(value.to).get(step)
        elif isinstance(value, Mapping):
            value = value.get(step)
        else:
            value = None
        if isinstance(value, list):
            return value or [None]
        return [None if value == "" else value]

    def _fields(self, name: str) -> Fields:
        return self.items[name].fields if name in self.items else {}


def cases(document: Mapping[str, Any], version: str, resolver: str) -> Iterator[Case]:
    """Yield one case a patient.

    version is that of the converter, for its Device; resolver is the URI that makes a URL of a
    DOI.
    """
    common = _common(document, version, resolver)
    for patient in document["patients"]:
        yield _case(document, patient, common)


def _case(document: Mapping[str, Any], patient: Mapping[str, Any], common: Fields) -> Case:
    name = patient["id"]
    facts = [f for f in document["facts"] if f["patient"] == name]
    links = _links(facts, document["relations"])
    items = [*_patient_items(patient)]
    items += [_fact_item(f, links.get(f["id"], {})) for f in facts]
    items += _document_items(document, name, common)
    return Case(name, {item.id: item for item in items})


def _links(
    facts: list[dict[str, Any]], relations: Iterable[Mapping[str, Any]]
) -> dict[str, dict[str, list[Link]]]:
    """Return, for each fact, its relations by name; '<name' from the other end."""
    known = {f["id"]: f for f in facts}
    links: dict[str, dict[str, list[Link]]] = {}
    for relation in relations:
        kind, start, end = relation["type"], relation["from"], relation["to"]
        if {start, end} <= known.keys() and _is_said(relation, known[start], known[end]):
            links.setdefault(start, {}).setdefault(kind, []).append(Link(end, relation))
            links.setdefault(end, {}).setdefault(f"<{kind}", []).append(Link(start, relation))
    return links


def _is_said(relation: Mapping[str, Any], *ends: Mapping[str, Any]) -> bool:
    """Say whether a relation may be mapped: it is stated, or its own words touch both facts.

    'relapsed after a transplantation' shows what the transplantation was for; that a drug was
    given to somebody who has one disease shows nothing. An order in time alone is marked as such.
    """
    if relation["explicit"] or relation["type"] == TEMPORAL:
        return True
    return relation["type"] == REASON and all(_touch(relation, fact) for fact in ends)


def _touch(one: Mapping[str, Any], two: Mapping[str, Any]) -> bool:
    spans = [[e for e in part["evidence"] if "start" in e] for part in (one, two)]
    return any(a["start"] < b["end"] and b["start"] < a["end"] for a in spans[0] for b in spans[1])


def _fact_item(fact: Mapping[str, Any], links: Mapping[str, list[Link]]) -> Item:
    empty: tuple[Any, ...] = (None, "", [], {}, {"polarity": fact["assertion"]["polarity"]})
    said = frozenset(name for name, value in fact.items() if value not in empty)
    return Item(fact["id"], fact["kind"], _fact_fields(fact, links), said)


def _fact_fields(fact: Mapping[str, Any], links: Mapping[str, list[Link]]) -> Fields:
    fields: Fields = dict(fact) | dict(links)
    for name in ("of", "product", "parent", "focus", "during", "resultingCondition"):
        if name in fact:
            fields[name] = Link(fact[name], {})
    if "during" in links:  # the relation is the same statement as the field
        fields["during"] = fields["during"] if "during" in fact else links["during"]
    fields["time"] = _time(fact.get("time") or {"kind": "unknown"})
    return fields


def _patient_items(patient: Mapping[str, Any]) -> Iterator[Item]:
    name = patient["id"]
    sex = patient.get("sex") or {}
    age = patient.get("age")
    words = [*patient.get("evidence", ()), *sex.get("evidence", ())]
    told = {
        "evidence": _distinct(words),
        "ageWords": age["evidence"][0]["text"] if age else None,
        "notStated": [name for name, value in (("sex", sex), ("age", age)) if not value],
    }
    yield Item(name, "patient", dict(patient) | told)
    if age:
        yield Item(f"{name}-age", "age", dict(age) | _age(age))


def _age(age: Mapping[str, Any]) -> Fields:
    """Return an age as a quantity, or as a range (a decade, 'between 30 and 40')."""
    number = {"value": age["value"]} if "value" in age else {}
    compared = {"comparator": age["comparator"]} if "comparator" in age else {}
    bounds = {name: age[name] for name in ("low", "high") if name in age}
    return {
        "quantity": number | compared | {"unit": age["unit"]} if number else None,
        "range": bounds | {"unit": age["unit"]} if bounds else None,
        "time": _time(age.get("time") or {"kind": "unknown"}),
    }


def _distinct(words: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({(e.get("start"), e.get("end"), e["text"]): e for e in words}.values())


def _common(document: Mapping[str, Any], version: str, resolver: str) -> Fields:
    """Return the fields of everything that is made of the document itself.

    What is made of a record (textType) is known by the bytes of the record: an article may have
    many.
    """
    citation, source = document["citation"], document["source"]
    doi = None if "textType" in source else citation.get("doi")
    return {
        **{name: value for name, value in citation.items() if name not in ("evidence", "text")},
        "cited": citation["text"],
        "file": source,
        "tool": document["extraction"],
        "converter": {"version": version},
        "moreAuthors": None if citation["authorsComplete"] else "et al.",
        "uri": f"{resolver}/{doi.lower()}" if doi else source["uri"],
    }


def _document_items(document: Mapping[str, Any], patient: str, common: Fields) -> Iterator[Item]:
    by_kind: Fields = {}
    for statement in document["statements"]:
        by_kind.setdefault(statement["kind"], []).append(statement["text"])
    for kind in ("document", "citation"):
        yield Item(kind, kind, dict(common))
    yield Item("device", "device", {"converter": common["converter"]})  # the same for all reports
    told = {"statements": by_kind, "statementKinds": next(iter(by_kind), None)}
    yield Item(f"composition-{patient}", "composition", common | told)
    yield Item(f"provenance-{patient}", "provenance", dict(common))


def uri(case: Case) -> str:
    """Return the URI of the source: its DOI where one is stated, else that of its bytes."""
    return str(case.items["document"].fields["uri"])


def _time(time: Mapping[str, Any]) -> Fields:
    """Return a time with what rows read of it, its anchors as links to other facts."""
    anchors = [
        {"to": Link(anchor["fact"], {}), "relation": anchor["relation"]}
        | offset_fields(anchor["relation"], anchor.get("offset"))
        for anchor in time.get("anchors", ())
    ]
    return time_fields(time) | {"anchors": anchors}
