"""One patient's case as the tables see it: facts, relations from both ends, and what follows.

The derived fields are listed in mappings/README.md; what a table can say, a table says.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from fhirconv.times import offset_fields, time_fields

Fields = dict[str, Any]

NOTHING: Mapping[str, Any] = MappingProxyType({})
REASON = "treats"  # mapped though inferred, where its words touch both ends
TEMPORAL = "suspected_cause"  # mapped though only temporal, and said to be so (H10)
LEADING = ("of", "product", "parent", "focus", "during", "resultingCondition")  # to other facts
UNKNOWN = {"kind": "unknown"}  # the time that is not told
DOCUMENT_KINDS = ("patient", "age", "document", "citation", "device", "composition", "provenance")


class Link(NamedTuple):
    """A field that leads to another item; own is what the relation itself says."""

    to: str
    own: Mapping[str, Any] = NOTHING


class Item(NamedTuple):
    """What becomes a resource: a fact, a patient, an age, or a part of the document."""

    id: str
    kind: str
    fields: Fields
    stated: Mapping[str, Any] = NOTHING  # the fact as the document states it

    @property
    def evidence(self) -> list[dict[str, Any]]:
        """The words it rests on."""
        return list(self.fields.get("evidence", ()))

    @property
    def is_fact(self) -> bool:
        """Say whether it is a fact, of which an account is given."""
        return "assertion" in self.fields


@dataclass(frozen=True, slots=True)
class Case:
    """The items of one patient, by id, in the order of the document."""

    patient: str
    items: dict[str, Item]


def cases(document: Mapping[str, Any], version: str, resolver: str) -> Iterator[Case]:
    """Yield one case a patient.

    version is that of the converter, for its Device; resolver is the URI that makes a URL of a
    DOI.
    """
    common = _common(document, version, resolver)
    facts: dict[str, list[Fields]] = {patient["id"]: [] for patient in document["patients"]}
    for fact in document["facts"]:
        facts[fact["patient"]].append(fact)
    links = _links({fact["id"]: fact for fact in document["facts"]}, document["relations"])
    for patient in document["patients"]:
        yield _case(document, patient, (facts[patient["id"]], links, common))


def _case(
    document: Mapping[str, Any],
    patient: Mapping[str, Any],
    given: tuple[list[Fields], dict[str, Fields], Fields],
) -> Case:
    facts, links, common = given
    items = [*_patient_items(patient)]
    items += [_fact_item(fact, links.get(fact["id"], NOTHING)) for fact in facts]
    items += _document_items(document, patient["id"], common)
    return Case(patient["id"], {item.id: item for item in items})


def _links(
    facts: Mapping[str, Fields], relations: Iterable[Mapping[str, Any]]
) -> dict[str, Fields]:
    """Return, for each fact, its relations by name; '<name' from the other end."""
    links: dict[str, Fields] = {}
    for relation in relations:
        kind, start, end = relation["type"], relation["from"], relation["to"]
        one, two = facts[start], facts[end]
        if one["patient"] == two["patient"] and _is_said(relation, one, two):
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


def _fact_item(fact: Fields, links: Mapping[str, list[Link]]) -> Item:
    fields: Fields = {**fact, **links}
    for name in LEADING:
        if name in fact:
            fields[name] = Link(fact[name])
    if "during" in links and "during" not in fact:  # the relation is the same statement
        fields["during"] = links["during"]
    fields["time"] = _time(fact.get("time") or UNKNOWN)
    return Item(fact["id"], fact["kind"], fields, fact)


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
        "time": _time(age.get("time") or UNKNOWN),
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
    fields = time_fields(time)
    fields["anchors"] = [
        {"to": Link(anchor["fact"]), "relation": anchor["relation"]}
        | offset_fields(anchor["relation"], anchor.get("offset"))
        for anchor in time.get("anchors", ())
    ]
    return fields
